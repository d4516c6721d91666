"""A well-formed XML file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "数据.xml", '<?xml version="1.0" encoding="UTF-8"?><户><姓名>张三</姓名></户>')
