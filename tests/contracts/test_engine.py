"""The engine port's contract (search/engines/base.py), run on every engine.

A new engine adds its name to ``ENGINES`` and a factory that gives an opener, so that tests can open the same index twice.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from metadata.errors import Invalid
from metadata.identifiers import new_id
from search import analysis, vocabulary
from search.cluster import ClusterHome, Reach
from search.engines.base import FACETS, SORTS, Engine, IndexDocument, PermissionFilter, Scope, Sort
from search.engines.embedded import TantivyEngine
from search.home import new_generation
from search.query import Query, document_term, household_terms, name_term, name_terms, parse
from tests.services.elastic import Elastic

Opener = Callable[[], Engine]

ENGINES = ["embedded", "elasticsearch"]
ALL = PermissionFilter((Scope(("",), ("open", "internal", "restricted")),))


def _embedded(folder: Path) -> Iterator[Opener]:
    yield lambda: TantivyEngine(folder / "index", create=True)


def _elasticsearch(server: Elastic) -> Iterator[Opener]:
    """An index of the shared server that is in use already; as one that is found there."""
    home = ClusterHome(Reach((server.url,), f"t-{new_id()}", "a-holding", replicas=0, seconds=60))
    generation = new_generation()
    home.create(generation)
    home.point_to(generation)
    yield home.open_live
    home.drop(generation)
    home.close()


@pytest.fixture(params=ENGINES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    if request.param == "embedded":
        yield from _embedded(tmp_path)
    else:
        yield from _elasticsearch(request.getfixturevalue("elastic"))


@pytest.fixture
def engine(opener: Opener) -> Iterator[Engine]:
    made = opener()
    yield made
    made.close()


def entry(entry_id: str, seq: int, title: str = "低保申请书", text: str = "", **more: object) -> IndexDocument:
    values: dict[str, object] = {
        "terms": (),
        "division_code": "990101001002",
        "access_level": "internal",
        "access_marks": (),
        "year": 2025,
        "dated": date(2025, 3, 1),
        **more,
    }
    cut = [analysis.analyse(analysis.fold(one)) for one in (title, text)]
    return IndexDocument(entry_id, seq, *cut, **values)  # type: ignore[arg-type]  # checked by the tests themselves


def ask(text: str) -> Query:
    return parse(text, lambda one, purpose: f"{purpose}{one}".encode().hex())


def found(engine: Engine, text: str, permission: PermissionFilter = ALL) -> set[str]:
    hits = engine.search(ask(text), permission, limit=100)
    assert hits.total == len(hits.hits)
    return {hit.id for hit in hits.hits}


def test_a_new_engine_is_empty(engine: Engine) -> None:
    assert engine.count() == 0
    assert engine.search(ask("*"), ALL, limit=10).total == 0
    engine.apply([], ["absent"])
    assert engine.count() == 0


def test_writing_replaces_and_deleting_removes(engine: Engine) -> None:
    engine.apply([entry("one", 1, text="旧文字"), entry("two", 2)], [])
    for _ in range(3):  # replay
        engine.apply([entry("one", 1, text="新文字")], [])
    assert engine.count() == 2
    assert found(engine, "旧文字") == set()
    assert found(engine, "新文字") == {"one"}
    engine.apply([], ["one"])
    assert engine.count() == 1
    assert found(engine, "*") == {"two"}


def test_one_batch_may_hold_a_record_twice(engine: Engine) -> None:
    engine.apply([entry("one", 1, text="旧文字"), entry("one", 1, text="新文字")], [])
    assert engine.count() == 1
    assert found(engine, "新文字") == {"one"}


@pytest.mark.parametrize(
    ("stored", "query", "hit"),
    [
        ("城市低保檔案管理", "低保档案", True),
        ("城市低保档案管理", "低保檔案", True),
        ("今後的工作", "今后", True),
        ("皇后", "皇後", True),
        ("頭髮花白", "头发", True),
        ("发展", "發展", True),
        ("乾隆年间", "干隆", True),
        ("村干部", "村幹部", True),
        ("劉生輝", "刘生辉", True),
        ("证人龑某", "䶮", True),
        ("贺䶮", "贺龑", True),
        ("𬭎志", "𬭎志", True),
        ("低保，档案", '"低保档案"', False),
        ("低保。档案", "低保 档案", True),
        ("低保\n档案", "低保档案", True),
        ("张　三", "张三", True),
        ("张三丰", "三", True),
        ("张三丰", "丰", True),
        ("张三丰", "四", False),
        ("民發〔2021〕57號文件", "民发[2021]57号", True),
        ("民發〔2021〕57號文件", "57号", True),
        ("民發〔2021〕57號文件", "2021", True),
        ("民發〔2021〕57號文件", "202", False),
        ("Social Assistance Record", "social assistance", True),
        ("Social Assistance Record", '"assistance record"', True),
        ("Social Assistance Record", '"record assistance"', False),
        ("ＯＦＤ文件", "ofd", True),
        ("低保", "低保档案", False),
        ("档案低保", "低保档案", False),
        ("人民政府民政局", "民政府民", True),
        ("人民政府民政局", "民政府局", False),
    ],
)
def test_words_and_phrases_in_both_scripts(engine: Engine, stored: str, query: str, hit: bool) -> None:
    engine.apply([entry("text", 1, title="题", text=stored), entry("title", 2, title=stored, text="文")], [])
    assert found(engine, query) == ({"text", "title"} if hit else set())


def test_words_may_meet_in_different_places(engine: Engine) -> None:
    engine.apply([entry("one", 1, title="低保申请", text="王小明", terms=(document_term("民发〔2021〕57号"),))], [])
    assert found(engine, "申请 小明") == {"one"}
    assert found(engine, "申请 民發[2021]57號") == {"one"}
    assert found(engine, "申请 小红") == set()
    assert found(engine, '"申请王小明"') == set()
    assert found(engine, '"申请王"') == set()


def test_who_bears_a_name_comes_before_who_is_mentioned(engine: Engine) -> None:
    engine.apply(
        [entry(f"filler{n}", n, title="件", text="入户调查") for n in range(30)]
        + [entry("bears", 40, title="件", text="赵钱孙", terms=(name_term("赵钱孙"),))]
        + [entry("mentions", 50, title="件", text="赵钱孙赵钱孙赵钱孙")],
        [],
    )
    hits = engine.search(ask("趙錢孫"), ALL, limit=10)
    assert [hit.id for hit in hits.hits] == ["bears", "mentions"]


def test_titles_weigh_more_than_text(engine: Engine) -> None:
    engine.apply(
        [entry(f"filler{n}", n, title="收入证明", text="家庭收入情况") for n in range(50)]
        + [entry("text", 98, title="收入证明", text="入户调查表"), entry("title", 97, title="入户调查表", text="家庭")],
        [],
    )
    hits = engine.search(ask("入户调查"), ALL, limit=10)
    assert [hit.id for hit in hits.hits] == ["title", "text"]


def test_permission_is_outside_the_query(engine: Engine) -> None:
    village, town, county = "990101001002", "990101001000", "990101000000"
    engine.apply(
        [
            entry("village", 1, division_code=village),
            entry("town", 2, division_code=town),
            entry("county", 3, division_code=county, access_level="restricted"),
            entry("other", 4, division_code="990102001001", access_level="open"),
            entry("marked", 5, division_code=village, access_marks=("minor", "medical")),
        ],
        [],
    )
    town_scope = Scope(("990101001",), ("open", "internal"), ("medical",))
    for query in ("*", "低保", "低", "申请书"):
        assert found(engine, query, PermissionFilter((town_scope,))) == {"village", "town"}
    named = Scope(("",), ("internal", "restricted"), ("minor",), ids=("county", "marked", "absent"))
    assert found(engine, "*", PermissionFilter((town_scope, named))) == {"village", "town", "county"}
    assert found(engine, "*", PermissionFilter((named,))) == {"county"}
    assert found(engine, "*", PermissionFilter((dataclasses.replace(named, excluded_marks=()),))) == {
        "county",
        "marked",
    }
    assert found(engine, "*", PermissionFilter((dataclasses.replace(named, ids=()),))) == set()
    assert found(engine, "*", PermissionFilter()) == set()
    assert found(engine, "*", PermissionFilter((Scope((), ("open",)), Scope(("99",), ())))) == set()
    assert found(engine, "*", PermissionFilter((Scope(("99",), ("open",)), Scope((village,), ("internal",))))) == {
        "village",
        "marked",
        "other",
    }
    assert found(engine, "*", PermissionFilter((Scope(("",), ("restricted",)),))) == {"county"}


def test_paging_visits_every_hit_once(engine: Engine) -> None:
    texts = ["低保档案" * (n % 5 + 1) for n in range(230)]  # many equal scores
    for start in range(0, 230, 23):  # several commits, so several segments
        engine.apply([entry(f"r{n}", n, title="件", text=texts[n]) for n in range(start, start + 23)], [])
    engine.apply([], ["r7"])
    for query in ("*", "低保档案", "低", "档案 低保"):
        seen: list[str] = []
        order: list[tuple[float, int]] = []
        after = None
        while True:
            page = engine.search(ask(query), ALL, limit=17, after=after)
            assert page.total == 229
            seen += [hit.id for hit in page.hits]
            order += [(-hit.score, -hit.seq) for hit in page.hits]
            after = page.next
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 229
        assert order == sorted(order)
    assert [hit.seq for hit in engine.search(ask("*"), ALL, limit=3).hits] == [229, 228, 227]


def test_a_false_cursor_is_a_hint(engine: Engine) -> None:
    engine.apply([entry("one", 1)], [])
    for wrong in ("", "x", "no cursor", "错", "AAAA"):
        with pytest.raises(Invalid):
            engine.search(ask("*"), ALL, limit=5, after=wrong)


def test_another_reader_sees_a_commit_after_refresh(opener: Opener, engine: Engine) -> None:
    engine.apply([entry("one", 1)], [])
    reader = opener()
    assert reader.count() == 1
    engine.apply([entry("two", 2)], ["one"])
    reader.refresh()
    assert found(reader, "*") == {"two"}
    reader.close()


def test_what_was_applied_outlives_the_engine(opener: Opener) -> None:
    first = opener()
    first.apply([entry("one", 1), entry("two", 2)], [])
    first.close()
    second = opener()
    assert found(second, "申请书") == {"one", "two"}
    second.apply([entry("one", 1)], ["two"])
    second.close()
    third = opener()
    assert found(third, "*") == {"one"}
    third.close()


def test_odd_characters_do_no_harm(engine: Engine) -> None:
    strange = "a\x00b\ud800𠮷 ¶ _ \ufffd ' \" \\ ( ) [ ] * ?"
    engine.apply([entry("one", 1, title=strange, text=strange, terms=("n:",))], [])
    assert engine.count() == 1
    assert found(engine, "𠮷") == {"one"}


# --- the tree of a query ----------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(engine: Engine) -> Engine:
    """Six entries that differ in everything that can be asked for."""
    engine.apply(
        [
            entry("a", 1, title="低保申请书", text="本人张伟", terms=tuple(name_terms("张伟")), document_type="APP01"),
            entry("b", 2, title="低保申请书", text="王芳 abc123", year=2023, dated=date(2023, 5, 1), programme="TK"),
            entry("c", 3, title="入户调查表", text="张伟的邻居", year=2022, dated=date(2022, 12, 31), formats=("pdf",)),
            entry("d", 4, title="收据", text="abx", year=None, dated=None, formats=("jpg", "pdf")),
            entry("e", 5, title="单雄信", text="件", terms=tuple(name_terms("单雄信")), organ_id="o-1"),
            entry("f", 6, title="家庭", text="户", terms=tuple(household_terms("9901010010020000174"))),
        ],
        [],
    )
    return engine


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("低保 OR 收据", "abd"),
        ("低保 AND 张伟", "a"),
        ("低保 -张伟", "b"),
        ("-低保", "cdef"),
        ("NOT 低保 NOT 收据", "cef"),
        ("(低保 OR 入户) 张伟", "ac"),
        ("* -张伟", "bdef"),
        ("(低保 OR *) 张伟", "ac"),
        ("题名:张伟", ""),
        ("题名:低保", "ab"),
        ("题名:单", "e"),
        ("姓名:张伟", "a"),
        ("姓名:單雄信", "e"),
        ("姓名:shanxiongxin", "e"),
        ("zhangwei", "a"),
        ("zhang wei", "a"),
        ("ZW", "a"),
        ("danxiongxin", "e"),
        ("shan xiong xin OR zw", "ae"),
        ("低保 zhang wei", "a"),
        ("ab*", "bd"),
        ("abc*", "b"),
        ("abc12", ""),
        ("年度:2023", "b"),
        ("年度:2022..2023", "bc"),
        ("年度:>=2025", "aef"),
        ("日期:2022-12", "c"),
        ("日期:2022-12-31..2023-05-01", "bc"),
        ("日期:<2023-05", "c"),
        ("日期:2023年5月", "b"),
        ("日期:..2099", "abcef"),
        ("类型:APP01", "a"),
        ("项目:TK", "b"),
        ("格式:pdf", "cd"),
        ("格式:图片", "d"),
        ("格式:(pdf AND jpg)", "d"),
        ("单位:o-1", "e"),
        ("区划:990101", "abcdef"),
        ("区划:9902", ""),
        ("级别:内部", "abcdef"),
        ("户号:9901010010020000174", "f"),
        ("户号:990101001002", "f"),
        ("户号:00174", "f"),
        ("户号:9901010010*", "f"),
        ("门类:户档", ""),
    ],
)
def test_fields_operators_ranges_and_beginnings(shelf: Engine, query: str, hits: str) -> None:
    assert found(shelf, query) == set(hits)


def test_pinyin_finds_names_and_never_text(engine: Engine) -> None:
    engine.apply([entry("text", 1, text="张伟"), entry("name", 2, text="某人", terms=tuple(name_terms("張偉")))], [])
    assert found(engine, "zhangwei") == {"name"}
    assert found(engine, "张伟") == {"text"}  # an entry holds its names as text too; this one does not


def test_names_of_files_are_a_field(engine: Engine) -> None:
    names = analysis.analyse(analysis.fold("掃描件001.pdf"))
    engine.apply([entry("one", 1, files=names), entry("two", 2, text="扫描件")], [])
    assert found(engine, "文件名:扫描件") == {"one"}
    assert found(engine, "文件名:描") == {"one"}


# --- order, paging ----------------------------------------------------------------------------------------------------


def walk(engine: Engine, query: str, sort: Sort, limit: int) -> list[str]:
    """All hits in their order, page by page; every page tells the same total."""
    seen: list[str] = []
    after: str | None = None
    totals = set()
    while True:
        page = engine.search(ask(query), ALL, limit=limit, after=after, sort=sort)
        totals.add(page.total)
        seen += [hit.id for hit in page.hits]
        after = page.next
        if after is None:
            break
    assert totals == {len(seen)}
    return seen


def test_every_order_is_total_and_pages_to_the_end(engine: Engine) -> None:
    rng = random.Random(7)
    made = []
    for n in range(400):
        dated = date(2020, 1, 1) + timedelta(days=rng.randrange(20)) if rng.random() < 0.9 else None
        code = f"x{rng.randrange(30):03d}" if rng.random() < 0.8 else ""
        made.append(
            entry(f"r{n}", n, text="低保" * rng.randrange(1, 4), dated=dated, code=code, created=1_600_000_000 + n % 7)
        )
    rng.shuffle(made)
    for start in range(0, 400, 50):
        engine.apply(made[start : start + 50], [])
    newest = sorted(made, key=lambda one: (-one.created, -one.seq))
    latest = sorted(made, key=lambda one: (-(one.dated.toordinal() if one.dated else 0), -one.seq))
    by_code = sorted(made, key=lambda one: (one.code == "", one.code, one.seq))
    for query in ("*", "低保", "低"):
        assert walk(engine, query, "newest", 33) == [one.id for one in newest]
        assert walk(engine, query, "date", 33) == [one.id for one in latest]
        assert walk(engine, query, "code", 33) == [one.id for one in by_code]
        assert sorted(walk(engine, query, "relevance", 33)) == sorted(one.id for one in made)
    assert walk(engine, "*", "relevance", 33) == [one.id for one in newest]


def test_paging_goes_past_ten_thousand_hits(engine: Engine) -> None:
    count = 12_000
    for start in range(0, count, 1000):
        engine.apply(
            [entry(f"r{n}", n, title="件", text="低保", code=f"c{n % 50}") for n in range(start, start + 1000)], []
        )
    for sort in SORTS:
        seen = walk(engine, "低保", sort, 997)
        assert len(seen) == len(set(seen)) == count, sort
    assert walk(engine, "低保", "date", 4000) == [f"r{n}" for n in reversed(range(count))]


def test_a_cursor_belongs_to_its_order(engine: Engine) -> None:
    engine.apply([entry(f"r{n}", n) for n in range(9)], [])
    for sort in SORTS:
        after = engine.search(ask("低保"), ALL, limit=2, sort=sort).next
        assert after is not None
        for other in SORTS:
            if other != sort:
                with pytest.raises(Invalid):
                    engine.search(ask("低保"), ALL, limit=2, after=after, sort=other)


def test_no_hits_may_be_asked_for(engine: Engine) -> None:
    engine.apply([entry(f"r{n}", n) for n in range(9)], [])
    hits = engine.search(ask("低保"), ALL, limit=0, facets=("level",))
    assert (hits.total, hits.hits, hits.next) == (9, (), None)
    assert hits.facets == {"level": (("internal", 9),)}


# --- many scopes, facets, kinds: against a plain reckoning ------------------------------------------------------------

LEVELS = ("open", "internal", "restricted")


def _attributes(one: IndexDocument) -> dict[str, set[str]]:
    return {
        "kind": {one.kind},
        "programme": {one.programme} - {""},
        "organ": {one.organ_id} - {""},
        "year": set() if one.year is None else {str(one.year)},
        "type": {one.document_type} - {""},
        "level": {one.access_level} if one.kind == "record" else set(),
        "format": set(one.formats),
    }


def _permitted(one: IndexDocument, permission: PermissionFilter) -> bool:
    return any(
        scope.kind == one.kind
        and (scope.ids is None or one.id in scope.ids)
        and any(one.division_code.startswith(prefix) for prefix in scope.prefixes)
        and (one.kind == "household" or one.access_level in scope.levels)
        and not set(one.access_marks) & set(scope.excluded_marks)
        for scope in permission.scopes
    )


def _county(rng: random.Random, count: int) -> list[IndexDocument]:
    return [
        entry(
            f"r{n}",
            n,
            text=rng.choice(("低保档案", "入户调查")),
            division_code=f"99010{rng.randrange(3)}{rng.randrange(100, 130)}{rng.randrange(200, 204)}",
            access_level="" if n % 9 == 0 else rng.choice(LEVELS),
            access_marks=() if n % 9 == 0 else tuple(rng.sample(("minor", "medical", "informant"), rng.randrange(3))),
            kind="household" if n % 9 == 0 else "record",
            programme=rng.choice(("DB", "TK", "")),
            organ_id=f"o{rng.randrange(90)}",
            document_type=rng.choice(("APP01", "CHK01", "")),
            year=rng.choice((2020, 2021, None)),
            formats=tuple(rng.sample(("pdf", "jpg", "ofd"), rng.randrange(3))),
        )
        for n in range(count)
    ]


def _scopes(rng: random.Random, count: int) -> PermissionFilter:
    scopes = [
        Scope(
            (f"99010{rng.randrange(3)}{rng.randrange(100, 130)}"[: rng.choice((5, 6, 7, 9))],),
            tuple(rng.sample(LEVELS, rng.randrange(1, 4))),
            tuple(rng.sample(("minor", "medical", "informant"), rng.randrange(3))),
        )
        for _ in range(count - 5)
    ]
    scopes += [Scope((f"990101{100 + n}",), kind="household") for n in range(5)]
    scopes.append(Scope(("",), ("open", "internal"), ("minor",), ids=("r1", "r9", "r30", "r31", "absent")))
    scopes.append(Scope(("",), kind="household", ids=("r2", "r4", "r6", "r9")))
    return PermissionFilter(tuple(scopes))


@pytest.mark.parametrize("seed", range(4))
def test_fifty_scopes_facets_and_filters_agree_with_a_plain_reckoning(engine: Engine, seed: int) -> None:
    rng = random.Random(seed)
    county = _county(rng, 600)
    for start in range(0, 600, 100):
        engine.apply(county[start : start + 100], [])
    engine.apply([], ["r5", "r18"])
    county = [one for one in county if one.id not in {"r5", "r18"}]
    permission = _scopes(rng, 50)
    filters = {"year": ("2020",), "format": ("pdf", "ofd"), "type": ("APP01", "no such")} if seed % 2 else {}
    for text, word in (("*", ""), ("低保档案", "低保")):
        allowed = [one for one in county if _permitted(one, permission) and word in one.text.pairs]

        def passes(one: IndexDocument, without: str = "") -> bool:
            return all(name == without or _attributes(one)[name] & set(values) for name, values in filters.items())

        hits = engine.search(ask(text), permission, limit=1000, filters=filters, facets=FACETS)
        assert {hit.id for hit in hits.hits} == {one.id for one in allowed if passes(one)}
        assert hits.total == len(hits.hits)
        assert {hit.id: hit.kind for hit in hits.hits} == {one.id: one.kind for one in allowed if passes(one)}
        for name in FACETS:
            counted = Counter(value for one in allowed if passes(one, name) for value in _attributes(one)[name])
            assert dict(hits.facets[name]) == dict(counted), name
            assert list(hits.facets[name]) == sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


def test_an_entry_of_the_register_is_reached_by_its_own_scopes_only(engine: Engine) -> None:
    engine.apply(
        [
            entry("record", 1, title="张伟"),
            entry("household", 2, title="张伟", kind="household", access_level=""),
            entry("odd", 3, title="张伟", kind="household", access_level="open", access_marks=("minor",)),
        ],
        [],
    )
    register = PermissionFilter((Scope(("",), kind="household"),))
    assert found(engine, "张伟") == {"record"}
    assert found(engine, "张伟", register) == {"household", "odd"}
    assert found(engine, "张伟", PermissionFilter((*ALL.scopes, *register.scopes))) == {"record", "household", "odd"}
    assert found(engine, "门类:户档", PermissionFilter((*ALL.scopes, *register.scopes))) == {"household", "odd"}
    for level in ("", "-", "|"):
        assert found(engine, "*", PermissionFilter((Scope(("",), (level,)),))) == set()
    assert found(engine, "*", PermissionFilter((Scope(("98",), kind="household"),))) == set()


def test_words_of_the_holdings_are_given_under_the_permission(engine: Engine) -> None:
    engine.apply(
        [
            entry("a", 1, vocabulary=tuple(vocabulary.keys("张建国"))),
            entry("b", 2, vocabulary=tuple(vocabulary.keys("张建国"))),
            entry("c", 3, vocabulary=tuple(vocabulary.keys("章建国")), access_level="restricted"),
        ],
        [],
    )

    def near(word: str, permission: PermissionFilter) -> dict[str, int]:
        return {
            vocabulary.word_of(key): count
            for key, count in engine.words(vocabulary.prefixes(word), permission, limit=20)
        }

    assert near("张健国", ALL) == {"张建国": 2, "章建国": 1}
    assert near("张建", ALL) == {}
    assert near("张建国庆", ALL) == {"张建国": 2}
    assert near("张健国", PermissionFilter((Scope(("",), ("internal",)),))) == {"张建国": 2}
    assert near("张健国", PermissionFilter()) == {}
