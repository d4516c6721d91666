"""List is no json."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    root = listed(folder)
    (root / "deposit-list.json").write_text('{"format": ')
    return root
