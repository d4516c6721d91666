"""From the rows of a spreadsheet to a deposit list, with every fault of every row at once.

A fault costs its own cell only: the rest of the row goes on to be checked against profile, catalogue and files, so that
one report says all. ``Places`` knows where in the spreadsheet each entry of the list stood.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ingest.deposit_list import FORMAT, DepositList, ListedCaseFile, ListedRecord
from ingest.list_cells import Places, Reader, Table, number_of, valid
from ingest.list_columns import COLUMNS, RECORDS, REPEATED, Column, SheetKind, column_of, key
from ingest.outcome import Finding
from ingest.spreadsheets import Sheet
from metadata import idcard
from metadata.profile import Profile
from metadata.rights import AccessLevel
from search.analysis import fold

_HEADING_ROWS = 12
_EXAMPLE = frozenset({"示例", "example"})
_SELF = frozenset({"", "本人", "申请人", "户主", "self", "applicant"})
_HOUSEHOLD_SHEETS = frozenset({"户", "household", "households", "家庭", "案卷", "户表", "家庭成员"})


def deposit_list(
    sheets: Sequence[Sheet], path: str, profile: Profile
) -> tuple[DepositList | None, list[Finding], Places]:
    """The list in ``sheets``, what is wrong with its cells, and where its entries stood; None without a usable table."""
    found: list[Finding] = []
    places = Places()
    tables = _tables(sheets, found)
    records = next((one for one in tables if one.kind == "records"), None)
    if records is None:
        return None, _no_table(sheets, path), places
    for table in tables:
        missing = {one.field for one in COLUMNS[table.kind] if one.required} - {
            one.field for one in table.columns.values()
        }
        found += [Finding("list.missing_column", path, {"column": table.heading(one)}) for one in sorted(missing)]
    cases: list[ListedCaseFile] = []
    households = next((one for one in tables if one.kind == "households"), None)
    if households is not None:
        cases = _cases(households, profile, places)
    listed = _records(records, profile, places, _programmes(cases))
    found += [one for table in tables for one in table.found]
    return (
        DepositList.model_construct(
            format=FORMAT, title=None, synthetic=False, organ=None, organs=[], case_files=cases, records=listed
        ),
        found,
        places,
    )


def _tables(sheets: Sequence[Sheet], found: list[Finding]) -> list[Table]:
    tables: list[Table] = []
    for sheet in sheets:
        kind: SheetKind = "households" if key(sheet.name) in _HOUSEHOLD_SHEETS and len(sheets) > 1 else "records"
        if any(one.kind == kind for one in tables):
            continue
        table = _headed(sheet, kind)
        if table is not None:
            table.name = sheet.name if kind == "households" else ""
            found += table.found
            table.found.clear()
            tables.append(table)
    return tables


def _headed(sheet: Sheet, kind: SheetKind) -> Table | None:
    """The sheet's table: its heading is the row, among the first, with the most headings known (at least two)."""
    best: tuple[int, int, dict[int, Column]] | None = None
    for place, row in enumerate(sheet.rows[:_HEADING_ROWS]):
        columns = {
            at: column
            for at, cell in enumerate(row.cells)
            if isinstance(cell, str) and len(cell) <= 60 and (column := column_of(cell, kind)) is not None
        }
        if len({one.field for one in columns.values()}) >= 2 and (best is None or len(columns) > best[0]):
            best = (len(columns), place, columns)
    if best is None:
        return None
    _, place, columns = best
    head = sheet.rows[place]
    shown = {at: str(cell) for at, cell in enumerate(head.cells) if cell is not None}
    table = Table(kind, sheet, "", {}, shown, sheet.rows[place + 1 :], [])
    for at, text in shown.items():
        if at not in columns:
            table.found.append(Finding("list.unknown_column", None, {"column": idcard.mask_all(text[:60])}))
        elif columns[at].field not in REPEATED and columns[at] in table.columns.values():
            table.fault(head.number, columns[at].field, "这一列出现了两次", "this column stands twice")
        else:
            table.columns[at] = columns[at]
    told = list(table.found)
    table.found = told
    return table


def _no_table(sheets: Sequence[Sheet], path: str) -> list[Finding]:
    if not any(sheet.rows for sheet in sheets):
        told = {"position": "-", "reason_zh": "表格是空的", "reason_en": "it is empty"}
        return [Finding("list.malformed", path, told)]
    return [Finding("list.missing_column", path, {"column": one.zh}) for one in RECORDS if one.required]


# -- records -------------------------------------------------------------------------------------------------------


def _records(table: Table, profile: Profile, places: Places, programmes: dict[str, str]) -> list[ListedRecord]:
    places.headings["records"] = {one.field: table.heading(one.field) for one in table.columns.values()}
    made: list[ListedRecord] = []
    by_number: dict[str, int] = {}
    for row in table.rows:
        reader = Reader(table, row, profile)
        number, paths = reader.text("number"), reader.files()
        if fold(number) in _EXAMPLE:
            continue
        onto = _goes_on(reader, number, by_number, made)
        if onto is not None:
            _add_files(reader, made, onto, paths, places)
            continue
        values = _record_values(reader, profile, programmes)
        record = valid(ListedRecord, {**values, "files": paths}, reader, {"title": "-", "files": ["-"]})
        if not paths:
            reader.fault("files", "没有填写文件", "no file is named")
            record = record.model_copy(update={"files": []})
        if number:
            by_number[number] = len(made)
        made.append(record)
        places.rows["records"].append(row.number)
    return made


def _goes_on(reader: Reader, number: str, by_number: dict[str, int], made: list[ListedRecord]) -> int | None:
    """The record to which this row only adds files: same item number, or title merged with or left out after the row above."""
    if number and number in by_number:
        return by_number[number]
    if not made or (number and "number" not in reader.joined):
        return None
    others = {name for name, cells in reader.cells.items() if cells} - {"files", "page_count", "note", "number"}
    if others <= reader.joined and (not others or "title" in reader.joined or not reader.text("title")):
        return len(made) - 1
    return None


def _add_files(reader: Reader, made: list[ListedRecord], onto: int, paths: list[str], places: Places) -> None:
    known = made[onto]
    title = reader.text("title")
    if title and title != known.title and "title" not in reader.joined:
        reader.fault(
            "number", "件号与前面的行相同，题名却不同", "the item number is that of a row above with another title"
        )
    fresh = [one for one in paths if one not in known.files]
    if not paths:
        reader.fault("files", "没有填写文件", "no file is named")
    for place, _ in enumerate(fresh, start=len(known.files)):
        places.exact[f"records[{onto}].files[{place}]"] = reader.row.number
    made[onto] = known.model_copy(update={"files": [*known.files, *fresh]})


def _record_values(reader: Reader, profile: Profile, programmes: dict[str, str]) -> dict[str, Any]:
    title = reader.text("title")
    if not title:
        reader.fault("title", "题名不能为空", "the title must not be empty")
    numbers = [number_of(one) for one in reader.several("household_nos")]
    programme = reader.code("programme", profile.programmes)
    if programme is None and numbers:
        usual = {programmes.get(one) for one in numbers}
        programme = usual.pop() if len(usual) == 1 else None
    level = reader.text("access_level")
    return {
        "title": title,
        "document_type": reader.code("document_type", profile.document_types),
        "household_nos": numbers,
        "programme": programme,
        "date": reader.day("date"),
        "year": reader.whole("year", 1000, 9999),
        "author": reader.text("author") or None,
        "division_code": reader.text("division_code") or None,
        "document_number": reader.text("document_number") or None,
        "persons": reader.several("persons"),
        "page_count": reader.whole("page_count", 0, 1_000_000),
        "access_level": next((one.value for one in AccessLevel if fold(level) in {one.zh, one.value}), level) or None,
        "access_marks": reader.several("access_marks"),
        "note": reader.text("note") or None,
    }


# -- households ----------------------------------------------------------------------------------------------------


def _cases(table: Table, profile: Profile, places: Places) -> list[ListedCaseFile]:
    places.headings["case_files"] = {one.field: table.heading(one.field) for one in table.columns.values()}
    places.sheets["case_files"] = table.name
    made: dict[tuple[str, str], int] = {}
    cases: list[ListedCaseFile] = []
    last: tuple[str, str] | None = None
    for row in table.rows:
        reader = Reader(table, row, profile)
        number = reader.household_no("household_no")
        programme = reader.code("programme", profile.programmes)
        if fold(number) in _EXAMPLE or (fold(reader.text("name")).endswith(fold("（合成）")) and not number):
            continue
        at = (number, programme or (last[1] if last and last[0] == number else "")) if number else last
        if at is None or not at[0]:
            reader.fault("household_no", "没有填写户号", "no household number is given")
            continue
        last = at
        person = {"name": reader.text("name"), "id_number": reader.number_text("id_number").upper() or None}
        if at in made:
            _add_member(reader, cases, made[at], person, places)
            continue
        made[at] = len(cases)
        case = valid(
            ListedCaseFile,
            _case_values(reader, at, person),
            reader,
            {"household_no": at[0], "division_code": "-", "programme": at[1] or "-"},
        )
        cases.append(case)
        places.rows["case_files"].append(row.number)
    return cases


def _case_values(reader: Reader, at: tuple[str, str], person: dict[str, Any]) -> dict[str, Any]:
    relation = reader.text("relation")
    if fold(relation) not in _SELF:
        reader.fault("relation", "一户的第一行应是申请人本人", "the first row of a household must be the applicant")
    return {
        "household_no": at[0],
        "division_code": reader.text("division_code") or at[0][:12],
        "programme": at[1],
        "title": reader.text("title") or None,
        "applicant": {name: value for name, value in person.items() if value},
        "members": [{"name": one} for one in reader.several("members")],
        "opened_on": reader.day("opened_on"),
        "stopped_on": reader.day("stopped_on"),
    }


def _add_member(reader: Reader, cases: list[ListedCaseFile], onto: int, person: dict[str, Any], places: Places) -> None:
    case = cases[onto]
    if not person["name"]:
        reader.fault("name", "没有填写姓名", "no name is given")
        return
    given = {**person, "relation": reader.text("relation") or None}
    whole = valid(type(case.applicant), given, reader, {"name": "-"})
    places.exact[f"case_files[{onto}].members[{len(case.members)}]"] = reader.row.number
    cases[onto] = case.model_copy(update={"members": [*case.members, whole]})


def _programmes(cases: Sequence[ListedCaseFile]) -> dict[str, str]:
    """The programme of each household that has one file only."""
    by_number: dict[str, set[str]] = defaultdict(set)
    for one in cases:
        by_number[one.household_no].add(one.programme)
    return {number: next(iter(some)) for number, some in by_number.items() if len(some) == 1}
