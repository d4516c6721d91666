"""A table as Excel in China writes it."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "名册.csv", "姓名,住址,金额\n张三,青石镇第一村,320\n李四,青石镇第二村,280\n".encode("gb18030"))
