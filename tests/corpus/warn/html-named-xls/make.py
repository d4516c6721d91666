"""A page that some system called a workbook."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import html
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "名册.xls", html("<table><tr><td>张三</td></tr></table>"))
