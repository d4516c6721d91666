"""Levels of description: fonds, series, file, item (DA/T 18, ISAD(G) 3.1.4, DA/T 46 M1).

``FILE`` is the archival level (案卷); a sequence of bytes is called a stored file.
"""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A level of description, from the widest to the single item."""

    FONDS = "fonds"
    SERIES = "series"
    FILE = "file"
    ITEM = "item"

    @property
    def zh(self) -> str:
        """The Chinese term."""
        return {"fonds": "全宗", "series": "类别", "file": "案卷", "item": "件"}[self.value]

    @property
    def aggregation_level(self) -> str:
        """The term of DA/T 46 M1 聚合层次; an item is 文件 there."""
        return "文件" if self is Level.ITEM else self.zh

    def holds(self, other: Level) -> bool:
        """Whether something of this level may have parts of level ``other``."""
        order = tuple(Level)
        return order.index(self) < order.index(other)
