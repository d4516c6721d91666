"""A workbook with an ActiveX control."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked, workbook
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(
        folder, "名册.xlsx", repacked(workbook(), lambda parts: parts.update({"xl/activeX/activeX1.bin": bytes(40)}))
    )
