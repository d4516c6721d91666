"""Lists of the holdings: filters, columns, acts for many, lists taken out; nothing of what is hidden."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import openpyxl
import pytest
from sqlalchemy import select, update

from lantai.site import Site
from metadata.household import household_no
from metadata.identifiers import new_id
from repository.tables import Account, Record
from tests.unit.lantai_web.acting import acted, acts_of, case_of, deposited, record_of, undone
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]
FORMULA = "=HYPERLINK(1)"


@dataclass(frozen=True)
class Made:
    """Records in the tray of the clerk's township, one restricted, one with a formula as its title."""

    tray: list[str]
    hidden: str
    formula: str
    number: str


@pytest.fixture(scope="module")
def made(site: Site, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five loose papers and a household file."""
    del papers
    folder = tmp_path_factory.mktemp("lists")
    number = household_no("990101001001", 51)
    deposited(site, folder / "file", ["卷内.txt"], household_no=number, programme="DB", document_type="APP01")
    loose = list(deposited(site, folder / "loose", [f"清{one}.txt" for one in "一二三四五"]).values())
    with site.archive.sessions.begin() as session:
        session.execute(
            update(Record)
            .where(Record.id.in_(loose))
            .values(division_code="990101001001", year=1997, programme="DB", document_type="CHK07")
        )
        session.execute(update(Record).where(Record.id == loose[0]).values(access_level="restricted"))
        session.execute(update(Record).where(Record.id == loose[1]).values(title=FORMULA))
    return Made(loose[1:], loose[0], loose[1], number)


def _shown(text: str, ids: list[str]) -> set[str]:
    return {one for one in ids if f"/records/{one}" in text}


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("year=1997", 4),
        ("year=1997&document_type=CHK07&programme=DB&level=internal&filed=no&division=990101001", 4),
        ("year=1997&sort=newest", 4),
        ("year=1997&division=990101002", 0),
        ("year=1997&division=%27%20OR%201=1", 0),
        ("year=19x7", 0),
        ("year=1997&state=damaged", 0),
        ("year=1997&state=unconfirmed", 0),
        ("year=1997&document_type=%3Cscript%3E", 0),
        ("after=99999999999999999999&year=1997", 4),
        ("after=-1&year=1997", 4),
    ],
)
def test_filters_narrow_and_never_widen(visit: Visit, made: Made, address: str, count: int) -> None:
    answer = visit("clerk").get(f"/holdings/records?{address}")
    assert answer.status_code == 200
    assert len(_shown(answer.text, [*made.tray, made.hidden])) == count
    assert made.hidden not in answer.text
    if count:
        assert f"本页 {count} 件" in answer.text


def test_the_tray_holds_what_is_in_no_file(visit: Visit, made: Made) -> None:
    assert _shown(visit("clerk").get("/holdings/tray?year=1997").text, made.tray) == set(made.tray)
    assert not _shown(visit("other").get("/holdings/tray?year=1997").text, made.tray)


@pytest.mark.parametrize("path", ["/holdings", "/holdings/tree", "/holdings/tray", "/holdings/records"])
def test_absurd_places_are_no_errors_of_the_program(visit: Visit, made: Made, path: str) -> None:
    del made
    assert visit("archivist").get(f"{path}?after={10**30}").status_code in {200, 422}


def test_columns_are_remembered_for_the_person(visit: Visit, made: Made, site: Site) -> None:
    del made
    browser = visit("archivist")
    browser.get("/holdings/records")
    fields = {"which": "records", "next": "/holdings/records", "column_level": "1", "column_<script>": "1"}
    answer = browser.post("/holdings/columns", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/holdings/records")
    text = visit("archivist").get("/holdings/records").text  # another browser
    assert 'data-label="控制标识"' in text
    assert 'data-label="大小"' not in text
    with site.archive.reading() as session:
        account = session.scalars(select(Account).where(Account.username == "archivist")).one()
        assert account.preferences["columns"]["records"] == ["level"]
    away = browser.post("/holdings/columns", {"which": "nope", "next": "//evil.example"})
    assert away.headers["location"] == "/holdings"
    browser.post("/holdings/columns", {"which": "records", "column_type": "1", "column_dated": "1"})


def test_a_list_goes_out_as_shown_with_harmless_cells_and_an_entry(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("clerk")
    before = len(acts_of(site, "list.exported"))
    answer = browser.get("/holdings/records.csv?year=1997")
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row[-1] for row in rows[1:]} == set(made.tray)
    assert "'" + FORMULA in {row[0] for row in rows}
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/holdings/records.xlsx?year=1997").content))
    cells = [cell for row in book.active.iter_rows() for cell in row]  # type: ignore[union-attr]  # a book has a sheet
    assert any(cell.value == FORMULA and cell.data_type == "s" for cell in cells)
    assert browser.get("/holdings.csv").status_code == 200
    entries = acts_of(site, "list.exported")[before:]
    assert [json.loads(one.body)["count"] for one in entries[:2]] == [4, 4]
    assert len(entries) == 3


def test_lists_are_not_for_everybody(visit: Visit, made: Made) -> None:
    del made
    officer = visit("officer")
    for path in ("/holdings/records.csv", "/holdings.xlsx", "/holdings/tree", "/holdings/tray"):
        assert officer.get(path).status_code == 403, path


def test_many_are_described_at_once_and_brought_back(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/holdings/records")
    fields = {f"id.{one}": "1" for one in made.tray} | {"access_level": "open", "mark": "medical"}
    said = acted(browser, "/holdings/records/describe", fields)
    assert "已更改 4 件档案的著录" in said.text
    assert {record_of(site, one).access_level for one in made.tray} == {"open"}
    assert all(record_of(site, one).access_marks == ["medical"] for one in made.tray)
    again = acted(browser, "/holdings/records/describe", fields)
    assert "已更改 0 件" in again.text
    said = acted(browser, "/holdings/records/describe", fields | {"access_level": "internal"})
    undone(browser, said)
    assert {record_of(site, one).access_level for one in made.tray} == {"open"}
    acted(browser, "/holdings/records/describe", fields | {"access_level": "internal"})


def test_one_that_is_hidden_stops_all(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/holdings/records")
    fields = {f"id.{one}": "1" for one in [*made.tray, new_id()]} | {"access_level": "open"}
    assert browser.post("/holdings/records/describe", fields).status_code == 404
    assert {record_of(site, one).access_level for one in made.tray} == {"internal"}
    clerk = visit("clerk")
    clerk.get("/holdings/records")
    assert (
        clerk.post("/holdings/records/describe", {f"id.{made.tray[0]}": "1", "access_level": "open"}).status_code == 403
    )
    assert (
        clerk.post("/holdings/records/describe", {f"id.{made.hidden}": "1", "access_level": "open"}).status_code == 404
    )


def test_an_undo_that_came_too_late_changes_nothing(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/holdings/records")
    one = made.tray[3]
    said = acted(browser, "/holdings/records/describe", {f"id.{one}": "1", "document_type": "APP01"})
    acted(browser, "/holdings/records/describe", {f"id.{one}": "1", "document_type": "APP02"})
    revisions = said.text.split('name="revisions" value="')[1].split('"')[0]
    answer = browser.post("/holdings/records/undo", {"revisions": revisions})
    assert answer.status_code == 409
    assert record_of(site, one).document_type == "APP02"
    assert browser.post("/holdings/records/undo", {"revisions": "x.y,,.1"}).status_code == 303


def test_many_are_filed_at_once_and_taken_back(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/holdings/tray")
    ticked = {f"id.{one}": "1" for one in made.tray[:2]}
    unknown = browser.post("/holdings/records/file", ticked | {"household_no": household_no("990101001001", 99)})
    assert unknown.status_code == 404
    fields = ticked | {"household_no": made.number, "programme": "DB", "next": "/holdings/tray"}
    said = acted(browser, "/holdings/records/file", fields)
    assert f"已将 2 件档案归入 {made.number}" in said.text
    assert not _shown(browser.get("/holdings/tray?year=1997").text, made.tray[:2])
    undone(browser, said)
    assert _shown(browser.get("/holdings/tray?year=1997").text, made.tray[:2])
    assert case_of(site, made.number).revision >= 3


def test_the_tree_opens_by_plain_links(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    case = case_of(site, made.number)
    root = browser.get("/holdings/tree")
    assert "programme=DB" in root.text
    assert case.id not in root.text
    opened = browser.get(f"/holdings/tree?programme=DB&case={case.id}")
    assert f"/case-files/{case.id}?record=" in opened.text
    assert visit("other").get(f"/holdings/tree?programme=DB&case={case.id}").status_code == 404
    assert browser.get(f"/holdings/tree?programme=TK&case={case.id}").status_code == 404


def test_ticked_rows_go_out_and_hidden_ones_do_not(visit: Visit, made: Made) -> None:
    clerk = visit("clerk")
    clerk.get("/holdings/records")
    fields = {f"id.{one}": "1" for one in [made.tray[2], made.hidden]} | {"as": "csv"}
    answer = clerk.post("/holdings/records/export", fields)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[-1] for row in rows[1:]] == [made.tray[2]]


def test_registers_do_not_wait_in_the_tray(visit: Visit, site: Site, made: Made) -> None:
    def call_it(document_type: str) -> None:
        with site.archive.sessions.begin() as session:
            session.execute(update(Record).where(Record.id == made.tray[0]).values(document_type=document_type))

    call_it("KUA01")
    browser = visit("clerk")
    assert _shown(browser.get("/holdings/tray?year=1997").text, made.tray) == set(made.tray[1:])
    assert _shown(browser.get("/holdings/records?year=1997&filed=no").text, made.tray) == set(made.tray)
    call_it("CHK07")
