"""Search over HTTP: facets and filters by plain links, paging, files of a list, and nothing of what is hidden."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from lantai import index_probe
from lantai.settings import load
from lantai.site import Site, initialise
from lantai.web.security import LANGUAGE_COOKIE
from metadata.household import household_no
from metadata.idcard import check_digit
from repository.tables import Outbox, StoredFile
from tests.unit.lantai_web.conftest import PASSWORD, Browser, _people, serving, take_in

HERE, THERE = household_no("990101001001", 7), household_no("990101002001", 3)
ID = "99010119860101123" + check_digit("99010119860101123")
FORMULAS = ("=1+1", "+1", "-2", "@SUM")
MANY = 57

Open = Callable[[str], Browser]


def _papers(folder: Path, word: str, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{word}{number:03}.txt").write_text(f"清冊樣本，{word}。\n第{number}份。")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two townships: many papers in one, a few in the other that its neighbour must not learn of."""
    home = tmp_path_factory.mktemp("searched")
    made = initialise(load(home=home / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    _people(made)
    here = _papers(home / "here", "入户调查表", MANY)
    for one in FORMULAS:
        (here / f"{one}.txt").write_text("公式樣本")
    (here / f"证件{ID}.txt").write_text(f"公民身份号码 {ID}")
    take_in(made, here, household_no=HERE, programme="DB")
    take_in(made, _papers(home / "there", "白沙祕聞", 3), household_no=THERE, programme="TK")
    yield made
    made.close()


@pytest.fixture(scope="module")
def visit(site: Site) -> Iterator[Open]:
    """Sign somebody in."""
    opened: list[Browser] = []
    with serving(site) as base:

        def browser(username: str) -> Browser:
            one = Browser(base)
            opened.append(one)
            assert one.sign_in(username, PASSWORD).status_code == 303
            return one

        yield browser
        for one in opened:
            one.http.close()


def _links(text: str, kind: str) -> dict[str, str]:
    """Words -> address of links of a class."""
    found = re.findall(rf'<a class="{kind}[^"]*" href="([^"]+)"[^>]*>(.*?)</a>', text, re.DOTALL)
    return {" ".join(re.sub(r"<[^>]+>", " ", words).split()): html.unescape(href) for href, words in found}


def _facets(text: str) -> dict[str, int]:
    told = (words.rpartition(" ") for words in _links(text, "facet__value"))
    return {words: int(count.replace(",", "")) for words, _, count in told if count.isdigit()}


def _api(browser: Browser, path: str, **params: Any) -> Any:
    answer = browser.http.get(f"/api/v1{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- the page ---------------------------------------------------------------------------------------------------------


def test_hits_say_why_and_lead_to_the_marked_page(visit: Open) -> None:
    text = visit("clerk").get("/search?q=清册样本").text
    assert "<mark>清冊樣本</mark>" in text
    assert "第 1 页的文字" in text
    assert f'href="/households/{HERE}"' in text
    assert re.search(r'href="/files/[0-9a-f-]{36}\?page=1&amp;q=%E6%B8%85', text)
    case = visit("clerk").get(f"/search?q={HERE}&kind=household").text
    assert "户号" in case
    assert re.search(r'class="hit__title"><a href="/case-files/', case)


def test_facets_drill_down_by_plain_links_and_chips_lead_back(visit: Open) -> None:
    browser = visit("archivist")
    text = browser.get("/search?q=清册样本").text
    counts = _facets(text)
    assert counts["最低生活保障"] == MANY
    chosen = next(href for words, href in _links(text, "facet__value").items() if words == f"最低生活保障 {MANY}")
    narrowed = browser.get(chosen).text
    assert f"命中 {MANY} 件" in narrowed
    assert _facets(narrowed).keys() >= {"最低生活保障"}
    assert sum(count for words, count in _facets(narrowed).items() if words in counts and "TXT" in words) == MANY
    assert 'name="programme" value="DB"' in narrowed  # a new word keeps the filter
    (chip,) = _links(narrowed, "chip").values()
    assert f"命中 {MANY + 3} 件" in browser.get(chip).text


def test_paging_without_scripts_visits_every_hit_once(visit: Open) -> None:
    browser = visit("clerk")
    address, seen, places = "/search?q=清册样本&sort=newest", [], []
    while address:
        text = browser.get(address).text
        seen += re.findall(r'class="hit__title"><a href="(/files/[0-9a-f-]+)', text)
        places += re.findall(r'results__place">([^<]+)<', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = html.unescape(following.group(1)) if following else ""
    assert len(seen) == len(set(seen)) == MANY
    assert places == ["第 1 至 20 条", "第 21 至 40 条", f"第 41 至 {MANY} 条"]
    assert "回到开头" in text or "/search?q=" in text


def test_orders_and_periods(visit: Open) -> None:
    browser = visit("clerk")
    for order in ("relevance", "date", "newest", "code"):
        text = browser.get(f"/search?q=清册样本&sort={order}").text
        assert text.count("hit__title") == 20, order
        assert text.count('aria-current="true"') >= 1
    assert "没有找到" in browser.get("/search?q=清册样本&since=1999-01-01&until=1999-12-31").text
    for wrong in ("since=x", "since=2024-02-30", "since=2025-01-01&until=2024-01-01"):
        answer = browser.get(f"/search?q=清册样本&{wrong}")
        assert answer.status_code == 422
        assert "日期范围看不懂" in answer.text


def test_a_wrong_query_gets_a_hint_beside_the_box_and_keeps_what_was_typed(visit: Open) -> None:
    answer = visit("clerk").get("/search", params={"q": '"入户 调查', "programme": "DB"})
    assert answer.status_code == 422
    assert "引号没有成对" in answer.text
    assert 'value="&#34;入户 调查"' in answer.text
    assert 'name="programme" value="DB"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert '<details class="more find__help" open>' in answer.text


def test_nothing_found_offers_what_else_to_try(visit: Open) -> None:
    browser = visit("clerk")
    meant = browser.get("/search?q=入户调茶表").text
    assert re.search(r'class="meant">.*?>入户调查表</a>', meant, re.DOTALL)
    text = browser.get("/search?q=清册样本 野猪&programme=DB").text
    assert ">清册样本</a>" in text
    assert ">野猪</a>" in text
    assert "去掉筛选条件再检索" in text
    elsewhere = browser.get("/search?q=百沙秘闻").text
    assert "白沙" not in elsewhere
    assert "白沙祕聞" in visit("archivist").get("/search?q=百沙秘闻").text


def test_the_box_of_every_page_leads_here_and_english_is_whole(visit: Open) -> None:
    browser = visit("clerk")
    assert 'action="/search"' in browser.get("/holdings").text
    browser.http.cookies.set("lantai_language", "en")
    text = browser.get("/search?q=清册样本&programme=DB").text
    shown = re.sub(r"<[^>]+>", " ", text.partition("<main")[2])
    for word in ("Narrow down", "Best match", "Text of page 1", "dibao", "hits", "Last five years"):
        assert word in shown, word
    assert "第 1 页" not in shown


# --- permission -------------------------------------------------------------------------------------------------------


def test_what_is_hidden_is_neither_counted_nor_named_nor_taken_out(visit: Open) -> None:
    clerk = visit("clerk")
    for path in ("/search?q=*", "/search?q=白沙秘闻", "/search?q=清册样本", "/search.csv?q=*", f"/search?q={THERE}"):
        text = clerk.get(path).text.replace(quote("白沙秘闻"), "").replace("白沙秘闻", "").replace(THERE, "", 8)
        assert "祕聞" not in text, path
        assert "特困" not in text, path
    found = _api(clerk, "/search", q="*", facets=True, limit=1)
    whole = _api(visit("archivist"), "/search", q="*", facets=True, limit=1)
    assert {one["value"] for one in found["facets"]["programme"]} == {"DB"}
    assert {one["value"] for one in whole["facets"]["programme"]} == {"DB", "TK"}
    assert found["total"] == whole["total"] - 4  # three papers and their case file
    rows = _api(clerk, "/search/export", q="*", **{"as": "json"})["rows"]
    assert len(rows) == found["total"]
    assert {row["division_code"][:9] for row in rows} == {"990101001"}
    assert _api(clerk, "/search", q="*", programme="TK", facets=True)["total"] == 0
    assert clerk.http.get("/api/v1/search", params={"q": "*", "organ": "x"}).json()["total"] == 0


def test_who_may_not_search_takes_nothing_out(visit: Open) -> None:
    browser = visit("sysadmin")
    for path in ("/search?q=*", "/search.csv?q=*", "/search.xlsx?q=*", "/api/v1/search/export?q=*"):
        assert browser.http.get(path).status_code == 403, path


# --- lists as files ---------------------------------------------------------------------------------------------------


def test_a_list_leaves_as_csv_that_no_spreadsheet_computes(visit: Open) -> None:
    browser = visit("clerk")
    answer = browser.get("/search.csv?q=公式样本&sort=newest")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["门类", "题名", "户号"]
    titles = {row[1] for row in rows[1:]}
    assert titles == {"'" + one for one in FORMULAS}
    assert {row[2] for row in rows[1:]} == {HERE}
    everything = browser.get("/search.csv?q=*").text
    assert ID not in everything
    assert ID[:6] in everything


def test_a_list_leaves_as_a_workbook_of_plain_text(visit: Open) -> None:
    answer = visit("clerk").get("/search.xlsx?q=公式样本&sort=newest")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    rows = list(sheet.iter_rows())
    assert rows[0][1].value == "题名"
    assert {row[1].value for row in rows[1:]} == set(FORMULAS)
    assert {row[1].data_type for row in rows[1:]} == {"s"}
    assert not [cell for row in rows for cell in row if cell.data_type == "f"]


def test_a_list_taken_out_is_one_entry_with_its_count(visit: Open) -> None:
    clerk = visit("clerk")
    clerk.get("/search.csv?q=清册样本&sort=newest")
    entry = clerk.api("GET", "/use-register").json()["items"][0]
    assert (entry["act"], entry["form"], entry["count"], entry["reason"]) == (
        "search.performed", "export", MANY, "case_handling",
    )  # fmt: skip
    assert f"{MANY} 行" in clerk.get("/use").text


def test_a_list_that_is_too_long_says_so(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lantai.result_lists.MOST", 5)
    monkeypatch.setattr("lantai.web.pages.search.MOST", 5)
    browser = visit("clerk")
    rows = list(csv.reader(io.StringIO(browser.get("/search.csv?q=清册样本").content.decode("utf-8-sig"))))
    assert len(rows) == 1 + 5 + 1
    assert f"共 {MANY} 条，只列出前 5 条" in rows[-1][0]
    told = json.loads(browser.get("/api/v1/search/export?q=清册样本&as=json").text)
    assert (told["total"], told["count"], told["cut"], len(told["rows"])) == (MANY, 5, True, 5)
    assert "前 5 条" in browser.get("/search?q=清册样本").text
    assert browser.api("GET", "/use-register").json()["items"][1]["count"] == 5


def test_a_wrong_query_takes_no_list_out(visit: Open) -> None:
    browser = visit("clerk")
    assert browser.get('/search.csv?q="').status_code == 422
    assert browser.get("/search.xlsx?q=").status_code == 422
    answer = browser.http.get("/api/v1/search/export", params={"q": "a", "as": "doc"})
    assert answer.status_code == 422


# --- for programs -----------------------------------------------------------------------------------------------------


def test_the_api_tells_why_counts_and_pages(visit: Open) -> None:
    browser = visit("clerk")
    seen: list[str] = []
    after = None
    while True:
        page = _api(
            browser, "/search", q="清册样本", limit=25, sort="code", facets=True, **({"after": after} if after else {})
        )
        seen += [one["record_id"] for one in page["hits"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == MANY
    hit = page["hits"][0]
    assert {one["at"] for one in hit["why"]} >= {"text"}
    assert hit["kind"] == "record"
    assert page["facets"]["format"] == [{"value": "txt", "count": MANY}]
    assert _api(browser, "/search", q="入户调茶表")["did_you_mean"] == ["入户调查表"]
    assert _api(browser, "/search", q="*", kind="household")["hits"][0]["household_no"] == HERE
    assert _api(browser, "/search", q="清册样本", kind=["household", "record"])["total"] == MANY
    for wrong in ({"sort": "best"}, {"limit": 0}, {"limit": 201}, {"q": ""}, {"after": "x"}, {"since": "x"}):
        assert browser.http.get("/api/v1/search", params={"q": "a", **wrong}).status_code == 422, wrong


_TYPED = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            '"“”「」()（）:：*?&|!-<>=.…~ ANDORT与或非姓名日期类型尾号户0123456789zhangwei张偉〔〕\x00\ud800\u202e\t\n'
        ),
        st.characters(),
    ),
    max_size=60,
)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    typed=_TYPED,
    field=st.sampled_from(("kind", "year", "organ", "since", "sort", "after", "n", "format")),
    value=_TYPED,
)
def test_nothing_that_can_be_typed_fails(visit: Open, typed: str, field: str, value: str) -> None:
    browser = _same(visit)
    asked = {"q": typed.encode("utf-8", "replace"), field: value.encode("utf-8", "replace")}
    with suppress(httpx.InvalidURL):
        assert browser.http.get("/search", params=asked).status_code in {200, 422}
        assert browser.http.get("/api/v1/search", params=asked).status_code in {200, 422}


_KNOWN: list[Browser] = []


def _same(visit: Open) -> Browser:
    if not _KNOWN:
        _KNOWN.append(visit("archivist"))
    return _KNOWN[0]


def _search_pages(site: Site) -> dict[str, str]:
    """What the search page says to a clerk and to an archivist, in both languages, and what ``/readyz`` says of the index."""
    told = {}
    with serving(site) as base:
        for name in ("clerk", "archivist"):
            browser = Browser(base)
            browser.sign_in(name, PASSWORD)
            told[name] = browser.get("/search").text
            browser.http.cookies.set(LANGUAGE_COOKIE, "en")
            told[name] += browser.get("/search").text
            told["ready"] = browser.http.get("/readyz").json()["parts"]["index"]["state"]
            browser.http.close()
    return told


def test_who_searches_is_told_plainly_that_search_is_behind(site: Site) -> None:
    late = Outbox(kind="record", subject_id="none", created_at=site.archive.clock.now() - timedelta(minutes=9))
    with site.archive.sessions.begin() as session:
        session.add(late)
    try:
        told = _search_pages(site)
    finally:
        with site.archive.sessions.begin() as session:
            session.delete(late)
    plain = ("检索稍有滞后，新材料可能暂时查不到；没有任何材料丢失。", "Search is behind: new papers may be missing.")
    technical = ("检索落后 1 处变动", "changes that it does not show yet: 1")
    assert all(one in told["clerk"] for one in plain)
    assert not any(one in told["clerk"] for one in technical)
    assert all(one in told["archivist"] for one in technical)


def test_who_searches_is_told_that_texts_are_still_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a large deposit, or when a backup was restored: without the text a paper is found by its description."""
    monkeypatch.setattr(index_probe, "MANY_UNREAD", 2)
    with site.archive.sessions.begin() as session:
        before = dict(session.execute(select(StoredFile.id, StoredFile.text_state)).tuples().all())
        session.execute(update(StoredFile).values(text_state="pending"))
    try:
        told = _search_pages(site)
    finally:
        with site.archive.sessions.begin() as session:
            for file_id, state in before.items():
                session.execute(update(StoredFile).where(StoredFile.id == file_id).values(text_state=state))
    plain = ("许多材料的文字还在读取；读完之前，只能按著录检索到它们。", "The text of many papers is still being read")
    technical = (f"还有 {len(before)} 个文件的文字待读取", f"found by their descriptions until then: {len(before)}.")
    assert all(one in told["clerk"] for one in plain)
    assert not any(one in told["clerk"] for one in technical)
    assert all(one in told["archivist"] for one in technical)
    assert told["ready"] == "ok", "nothing is wrong with it"
