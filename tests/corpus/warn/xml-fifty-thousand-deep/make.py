"""Elements inside elements."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "数据.xml", '<?xml version="1.0"?>' + "<a>" * 50_000 + "</a>" * 50_000)
