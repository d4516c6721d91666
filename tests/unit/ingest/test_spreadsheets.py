"""Deposit lists kept as spreadsheets: hostile files, what Excel does to numbers, every fault of every row at once."""

from __future__ import annotations

import datetime as dt
import io
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from access.actors import Actor
from ingest import list_rows, spreadsheets
from ingest.context import Context
from ingest.deposit_list import DepositList
from ingest.findings import sentence
from ingest.limits import IngestLimits
from ingest.list_cells import Places, placed
from ingest.list_report import check_folder
from ingest.list_template import workbook
from ingest.outcome import Finding
from ingest.pool import CheckPool
from ingest.spreadsheets import Sheet, Uncomputed, Unreadable
from metadata.household import household_no
from metadata.profile import builtin
from repository.archive import Archive
from repository.tables import CaseFile, Household, Record, SubmissionFile
from repository.tables import Finding as FindingRow

PROFILE = builtin("social_assistance")
NUMBER = household_no("990101001001", 7)
HEADINGS = ("件号", "题名", "文件", "文件类型", "户号", "救助项目", "日期", "页数", "公开级别", "备注")
Deposit = Callable[..., tuple[str, str]]


def xlsx(*sheets: tuple[str, Sequence[Sequence[Any]]], change: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(data: bytes, name: str = "移交清单.xlsx", most: int = 1_000) -> list[Sheet]:
    (answer,) = spreadsheets.read([(name, data, most)])
    assert isinstance(answer, list), answer
    return answer


def refused(data: bytes, name: str = "移交清单.xlsx", most: int = 1_000) -> str:
    (answer,) = spreadsheets.read([(name, data, most)])
    assert isinstance(answer, Unreadable)
    return answer.en


def listed(data: bytes, name: str = "移交清单.xlsx") -> tuple[DepositList, list[Finding], Places]:
    made, found, places = list_rows.deposit_list(read(data, name), name, PROFILE)
    assert made is not None
    return made, list(placed(found, places)), places


def told(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(one.code, str(one.params.get("position", one.params.get("column", "")))) for one in found]


# -- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_of_every_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    text = "\r\n".join(
        delimiter.join(one) for one in (("题名", "文件", "日期"), ("申请书", "甲/一.pdf", "二〇二四年三月五日"))
    )
    made, found, _ = listed(text.encode(encoding), "移交清单.csv")
    assert found == []
    assert made.records[0].title == "申请书"
    assert made.records[0].date == dt.date(2024, 3, 5)


def test_bytes_of_no_encoding_and_no_spreadsheet_are_refused() -> None:
    assert "UTF-8" in refused("题名,文件\n".encode("gb18030") + b"\xff\xff\x81", "a.csv")
    assert "damaged" in refused(b"PK\x03\x04 but no zip at all")
    assert "password" in refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "no text" in refused(b"a,b\x00,c\n", "a.csv")
    assert "damaged" in refused('题名,文件\n"开了头,没有尾\n'.encode(), "a.csv")


def test_a_bomb_and_entities_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * (100 << 20))
    assert "bomb" in refused(out.getvalue())
    good = xlsx(("移交清单", [HEADINGS]))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(out, "w") as made:
        for one in source.infolist():
            data = source.read(one)
            if one.filename == "xl/worksheets/sheet1.xml":
                data = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + data
            made.writestr(one.filename, data)
    assert "entities" in refused(out.getvalue())


def test_a_sheet_that_declares_a_million_rows_costs_nothing() -> None:
    def far(book: Any) -> None:
        book.worksheets[0]["XFD1048576"] = "遥远"

    began = time.monotonic()
    rows = read(xlsx(("移交清单", [HEADINGS, (1, "申请", "a.pdf")]), change=far))[0].rows
    assert [row.number for row in rows] == [1, 2]  # a column beyond the 64 that are read is no cell of ours
    assert time.monotonic() - began < 20


def test_too_many_rows_are_told_and_not_cut_off() -> None:
    assert "more than 10 rows" in refused(xlsx(("移交清单", [(str(one), "x") for one in range(12)])), most=10)
    assert "more than 10 rows" in refused("\n".join(f"{one},x" for one in range(12)).encode(), "a.csv", most=10)


def test_formulas_are_values_and_what_was_never_computed_is_told() -> None:
    data = xlsx(("移交清单", [HEADINGS, (1, "申请", "a.pdf", '="CHK"&"07"')]))
    assert read(data)[0].rows[1].cells[3] == Uncomputed()
    _, found, _ = listed(data)
    assert told(found) == [("list.bad_value", "第 2 行“文件类型”")]
    assert "formula" in sentence(found[0], "en")


def test_merged_cells_hold_for_all_their_rows() -> None:
    def merge(book: Any) -> None:
        sheet = book.worksheets[0]
        sheet.merge_cells("A3:A4")
        sheet.merge_cells("B3:B4")
        sheet.merge_cells("E3:E5")

    rows = [
        ("社会救助档案移交清单",),
        HEADINGS,
        (1, "入户调查照片", "1.jpg", "CHK08", NUMBER, "DB"),
        (None, None, "2.jpg"),
        (2, "申请书", "3.pdf", "APP01", None, "DB"),
    ]
    made, found, places = listed(xlsx(("移交清单", rows), change=merge))
    assert found == []
    assert [one.files for one in made.records] == [["1.jpg", "2.jpg"], ["3.pdf"]]
    assert [one.household_nos for one in made.records] == [[NUMBER], [NUMBER]]
    assert places.of("records[0].files[1]") == ("", 4, "文件")
    assert places.of("records[1].household_nos[0]") == ("", 5, "户号")


# -- what cells mean -----------------------------------------------------------------------------------------------


def test_cells_in_every_usual_spelling() -> None:
    rows = [
        HEADINGS,
        (1, "入户调查", ".\\甲\\一.pdf；甲/二.pdf", "入户调查表", f"{NUMBER}", "最低生活保障" if "最低生活保障" in {one.zh for one in PROFILE.programmes.values()} else "DB", dt.datetime(2024, 3, 5), "3页", "受限"),
        ("2", "户口簿", "b.pdf", "app05", None, None, 20240305, 2.0, "open"),
        ("2", None, "c.pdf"),
        (None, None, "d.pdf"),
    ]  # fmt: skip
    made, found, _ = listed(xlsx(("移交清单", rows)))
    assert found == []
    first, second = made.records
    assert first.files == ["甲/一.pdf", "甲/二.pdf"]
    assert (first.document_type, first.programme, first.date) == ("CHK07", "DB", dt.date(2024, 3, 5))
    assert (first.page_count, first.access_level) == (3, "restricted")
    assert second.files == ["b.pdf", "c.pdf", "d.pdf"]
    assert (second.document_type, second.date, second.page_count) == ("APP05", dt.date(2024, 3, 5), 2)


def test_english_and_traditional_headings() -> None:
    rows = [("Title*", "Files", "document type", "Household No"), ("application", "a.pdf", "application", NUMBER)]
    made, found, _ = listed(xlsx(("list", rows)))
    assert found == []
    assert made.records[0].document_type == "APP01"
    rows = [("題名", "文件", "文件類型", "日期（西元）"), ("申請書", "a.pdf", "最低生活保障申請書", "民國113年3月5日")]
    made, found, _ = listed(xlsx(("移交清單", rows)))
    assert found == []
    assert (made.records[0].document_type, made.records[0].date) == ("APP01", dt.date(2024, 3, 5))


def test_a_number_that_excel_rounded_is_refused_by_name() -> None:
    rows = [
        HEADINGS,
        (1, "申请", "a.pdf", "APP01", 9901010010010000000, "DB"),
        (2, "申请", "b.pdf", "APP01", "9.90101E+18", "DB"),
    ]
    _, found, _ = listed(xlsx(("移交清单", rows)))
    assert told(found) == [("list.bad_value", "第 2 行“户号”"), ("list.bad_value", "第 3 行“户号”")]
    assert "文本" in sentence(found[0])
    assert "row 3" in sentence(found[1], "en")


def test_every_fault_of_every_row_at_once() -> None:
    rows = [
        (*HEADINGS, "神秘列"),
        (1, "", "a.pdf"),
        (2, "二", None, "APP01"),
        (3, "三" * 600, "c.pdf", None, None, None, "去年春天", "很多"),
        (3, "另一个题名", "d.pdf"),
        (4, "四", "e.pdf", None, None, None, dt.date(2024, 1, 1)),
    ]
    made, found, _ = listed(xlsx(("移交清单", rows)))
    assert told(found) == [
        ("list.unknown_column", "神秘列"),
        ("list.bad_value", "第 2 行“题名”"),
        ("list.bad_value", "第 3 行“文件”"),
        ("list.bad_value", "第 4 行“日期”"),
        ("list.bad_value", "第 4 行“页数”"),
        ("list.bad_value", "第 4 行“题名”"),
        ("list.bad_value", "第 5 行“件号”"),
    ]
    assert len(made.records) == 4


def test_columns_that_are_missing_or_stand_twice() -> None:
    made, found, _ = list_rows.deposit_list(read(xlsx(("x", [("甲", "乙"), (1, 2)]))), "移交清单.xlsx", PROFILE)
    assert made is None
    assert told(found) == [("list.missing_column", "题名"), ("list.missing_column", "文件")]
    made, found, _ = list_rows.deposit_list(read(xlsx(("x", []))), "移交清单.xlsx", PROFILE)
    assert made is None
    assert told(found) == [("list.malformed", "-")]
    _, found, _ = listed(xlsx(("x", [("题名", "日期", "日期"), ("一", "2024-01-01", "2024-01-02")])))
    assert [one.code for one in found] == ["list.bad_value", "list.missing_column", "list.bad_value"]


def test_households_with_their_members() -> None:
    other = household_no("990101001001", 8)
    households = [
        ("户号", "救助项目", "姓名", "身份证号", "与申请人关系", "建档日期"),
        (NUMBER, "DB", "张三", "990101196001010014", "本人", "2024-03-01"),
        (NUMBER, None, "李四", None, "配偶", None),
        (None, None, "张小", None, "子", None),
        (other, "DB", "王五", None, "儿子", None),
        (None, "DB", None, None, None, None),
    ]
    made, found, places = listed(
        xlsx(("移交清单", [("题名", "文件", "户号"), ("申请", "a.pdf", NUMBER)]), ("户", households))
    )
    first, second = made.case_files
    assert (first.household_no, first.division_code, first.programme) == (NUMBER, "990101001001", "DB")
    assert [(one.name, one.relation) for one in first.members] == [("李四", "配偶"), ("张小", "子")]
    assert second.applicant.name == "王五"
    assert told(found) == [("list.bad_value", "“户”表第 5 行“与申请人关系”"), ("list.bad_value", "“户”表第 6 行“姓名”")]
    assert places.of("case_files[0].members[1]") == ("户", 4, "身份证号")
    assert made.records[0].programme == "DB"  # the household has one file only


def test_ten_thousand_rows_in_seconds() -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("移交清单")
    sheet.append(HEADINGS)
    for one in range(10_000):
        sheet.append((one + 1, f"题名{one}", f"d/{one}.pdf", "入户调查表", NUMBER, "DB", "2024年3月5日", 3))
    out = io.BytesIO()
    book.save(out)
    began = time.monotonic()
    made, found, _ = list_rows.deposit_list(read(out.getvalue(), most=20_000), "移交清单.xlsx", PROFILE)
    assert time.monotonic() - began < 20  # measured: 1.1 s on one core
    assert made is not None
    assert len(made.records) == 10_000
    assert found == []


def test_the_template_reads_as_an_empty_list() -> None:
    made, found, _ = list_rows.deposit_list(read(workbook(PROFILE)), "移交清单.xlsx", PROFILE)
    assert made is not None
    assert (made.records, made.case_files, found) == ([], [], [])


# -- a deposit with such a list ------------------------------------------------------------------------------------


def _codes(archive: Archive, submission_id: str) -> list[tuple[str, str | None]]:
    with archive.reading() as session:
        rows = session.scalars(
            select(FindingRow).where(FindingRow.submission_id == submission_id).order_by(FindingRow.seq)
        )
        return [(one.code, one.params.get("position")) for one in rows if one.code.startswith("list.")]


def test_a_deposit_with_a_spreadsheet_is_filed_as_it_says(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    (folder / "甲").mkdir(parents=True)
    (folder / "甲" / "1.txt").write_text("申请")
    (folder / "甲" / "e\u0301.txt").write_text("调查")  # a decomposed name, as a Macintosh gives it
    households = [("户号", "救助项目", "姓名"), (NUMBER, "DB", "张三（合成）")]
    rows = [HEADINGS, (1, "申请书", "甲/1.txt；甲/\u00e9.txt", "APP01", NUMBER, "DB", "2025-03-05", 4, "受限")]
    (folder / "移交清单.xlsx").write_bytes(xlsx(("移交清单", rows), ("户", households)))
    submission_id, state = deposit(folder)
    assert state == "done", _codes(archive, submission_id)
    with archive.reading() as session:
        record = session.scalars(select(Record)).one()
        assert (record.title, record.document_type, record.access_level) == ("申请书", "APP01", "restricted")
        assert record.description["page_count"] == 4
        assert session.scalars(select(Household.household_no)).one() == NUMBER
        assert session.scalars(select(CaseFile.programme)).one() == "DB"
        roles = session.scalars(select(SubmissionFile.role).order_by(SubmissionFile.position)).all()
        assert sorted(roles) == ["list", "payload", "payload"]


def test_faults_are_named_by_row_and_two_lists_are_one_too_many(
    archive: Archive, deposit: Deposit, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    rows = [HEADINGS, (1, "一", "a.txt", "XYZ99"), (2, "二", "a.txt"), (3, "三", "没有.txt", None, "123", "DB")]
    (folder / "移交清单.xlsx").write_bytes(xlsx(("移交清单", rows)))
    (folder / "deposit-list.csv").write_text("题名,文件\n")
    submission_id, state = deposit(folder)
    assert state == "rejected"
    assert {code for code, _ in _codes(archive, submission_id)} >= {"list.several"}
    (folder / "deposit-list.csv").unlink()
    submission_id, state = deposit(folder)
    assert state == "rejected"
    assert sorted(_codes(archive, submission_id), key=str) == [
        ("list.bad_household_no", "第 4 行“户号”"),
        ("list.file_twice", "第 3 行“文件”"),
        ("list.missing_file", "第 4 行“文件”"),
        ("list.unknown_document_type", "第 2 行“文件类型”"),
    ]


def test_the_dry_run_says_what_the_deposit_would(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    rows = [HEADINGS, (1, "一", "A.TXT", "APP01"), (2, "二", "没有.txt")]
    (folder / "移交清单.xlsx").write_bytes(xlsx(("移交清单", rows)))
    pool: Callable[[], CheckPool] = lambda: context.pool  # noqa: E731 - the type is the point
    with archive.reading() as session:
        report = check_folder(
            session, path=folder, list_file=None, actor=actor, profile=PROFILE, limits=IngestLimits(), pool=pool
        )
    assert report is not None
    assert (report.records, report.files, report.good) == (2, 2, False)
    assert [(row.row, row.title, [one.code for one in row.faults]) for row in report.rows] == [
        (0, "", ["list.unlisted_file"]),
        (3, "二", ["list.missing_file"]),
    ]
    (folder / "移交清单.xlsx").unlink()
    with archive.reading() as session:
        none = check_folder(
            session, path=folder, list_file=None, actor=actor, profile=PROFILE, limits=IngestLimits(), pool=pool
        )
    assert none is None


def test_a_container_that_the_list_names_stays_shut(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    for name in ("原件.zip", "其他.zip"):
        with zipfile.ZipFile(folder / name, "w") as made:
            made.writestr("里面.txt", "x")
    (folder / "移交清单.csv").write_bytes("题名,文件\n压缩的原件,原件.zip\n".encode("gb18030"))
    submission_id, state = deposit(folder, accept=False)
    assert state == "waiting", _codes(archive, submission_id)
    with archive.reading() as session:
        mine = select(SubmissionFile.path, SubmissionFile.role).where(SubmissionFile.submission_id == submission_id)
        assert dict(session.execute(mine).tuples().all()) == {
            "其他.zip": "opened",
            "其他.zip/里面.txt": "payload",
            "原件.zip": "payload",
            "移交清单.csv": "list",
        }


def test_a_list_inside_a_deposited_bag_is_content(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    import bagit

    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "移交清单.csv").write_text("题名,文件\n甲,没有.txt\n")
    bagit.make_bag(str(tmp_path / "d"), checksums=["sha512"])
    submission_id, state = deposit(tmp_path / "d", accept=False)
    assert state == "waiting", _codes(archive, submission_id)
    assert _codes(archive, submission_id) == []
