"""Headings of a deposit list kept as a spreadsheet: which column means what, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from search.analysis import fold

SheetKind = Literal["records", "households"]
_NOT_WORD = re.compile(r"[\s_:：*＊#.\-/]+")
_BRACKET = re.compile(r"[(（\[【].*?[)）\]】]")
_NUMBERED = re.compile(r"\d{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field it fills, its headings, and what the template says about it."""

    field: str
    zh: str
    en: str
    other: tuple[str, ...] = ()
    required: bool = False
    note_zh: str = ""
    note_en: str = ""
    example: str = ""


RECORDS: tuple[Column, ...] = (
    Column("number", "件号", "item", ("序号", "编号", "no", "number", "item no"), note_zh="同一件号的几行合为一件", note_en="rows with one number are one document", example="示例"),
    Column("title", "题名", "title", ("文件题名", "标题", "名称", "文件名称"), required=True, note_zh="文件的名称", note_en="name of the document", example="入户调查表（合成示例，提交前请删除本行）"),
    Column("files", "文件", "files", ("文件路径", "路径", "文件名", "附件", "file", "path", "file name"), required=True, note_zh="相对本清单所在文件夹的路径；几个文件用分号隔开，或每个文件一行、件号相同", note_en="path from the folder of this list; several parted by semicolons, or a row each with one item number", example="张三/入户调查表.pdf"),
    Column("document_type", "文件类型", "document_type", ("类型", "文种", "材料类型", "材料名称", "type", "document type"), note_zh="代码或名称，见“代码”表", note_en="code or name, see the sheet of codes", example="CHK07"),
    Column("household_nos", "户号", "household_no", ("户编号", "家庭编号", "户号列表", "household", "household no", "household nos"), note_zh="19 位，单元格须设为文本；几户用顿号隔开", note_en="19 characters, as text; several parted by commas"),
    Column("programme", "救助项目", "programme", ("项目", "救助类型", "救助类别", "program"), note_zh="代码或名称", note_en="code or name", example="DB"),
    Column("date", "日期", "date", ("文件日期", "形成日期", "成文日期", "形成时间", "时间"), note_zh="如 2024-03-05、2024年3月5日", note_en="such as 2024-03-05", example="2024-03-05"),
    Column("year", "年度", "year", ("归档年度", "年份"), note_zh="四位数字", note_en="four digits"),
    Column("author", "责任者", "author", ("作者", "形成单位", "责任人"), example="青石镇人民政府"),
    Column("document_number", "文号", "document_number", ("文件编号", "发文字号", "document number"), ),
    Column("persons", "人名", "persons", ("姓名", "涉及人员", "person"), note_zh="几人用顿号隔开", note_en="several parted by commas"),
    Column("page_count", "页数", "pages", ("页码", "page count", "page_count"), note_zh="整数", note_en="a whole number", example="3"),
    Column("access_level", "公开级别", "access_level", ("密级", "开放级别", "控制级别", "access", "access level"), note_zh="开放、内部、受限", note_en="open, internal, restricted", example="内部"),
    Column("access_marks", "控制标识", "access_marks", ("标识", "marks", "access marks"), note_zh="代码，几个用顿号隔开", note_en="codes, parted by commas"),
    Column("division_code", "行政区划", "division_code", ("区划", "区划代码", "行政区划代码", "division", "division code"), note_zh="6 至 12 位数字", note_en="6 to 12 digits"),
    Column("note", "备注", "note", ("附注", "说明", "remark", "remarks", "notes")),
)  # fmt: skip

HOUSEHOLDS: tuple[Column, ...] = (
    Column("household_no", "户号", "household_no", ("户编号", "家庭编号", "household", "household no"), required=True, note_zh="19 位，单元格须设为文本；同一户的成员各占一行", note_en="19 characters, as text; a row for each member"),
    Column("division_code", "区划", "division_code", ("行政区划", "区划代码", "行政区划代码", "division", "division code"), note_zh="不填时取户号前 12 位", note_en="empty: the first 12 digits of the household number"),
    Column("programme", "救助项目", "programme", ("项目", "救助类型", "救助类别", "program"), required=True, note_zh="代码或名称", note_en="code or name", example="DB"),
    Column("name", "姓名", "name", ("申请人", "户主", "申请人姓名", "成员姓名", "applicant"), note_zh="第一行是申请人", note_en="the applicant stands in the first row", example="张三（合成）"),
    Column("id_number", "身份证号", "id_number", ("身份证", "证件号码", "公民身份号码", "身份证号码", "id number", "id"), note_zh="单元格须设为文本", note_en="as text"),
    Column("relation", "与申请人关系", "relation", ("关系", "与户主关系"), example="本人"),
    Column("members", "家庭成员", "members", ("成员",), note_zh="只有姓名时用顿号隔开", note_en="names only, parted by commas"),
    Column("opened_on", "建档日期", "opened_on", ("建档时间", "立档日期", "opened", "opened on"), example="2024-03-01"),
    Column("stopped_on", "停保日期", "stopped_on", ("停发日期", "停保时间", "stopped", "stopped on")),
    Column("title", "案卷题名", "title", ("题名",)),
)  # fmt: skip

COLUMNS: dict[SheetKind, tuple[Column, ...]] = {"records": RECORDS, "households": HOUSEHOLDS}
REPEATED = frozenset({"files"})
"""Fields that may have several columns (文件1, 文件2)."""


def key(heading: str) -> str:
    """A heading as it is compared: folded, without blanks, marks and what stands in brackets."""
    return _NOT_WORD.sub("", _BRACKET.sub("", fold(heading)))


def _named(kind: SheetKind) -> Iterator[tuple[str, Column]]:
    for column in COLUMNS[kind]:
        for heading in (column.field, column.zh, column.en, *column.other):
            yield key(heading), column


_BY_HEADING: dict[SheetKind, dict[str, Column]] = {
    kind: dict(reversed(list(_named(kind)))) for kind in ("records", "households")
}


def column_of(heading: str, kind: SheetKind) -> Column | None:
    """The column that ``heading`` names, if it is known; 文件1 and 文件2 are both 文件."""
    known = _BY_HEADING[kind]
    told = key(heading)
    found = known.get(told)
    if found is None:
        found = known.get(_NUMBERED.sub("", told))
        return found if found is not None and found.field in REPEATED else None
    return found
