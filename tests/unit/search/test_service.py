"""Search from the catalogue to the hit: both scripts, the gate, masks, the file that matched, the register."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from access.accounts import SYSTEM, Actor
from access.use_register import entries
from metadata.errors import Forbidden, Invalid
from metadata.household import household_no
from metadata.idcard import check_digit
from repository.archive import Archive
from search.engines.embedded import TantivyEngine
from search.service import SearchPage, search

if TYPE_CHECKING:
    from tests.unit.search.conftest import Shelf

Indexed = Callable[[], TantivyEngine]
Archivist = Callable[[str], Actor]
ID = "11010519491231002X"
MEMBER_ID = "99010120100101123" + check_digit("99010120100101123")
HOUSEHOLD = household_no("990101001002", 17)


def ask(archive: Archive, engine: TantivyEngine, actor: Actor, text: str, **more: Any) -> SearchPage:
    return search(archive, engine, actor, text, reason="test", **more)


def ids(page: SearchPage) -> set[str]:
    return {hit["record_id"] for hit in page.hits}


def test_found_in_the_other_script_and_shown_in_its_own(
    archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor
) -> None:
    one = shelf.record(
        "入戶調查記錄", ("a.pdf", "無關"), ("調查/報告.pdf", "第一页\f本戶為城市低保檔案所載，生活困難。"), year=2025
    )
    shelf.record("收入证明", ("b.pdf", "工资"))
    engine = indexed()
    page = ask(archive, engine, console, "低保档案")
    assert page.total == 1
    (hit,) = page.hits
    assert (hit["record_id"], hit["path"], hit["page"], hit["year"]) == (one, "調查/報告.pdf", 2, 2025)
    begin, end = hit["highlights"][0]
    assert hit["snippet"][begin:end] == "低保檔案"
    (hit,) = ask(archive, engine, console, "入户调查 困难").hits
    assert [hit["title"][begin:end] for begin, end in hit["title_highlights"]] == ["入戶調查"]
    assert hit["path"] == "調查/報告.pdf"
    assert ask(archive, engine, console, "*").total == 2
    engine.close()


def test_text_goes_before_file_names(archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor) -> None:
    shelf.record("访问", ("访问记录/录音.wav", None), ("访问记录/笔录.txt", "邻居的访问记录"))
    (hit,) = ask(archive, indexed(), console, "訪問記錄").hits
    assert (hit["path"], hit["page"]) == ("访问记录/笔录.txt", 1)


def test_a_phrase_over_a_page_end_is_found(archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor) -> None:
    shelf.record("件", ("a.pdf", "最低生活\f保障金"))
    (hit,) = ask(archive, indexed(), console, "最低生活保障").hits
    assert hit["highlights"]


def test_names_households_and_numbers(archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor) -> None:
    one = shelf.record("申请书", ("scan.jpg", None), description={"document_number": "民发〔2021〕57号"})
    other = shelf.record("申请书", ("scan.jpg", None), description={"persons": ["歐陽䶮"]})
    shelf.household(HOUSEHOLD, "劉三", ID, [one], {"name": "买买提·艾合买提", "id": MEMBER_ID})
    engine = indexed()
    for text in (
        "刘三",
        HOUSEHOLD,
        HOUSEHOLD.lower(),
        ID,
        "尾号002X",
        MEMBER_ID,
        "买买提艾合买提",
        "民發[2021]57號",
        "三",
    ):
        page = ask(archive, engine, console, text)
        assert ids(page) == {one}, text
        assert page.hits[0]["household_no"] == HOUSEHOLD
        assert page.hits[0]["path"] == "scan.jpg"
    assert ids(ask(archive, engine, console, "欧阳龑")) == {other}
    assert ask(archive, engine, console, "欧阳龑").hits[0]["household_no"] is None
    engine.close()


def test_personal_numbers_are_masked_unless_asked_for_by_who_may(
    archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor, archivist: Archivist
) -> None:
    shelf.record(f"张三 {ID}", (f"{ID}.txt", f"申请人张三，身份证{ID}，电话13800138000，账号6222021001116245704。"))
    engine = indexed()
    for text in ("张三", ID, "13800138000", "6222 0210 0111 6245 704"):
        (hit,) = ask(archive, engine, console, text).hits
        assert ID not in str(hit)
        assert "13800138000" not in str(hit)
        assert "6222021001116245704" not in str(hit)
        assert hit["highlights"], text
    assert "110105********002X" in ask(archive, engine, console, "张三").hits[0]["title"]
    assert ask(archive, engine, console, "张三").hits[0]["path"] == "110105********002X.txt"
    clear = ask(archive, engine, archivist("990101"), "张三", unmask=True).hits[0]
    assert clear["title"] == f"张三 {ID}"
    engine.close()


def test_the_index_folder_holds_no_number(archive: Archive, shelf: Shelf, indexed: Indexed) -> None:
    shelf.record(f"张三 {ID}", ("a.txt", f"身份证{ID}，电话13800138000"))
    engine = indexed()
    engine.close()
    for path in engine.folder.iterdir():
        data = path.read_bytes().lower()
        assert ID.lower().encode() not in data
        assert b"13800138000" not in data


def test_only_what_the_person_may_see_is_found_and_counted(
    archive: Archive, shelf: Shelf, indexed: Indexed, archivist: Archivist
) -> None:
    mine = shelf.record("申请书", ("a.txt", "甲"))
    elsewhere = shelf.record("申请书", ("a.txt", "乙"), division="990102001001")
    county = shelf.record("申请书", ("a.txt", "丙"), division="990101000000")
    strange = shelf.record("申请书", ("a.txt", "丁"), access_marks=["no such mark"])
    engine = indexed()
    town = archivist("990101001")
    assert ids(ask(archive, engine, town, "申请书")) == {mine}
    assert ask(archive, engine, town, "*").total == 1
    assert ids(ask(archive, engine, archivist("990101"), "*")) == {mine, county}
    assert ids(ask(archive, engine, archivist("990102"), "*")) == {elsewhere}
    assert strange not in ids(ask(archive, engine, archivist("99"), "*"))
    with pytest.raises(Forbidden):
        ask(archive, engine, SYSTEM, "*")
    engine.close()


def test_a_stale_entry_is_neither_shown_nor_counted(
    archive: Archive, shelf: Shelf, indexed: Indexed, archivist: Archivist
) -> None:
    made = [shelf.record(f"申请书{n}", ("a.txt", "甲")) for n in range(12)]
    engine = indexed()
    for moved in made[6:]:
        shelf.change(moved, division_code="990102001001")  # the index does not know yet
    page = ask(archive, engine, archivist("990101"), "申请书", limit=4)
    assert len(page.hits) == 4
    rest = ask(archive, engine, archivist("990101"), "申请书", limit=4, after=page.next)
    assert ids(page) | ids(rest) == set(made[:6])
    assert ask(archive, engine, archivist("990101"), "申请书").total == 6
    engine.close()


def test_a_destroyed_record_leaves_the_index(archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor) -> None:
    gone = shelf.record("申请书", ("a.txt", "甲"))
    indexed().close()
    shelf.change(gone, state="destroyed")
    engine = indexed()
    assert engine.count() == 0
    assert ask(archive, engine, console, "*").total == 0
    engine.close()


def test_every_search_is_in_the_use_register_without_its_words(
    archive: Archive, shelf: Shelf, indexed: Indexed, console: Actor
) -> None:
    engine = indexed()
    ask(archive, engine, console, ID)
    with pytest.raises(Invalid):
        ask(archive, engine, console, "“")
    with archive.reading() as session:
        (entry,) = entries(session, actor_id=console.id)
    assert (entry.act, entry.reason, entry.form) == ("search.performed", "test", "screen")
    assert ID not in str(entry)
    engine.close()
