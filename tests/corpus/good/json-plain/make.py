"""A JSON file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "数据.json", '{"姓名": "张三", "成员": [1, 2, 3]}')
