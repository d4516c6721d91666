"""The household file: its page, its order, papers in and out, and what others may not do or learn."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from lantai.site import Site
from metadata.household import household_no
from metadata.identifiers import new_id
from repository.tables import CaseRecord, Record, RetentionAssignment
from tests.unit.lantai_web.acting import HOSTILE, acted, acts_of, case_of, deposited, hidden, undone
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]


@dataclass(frozen=True)
class File:
    """A household file of four papers, one of them restricted; two papers in the tray; a paper of another township."""

    id: str
    number: str
    papers: list[str]
    hidden: str
    tray: list[str]
    foreign: str


@pytest.fixture(scope="module")
def file(site: Site, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> File:
    """The file, of the township of the clerk."""
    del papers
    folder = tmp_path_factory.mktemp("household")
    number, other = household_no("990101001001", 31), household_no("990101002001", 31)
    options = {"programme": "DB", "document_type": "APP01"}
    made = deposited(site, folder / "own", ["甲.txt", "乙.txt", "丙.txt", "秘.txt"], household_no=number, **options)
    there = deposited(site, folder / "there", ["外.txt"], household_no=other, **options)
    loose = deposited(site, folder / "loose", ["散一.txt", "散二.txt"])
    restricted = next(one for title, one in made.items() if "秘" in title)
    with site.archive.sessions.begin() as session:
        session.execute(update(Record).where(Record.id == restricted).values(access_level="restricted"))
        session.execute(update(Record).where(Record.id.in_(loose.values())).values(division_code="990101001001"))
    case = case_of(site, number)
    return File(
        case.id,
        number,
        [one for one in made.values() if one != restricted],
        restricted,
        list(loose.values()),
        next(iter(there.values())),
    )


def _order(site: Site, case_id: str) -> list[str]:
    with site.archive.reading() as session:
        wanted = select(CaseRecord.record_id).where(CaseRecord.case_file_id == case_id).order_by(CaseRecord.position)
        return list(session.scalars(wanted))


def _due(site: Site, record_id: str) -> str:
    with site.archive.reading() as session:
        wanted = select(RetentionAssignment.outcome).where(
            RetentionAssignment.record_id == record_id, RetentionAssignment.current
        )
        return session.scalars(wanted).one()


# --- looking ----------------------------------------------------------------------------------------------------------


def test_a_paper_stands_beside_the_contents_under_an_address_of_its_own(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    page = browser.get(f"/case-files/{file.id}")
    assert "papers__one--missing" in page.text  # papers that the rules ask for
    assert "本救助项目每卷必备" in page.text
    address = re.search(r'class="papers__title" href="([^"#]+)', page.text)
    assert address
    before = len(acts_of(site, "record.viewed"))
    shown = browser.get(address.group(1).replace("&amp;", "&"))
    assert shown.status_code == 200
    for words in ("来源", "完整性", "保管期限", "查阅记录", "著录修订历史"):
        assert words in shown.text, words
    looks = acts_of(site, "record.viewed")
    assert len(looks) == before + 1
    assert looks[-1].case_file_id == file.id


def test_the_list_of_documents_is_laid_out_for_paper_and_names_nothing_hidden(visit: Visit, file: File) -> None:
    page = visit("clerk").get(f"/case-files/{file.id}").text
    listed = page[page.index('class="data file-list"') :].partition("</table>")[0]
    assert [name in listed for name in ("甲", "乙", "丙", "秘")] == [True, True, True, False]
    beside = visit("clerk").get(f"/case-files/{file.id}?record={file.papers[0]}").text
    assert "file-list" not in beside


def test_nothing_is_shown_or_counted_of_a_paper_that_is_hidden(visit: Visit, file: File) -> None:
    browser = visit("clerk")
    page = browser.get(f"/case-files/{file.id}")
    assert file.hidden not in page.text
    assert "秘" not in page.text
    assert page.text.count('class="papers__one"') == 3
    refused = browser.get(f"/case-files/{file.id}?record={file.hidden}")
    unknown = browser.get(f"/case-files/{file.id}?record={new_id()}")
    assert refused.status_code == unknown.status_code == 404
    elsewhere = browser.get(f"/case-files/{file.id}?record={file.foreign}")
    assert elsewhere.status_code == 404
    strip = [re.sub(r"[0-9a-f-]{36}", "", one.text) for one in (refused, unknown)]
    assert strip[0] == strip[1]


def test_who_may_not_see_the_file_learns_nothing(visit: Visit, file: File) -> None:
    browser = visit("other")
    for path in (f"/case-files/{file.id}", f"/households/{file.number}", f"/case-files/{file.id}/tray"):
        assert browser.get(path).status_code == 404, path
    assert browser.post(f"/case-files/{file.id}/arrange", {"move": f"up:{file.papers[0]}"}).status_code == 404


@pytest.mark.parametrize(
    "address", ["?page=0", "?file=99", "?version=9", "?page=999999&record=x", "?show=%3Cscript%3E"]
)
def test_odd_addresses_are_answered(visit: Visit, file: File, address: str) -> None:
    browser = visit("archivist")
    asked = address if "record" in address else f"{address}&record={file.papers[0]}"
    assert browser.get(f"/case-files/{file.id}{asked}").status_code in {200, 404}


def test_a_hostile_title_is_text_everywhere(visit: Visit, file: File, site: Site) -> None:
    with site.archive.sessions.begin() as session:
        before = session.scalars(select(Record.title).where(Record.id == file.papers[2])).one()
        session.execute(update(Record).where(Record.id == file.papers[2]).values(title=HOSTILE))
    try:
        browser = visit("archivist")
        for path in (
            f"/case-files/{file.id}",
            f"/case-files/{file.id}?arrange=1",
            f"/case-files/{file.id}?record={file.papers[2]}",
            f"/records/{file.papers[2]}/describe",
            f"/records/{file.papers[2]}/revisions",
            "/holdings/records?sort=newest",
        ):
            page = browser.get(path)
            assert page.status_code == 200, path
            assert "<script>alert" not in page.text, path
            assert "&lt;script&gt;alert(1)" in page.text, path
    finally:
        with site.archive.sessions.begin() as session:
            session.execute(update(Record).where(Record.id == file.papers[2]).values(title=before))


# --- order ------------------------------------------------------------------------------------------------------------


def test_papers_are_moved_by_buttons_and_the_move_is_taken_back(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    page = browser.get(f"/case-files/{file.id}?arrange=1")
    before = _order(site, file.id)
    fields = {"move": f"down:{before[0]}", "row_version": hidden(page, "row_version")}
    said = acted(browser, f"/case-files/{file.id}/arrange", fields)
    assert "已保存新的排列顺序" in said.text
    assert _order(site, file.id) == [before[1], before[0], *before[2:]]
    assert case_of(site, file.number).state["arranged"] is True
    undone(browser, said)
    assert _order(site, file.id) == before


def test_the_first_cannot_go_up_and_a_move_twice_is_told(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    before = _order(site, file.id)
    page = browser.get(f"/case-files/{file.id}?arrange=1")
    fields = {"move": f"up:{before[0]}", "row_version": hidden(page, "row_version")}
    assert "已按此顺序排列" in acted(browser, f"/case-files/{file.id}/arrange", fields).text
    fields = {"order": ",".join(reversed(before)), "row_version": hidden(page, "row_version")}
    acted(browser, f"/case-files/{file.id}/arrange", fields)
    again = browser.post(f"/case-files/{file.id}/arrange", fields)  # the same form once more: others may have acted
    assert again.status_code == 409
    assert "另一人改动了这个户档" in again.text
    assert _order(site, file.id) == before[::-1]


def test_two_people_arranging_do_not_overwrite_each_other(visit: Visit, file: File, site: Site) -> None:
    one, two = visit("archivist"), visit("archivist")
    seen = hidden(one.get(f"/case-files/{file.id}?arrange=1"), "row_version")
    order = _order(site, file.id)
    acted(one, f"/case-files/{file.id}/arrange", {"move": f"down:{order[0]}", "row_version": seen})
    two.get(f"/case-files/{file.id}?arrange=1")
    late = two.post(f"/case-files/{file.id}/arrange", {"move": f"down:{order[1]}", "row_version": seen})
    assert late.status_code == 409
    assert _order(site, file.id)[:2] == [order[1], order[0]]


def test_forged_ids_are_refused_alike(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    browser.get(f"/case-files/{file.id}?arrange=1")
    before = _order(site, file.id)
    for forged in (file.foreign, new_id()):
        answer = browser.post(f"/case-files/{file.id}/arrange", {"order": f"{before[0]},{forged}"})
        assert answer.status_code == 422
        assert "case.not_in_file" in answer.text
    assert browser.post(f"/case-files/{file.id}/arrange", {"move": "up:x"}).status_code == 422
    assert _order(site, file.id) == before


def test_who_only_reads_does_not_arrange(visit: Visit, file: File, site: Site) -> None:
    browser = visit("clerk")
    page = browser.get(f"/case-files/{file.id}?arrange=1")
    assert "data-arranging" not in page.text
    before = _order(site, file.id)
    for path, fields in (
        ("arrange", {"move": f"down:{before[0]}"}),
        ("file", {"ids": file.tray[0]}),
        ("take-out", {"ids": before[0]}),
    ):
        assert browser.post(f"/case-files/{file.id}/{path}", fields).status_code == 403, path
    assert _order(site, file.id) == before


# --- papers in and out ------------------------------------------------------------------------------------------------


def test_papers_are_filed_from_the_tray_and_the_filing_is_taken_back(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    tray = browser.get(f"/case-files/{file.id}/tray")
    assert all(f'name="id.{one}"' in tray.text for one in file.tray)
    fields = {f"id.{one}": "1" for one in file.tray}
    said = acted(browser, f"/case-files/{file.id}/file", fields)
    assert f"已将 2 件档案归入 {file.number}" in said.text
    assert set(file.tray) <= set(_order(site, file.id))
    assert not any(f'name="id.{one}"' in browser.get(f"/case-files/{file.id}/tray").text for one in file.tray)
    revision = case_of(site, file.number).revision
    again = acted(browser, f"/case-files/{file.id}/file", fields)  # a double post
    assert f"已将 0 件档案归入 {file.number}" in again.text
    assert case_of(site, file.number).revision == revision
    said = acted(browser, f"/case-files/{file.id}/take-out", {"ids": ",".join(file.tray)})
    assert "已将 2 件档案移出" in said.text
    undone(browser, said)
    assert set(file.tray) <= set(_order(site, file.id))
    acted(browser, f"/case-files/{file.id}/take-out", {"ids": ",".join(file.tray)})
    assert not set(file.tray) & set(_order(site, file.id))


def test_retention_follows_the_file(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/holdings/records")
    kind = {"document_type": "APP01", f"id.{file.tray[0]}": "1"}
    acted(browser, "/holdings/records/describe", kind)
    acted(browser, f"/case-files/{file.id}/file", {"ids": file.tray[0]})
    assert _due(site, file.tray[0]) == _due(site, file.papers[0])
    acted(browser, f"/case-files/{file.id}/take-out", {"ids": file.tray[0]})


def test_papers_of_others_are_neither_filed_nor_named(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/holdings/records")
    before = _order(site, file.id)
    unknown = browser.post(f"/case-files/{file.id}/file", {"ids": f"{file.tray[0]},{new_id()}"})
    assert unknown.status_code == 404
    assert _order(site, file.id) == before
    assert "没有勾选" in acted(browser, f"/case-files/{file.id}/file", {}).text


# --- programs ---------------------------------------------------------------------------------------------------------


def test_programs_order_file_and_take_out(visit: Visit, file: File, site: Site) -> None:
    browser = visit("archivist")
    order = _order(site, file.id)
    row_version = case_of(site, file.number).row_version
    body = {"records": [order[1], order[0]], "row_version": row_version}
    told = browser.api("PUT", f"/case-files/{file.id}/order", json=body)
    assert told.status_code == 200, told.text
    assert told.json()["records"][:2] == [order[1], order[0]]
    assert browser.api("PUT", f"/case-files/{file.id}/order", json=body).status_code == 409
    filed = browser.api("POST", f"/case-files/{file.number}/records", json={"records": file.tray})
    assert sorted(filed.json()["records"]) == sorted(file.tray)
    out = browser.api("POST", f"/case-files/{file.id}/records/take-out", json={"records": file.tray})
    assert sorted(out.json()["records"]) == sorted(file.tray)
    tree = browser.api("GET", f"/holdings/tree?case={file.id}").json()
    assert file.number in str(tree)
    refused = visit("other").api("PUT", f"/case-files/{file.id}/order", json=body)
    assert refused.status_code == 404
    assert visit("clerk").api("PUT", f"/case-files/{file.id}/order", json=body).status_code == 403
