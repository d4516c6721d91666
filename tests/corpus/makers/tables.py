"""Deposit lists kept as spreadsheets, beside the files they name."""

from __future__ import annotations

from pathlib import Path

from metadata.household import household_no
from tests.corpus.makers.documents import sheets

NUMBER = household_no("990101001001", 7)
"""A valid household number."""
HEADINGS = ("件号", "题名", "文件", "文件类型", "户号", "救助项目", "日期", "页数", "公开级别", "备注")


def tabled(
    folder: Path, *rows: tuple[object, ...], headings: tuple[str, ...] = HEADINGS, name: str = "移交清单.xlsx"
) -> Path:
    """``a.txt``, ``b.txt`` and a list of these rows in the columns of ``headings``."""
    root = folder / "in"
    root.mkdir()
    (root / "a.txt").write_text("甲的内容", encoding="utf-8")
    (root / "b.txt").write_text("乙的内容", encoding="utf-8")
    table = [list(headings), *(list(row) for row in rows)]
    if name.endswith(".xlsx"):
        (root / name).write_bytes(sheets(*table))
    else:
        lines = (",".join("" if cell is None else str(cell) for cell in row) for row in table)
        (root / name).write_bytes(("\n".join(lines) + "\n").encode("gb18030"))
    return root


def row(number: int, files: str, **more: object) -> tuple[object, ...]:
    """A row for item ``number`` with ``files``; ``more`` fills other columns by their headings."""
    told = {"件号": number, "题名": f"材料{number}", "文件": files} | more
    return tuple(told.get(heading) for heading in HEADINGS)
