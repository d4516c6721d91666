"""A page in UTF-8."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import html
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "公示.html", html())
