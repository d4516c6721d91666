"""The engine port's contract (search/engines/base.py), run on every engine.

A new engine adds its factory to ``ENGINES``; a factory gets a fresh folder and gives an opener, so that tests can open
the same index twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from metadata.errors import Invalid
from search import analysis
from search.engines.base import Engine, IndexDocument, PermissionFilter, Scope
from search.engines.embedded import TantivyEngine
from search.query import Query, document_term, name_term, parse

Opener = Callable[[], Engine]


def tantivy(folder: Path) -> Opener:
    return lambda: TantivyEngine(folder / "index", create=True)


ENGINES = [tantivy]
ALL = PermissionFilter((Scope(("",), ("open", "internal", "restricted")),))


@pytest.fixture(params=ENGINES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    made: Opener = request.param(tmp_path)
    return made


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
    assert found(engine, "*", PermissionFilter((town_scope,), ("county", "absent"))) == {"village", "town", "county"}
    assert found(engine, "*", PermissionFilter((), ("marked",))) == {"marked"}
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
