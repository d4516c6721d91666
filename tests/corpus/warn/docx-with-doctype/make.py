"""Entities inside a document."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked, word
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    bomb = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "b">]><w>&a;</w>'
    return one(folder, "申请书.docx", repacked(word(), lambda parts: parts.update({"word/settings.xml": bomb})))
