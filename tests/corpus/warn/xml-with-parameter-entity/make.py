"""Entities that build entities."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(
        folder, "数据.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY % x SYSTEM "http://example.org/x"> %x;]><a/>'
    )
