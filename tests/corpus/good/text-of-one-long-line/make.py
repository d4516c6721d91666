"""A line of two million characters."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "日志.txt", "家庭情况说明" * 350_000)
