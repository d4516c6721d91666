"""ISAD(G), second edition: the 26 elements of archival description in their seven areas.

Six of them are essential for exchange: reference code, title, creator, date, extent and level of description.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """One element: rule number, English and Chinese name, whether it is essential for exchange."""

    number: str
    name: str
    zh: str
    essential: bool = False


_TABLE = (
    Element("3.1.1", "Reference code", "档号", essential=True),
    Element("3.1.2", "Title", "题名", essential=True),
    Element("3.1.3", "Date(s)", "起止日期", essential=True),
    Element("3.1.4", "Level of description", "著录层级", essential=True),
    Element("3.1.5", "Extent and medium of the unit of description", "数量与载体", essential=True),
    Element("3.2.1", "Name of creator(s)", "责任者", essential=True),
    Element("3.2.2", "Administrative/Biographical history", "机构沿革"),
    Element("3.2.3", "Archival history", "档案沿革"),
    Element("3.2.4", "Immediate source of acquisition or transfer", "直接来源"),
    Element("3.3.1", "Scope and content", "范围与提要"),
    Element("3.3.2", "Appraisal, destruction and scheduling information", "鉴定与处置"),
    Element("3.3.3", "Accruals", "新增"),
    Element("3.3.4", "System of arrangement", "整理体系"),
    Element("3.4.1", "Conditions governing access", "利用条件"),
    Element("3.4.2", "Conditions governing reproduction", "复制条件"),
    Element("3.4.3", "Language/scripts of material", "语种与文字"),
    Element("3.4.4", "Physical characteristics and technical requirements", "形态与技术要求"),
    Element("3.4.5", "Finding aids", "检索工具"),
    Element("3.5.1", "Existence and location of originals", "原件存址"),
    Element("3.5.2", "Existence and location of copies", "复制件存址"),
    Element("3.5.3", "Related units of description", "相关著录单元"),
    Element("3.5.4", "Publication note", "出版说明"),
    Element("3.6.1", "Note", "附注"),
    Element("3.7.1", "Archivist's note", "著录人说明"),
    Element("3.7.2", "Rules or conventions", "著录规则"),
    Element("3.7.3", "Date(s) of descriptions", "著录日期"),
)

ELEMENTS: dict[str, Element] = {element.number: element for element in _TABLE}
ESSENTIAL: tuple[str, ...] = tuple(element.number for element in _TABLE if element.essential)

FIELDS: dict[str, str] = {
    "document_number": "3.1.1",
    "title": "3.1.2",
    "date": "3.1.3",
    "level": "3.1.4",
    "page_count": "3.1.5",
    "author": "3.2.1",
    "document_type": "3.3.1",
    "access_level": "3.4.1",
    "language": "3.4.3",
    "note": "3.6.1",
}
"""Field of a description -> rule number. The archival code, once given, takes the place of the document number."""
