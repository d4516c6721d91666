"""Search in depth: the register, facets, orders, reasons, suggestions, lists taken out whole; all under the gate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from access.accounts import Actor, RoleHeld
from access.use_register import entries
from metadata.errors import Forbidden, Invalid
from metadata.household import household_no
from metadata.idcard import check_digit
from metadata.identifiers import new_id
from repository.archive import Archive
from search.engines.base import HOUSEHOLD, KINDS, Sort
from search.engines.embedded import TantivyEngine
from search.service import COLUMNS, SearchPage, export, search

if TYPE_CHECKING:
    from tests.unit.search.conftest import Shelf

Indexed = Callable[[], TantivyEngine]
Archivist = Callable[[str], Actor]
ID = "11010519491231002X"
MEMBER_ID = "99010120100101123" + check_digit("99010120100101123")
HOUSEHOLD_NO = household_no("990101001002", 17)


def ask(archive: Archive, engine: TantivyEngine, actor: Actor, text: str, **more: Any) -> SearchPage:
    return search(archive, engine, actor, text, reason="test", **more)


def whys(hit: dict[str, Any]) -> list[str]:
    return [one["at"] for one in hit["why"]]


@pytest.fixture
def county(shelf: Shelf) -> Shelf:
    """One household with two papers, one paper of another township, one circular."""
    one = shelf.record(
        "低保申请书",
        ("申请.pdf", "本人張偉申请低保"),
        document_type="APP01",
        programme="DB",
        year=2024,
        dated=date(2024, 3, 1),
    )
    two = shelf.record(
        "入户调查表", ("scan.jpg", None), document_type="CHK07", programme="DB", year=2023, dated=date(2023, 5, 6)
    )
    shelf.record(
        "低保申请书", ("x.pdf", "王芳"), document_type="APP01", programme="DB", year=2024, division="990102001001"
    )
    shelf.record(
        "关于低保工作的通知",
        ("通知.txt", "各乡镇"),
        year=2021,
        description={"document_number": "民发〔2021〕57号", "extra": {"M8": "X043-2021-0007"}},
        access_level="open",
    )
    shelf.household(HOUSEHOLD_NO, "张伟", ID, [one, two], {"name": "单小满", "id": MEMBER_ID})
    return shelf


def test_the_register_is_found_where_it_may_be_seen(
    archive: Archive, county: Shelf, indexed: Indexed, archivist: Archivist
) -> None:
    engine = indexed()
    here, elsewhere = archivist("990101"), archivist("990102")
    for text in (
        "张伟",
        "張偉",
        "单小满",
        "shanxiaoman",
        "shan xiao man",
        HOUSEHOLD_NO,
        "户号:990101001002",
        ID,
        "尾号002X",
    ):
        page = ask(archive, engine, here, text, kinds=(HOUSEHOLD,))
        assert page.total == 1, text
        (hit,) = page.hits
        assert (hit["kind"], hit["record_id"], hit["household_no"]) == (HOUSEHOLD, None, HOUSEHOLD_NO)
        assert hit["title"] == "张伟户低保档案"
        assert ID not in str(hit)
        assert ask(archive, engine, elsewhere, text, kinds=KINDS).total == 0, text
    assert ask(archive, engine, here, "入户调查", kinds=(HOUSEHOLD,)).total == 0  # papers are not the register
    assert {hit["kind"] for hit in ask(archive, engine, here, "张伟", kinds=KINDS).hits} == {"record", HOUSEHOLD}
    assert {hit["kind"] for hit in ask(archive, engine, here, "张伟").hits} == {"record"}
    engine.close()


def test_a_household_that_moved_away_is_refused_by_the_gate(
    archive: Archive, county: Shelf, indexed: Indexed, archivist: Archivist
) -> None:
    engine = indexed()
    county.move_case("990102001001")  # the index does not know yet
    page = ask(archive, engine, archivist("990101"), "张伟", kinds=(HOUSEHOLD,))
    assert (page.total, page.hits) == (0, [])
    assert ask(archive, engine, archivist("990102"), "张伟", kinds=(HOUSEHOLD,)).total == 0
    engine.close()


def test_why_a_hit_matched(archive: Archive, county: Shelf, indexed: Indexed, console: Actor) -> None:
    engine = indexed()

    def first(text: str, **more: Any) -> dict[str, Any]:
        return ask(archive, engine, console, text, **more).hits[0]

    assert whys(first("低保申请书")) == ["title"]
    hit = first("张伟")
    assert hit["why"][0] == {"at": "text", "file_id": hit["file_id"], "page": 1}
    assert {"at": "name", "name": "张伟"} in hit["why"]
    hit = first("zhangwei 申请书")
    assert {"at": "pinyin", "name": "张伟"} in hit["why"]
    begin, end = hit["highlights"][0]
    assert hit["snippet"][begin:end] == "張偉"
    assert whys(first(HOUSEHOLD_NO)) == ["household"]
    assert whys(first("民发[2021]57号")) == ["code"]
    assert whys(first("档号:X043-2021*")) == ["code"]
    assert "number" in whys(first(ID))
    assert whys(first("文件名:通知")) == ["title", "file_name"]
    assert whys(first("*")) == ["description"]
    assert whys(first("单小满", kinds=(HOUSEHOLD,))) == ["name"]
    engine.close()


def test_fields_know_the_names_of_this_archive(
    archive: Archive, county: Shelf, indexed: Indexed, console: Actor
) -> None:
    engine = indexed()
    kinds = archive.profile.document_types
    for text, total in (
        ("类型:APP01", 2),
        (f"类型:{kinds['APP01'].zh}", 2),
        (f"类型:{kinds['CHK07'].zh} OR 年度:2021", 2),
        (f"项目:{archive.profile.programmes['DB'].zh}", 3),
        ("单位:县民政局", 4),
        ("单位:CB", 4),
        ("区划:县民政局", 3),
        ("区划:990102", 1),
        ("级别:开放", 1),
        ("格式:图片", 1),
        ("格式:pdf 日期:2024", 1),
        ("档号:X043-2021-0007", 1),
        ("姓名:张伟", 2),
        ("姓名:王芳", 0),
        ("门类:档案", 4),
    ):
        assert ask(archive, engine, console, text).total == total, text
    for text in ("类型:没有这种", "单位:某某局", "项目:无"):
        with pytest.raises(Invalid) as caught:
            ask(archive, engine, console, text)
        assert caught.value.code == "search.unknown_value"
    engine.close()


def test_facets_and_filters(archive: Archive, county: Shelf, indexed: Indexed, archivist: Archivist) -> None:
    engine = indexed()
    here = archivist("990101")
    page = ask(archive, engine, here, "*", facets=True, kinds=KINDS)
    assert dict(page.facets["kind"]) == {"record": 3, HOUSEHOLD: 1}
    assert dict(page.facets["year"]) == {"2024": 1, "2023": 1, "2021": 1}
    assert dict(page.facets["type"]) == {"APP01": 1, "CHK07": 1}
    assert dict(page.facets["format"]) == {"pdf": 1, "jpg": 1, "txt": 1}
    assert dict(page.facets["level"]) == {"internal": 2, "open": 1}
    page = ask(archive, engine, here, "*", facets=True, filters={"year": ["2024", "2023"], "type": []})
    assert page.total == 2
    assert dict(page.facets["year"]) == {"2024": 1, "2023": 1, "2021": 1}
    assert dict(page.facets["level"]) == {"internal": 2}
    assert ask(archive, engine, here, "*").facets == {}
    for wrong in ({"filters": {"colour": ["red"]}}, {"sort": "size"}, {"kinds": ("person",)}):
        with pytest.raises(Invalid) as caught:
            ask(archive, engine, here, "*", **wrong)
        assert caught.value.code == "search.bad_filter"
    engine.close()


@pytest.mark.parametrize(
    ("sort", "years"),
    [("date", [2024, 2023, 2024, 2021]), ("newest", [2021, 2024, 2023, 2024]), ("code", [2021, 2024, 2024, 2023])],
)
def test_orders(
    archive: Archive, county: Shelf, indexed: Indexed, console: Actor, sort: Sort, years: list[int]
) -> None:
    engine = indexed()
    seen: list[int] = []
    after = None
    while True:
        page = ask(archive, engine, console, "*", sort=sort, limit=1, after=after)
        seen += [hit["year"] for hit in page.hits]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(years)
    assert seen == years or sort == "date"  # undated ones stand by their number
    engine.close()


def test_who_may_not_see_numbers_may_not_ask_for_them(archive: Archive, county: Shelf, indexed: Indexed) -> None:
    roles = dict(archive.profile.roles)
    reader = roles["archivist"].model_copy(
        update={"permissions": tuple(one for one in roles["archivist"].permissions if one != "unmask")}
    )
    archive = dataclasses.replace(
        archive, profile=dataclasses.replace(archive.profile, roles={**roles, "archivist": reader})
    )
    engine = indexed()
    actor = Actor(new_id(), "account", "读者", None, (RoleHeld("archivist", None, "990101", "TS"),))
    for text in (ID, "13800138000", "尾号002X", "last4:002X", f"张伟 -{ID}", f'"张伟 {ID}"', f"身份证号:{ID}"):
        with pytest.raises(Forbidden) as caught:
            ask(archive, engine, actor, text)
        assert caught.value.code == "search.numbers_forbidden"
        assert ID not in str(caught.value.params)
    assert ask(archive, engine, actor, "002x").total == 0
    assert ask(archive, engine, actor, HOUSEHOLD_NO).total == 2
    engine.close()


def test_did_you_mean_offers_only_what_would_be_found(
    archive: Archive, county: Shelf, indexed: Indexed, archivist: Archivist, shelf: Shelf
) -> None:
    shelf.record("件", ("a.txt", None), division="990102001001", description={"persons": ["赵建国"]})
    shelf.record("件", ("a.txt", None), description={"persons": ["趙建國庆"]})
    engine = indexed()
    here, elsewhere = archivist("990101"), archivist("990102")
    assert ask(archive, engine, here, "章伟").suggestions == ["张伟"]  # sounds alike
    assert ask(archive, engine, here, "章伟 申请书").suggestions == ["张伟 申请书"]
    assert ask(archive, engine, here, "入户调茶表").suggestions == ["入户调查表"]
    assert ask(archive, engine, here, "入户检查表").suggestions == ["入户调查表"]
    assert ask(archive, engine, here, "入户调表").suggestions == ["入户调查表"]
    assert ask(archive, engine, elsewhere, "赵健国").suggestions == ["赵建国"]
    assert ask(archive, engine, here, "赵健国").suggestions == []  # not told of what lies elsewhere
    assert ask(archive, engine, here, "赵健国庆").suggestions == ["趙建國庆"]
    assert ask(archive, engine, here, "张伟").suggestions == []  # found
    assert ask(archive, engine, here, "zzzz").suggestions == []
    engine.close()


def test_a_list_is_taken_out_whole_and_registered_once(
    archive: Archive, shelf: Shelf, indexed: Indexed, archivist: Archivist
) -> None:
    for n in range(1203):
        shelf.ids.append(shelf.record(f"申请书{n} {ID}", division="990101001002" if n % 3 else "990102001001"))
    engine = indexed()
    actor = archivist("990101")
    rows = list(export(archive, engine, actor, "申请书*", sort="newest", reason="清查").rows)
    assert len(rows) == 802
    assert len({row["id"] for row in rows}) == 802
    assert set(rows[0]) == set(COLUMNS)
    assert all(row["division_code"].startswith("990101") and ID not in row["title"] for row in rows)
    with archive.reading() as session:
        (entry,) = entries(session, actor_id=actor.id)
    assert (entry.act, entry.reason, entry.form, entry.count) == ("search.performed", "清查", "export", 802)
    with pytest.raises(Invalid):
        export(archive, engine, actor, "“", reason="清查")
    engine.close()


def test_export_of_the_register(archive: Archive, county: Shelf, indexed: Indexed, archivist: Archivist) -> None:
    engine = indexed()
    rows = list(export(archive, engine, archivist("990101"), "张伟", kinds=KINDS, sort="code", reason="t").rows)
    assert {row["kind"] for row in rows} == {"record", HOUSEHOLD}
    assert {row["household_no"] for row in rows} == {HOUSEHOLD_NO}
    assert {row["organ"] for row in rows} == {"县民政局"}
    engine.close()
