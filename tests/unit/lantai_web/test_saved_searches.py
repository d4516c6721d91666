"""Searches that a person keeps: hers alone, without personal numbers, taken back when forgotten by mistake."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from metadata.identifiers import new_id
from tests.unit.lantai_web.acting import acted, undone
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]


def _kept(browser: Browser) -> dict[str, str]:
    return {one["name"]: one["id"] for one in browser.api("GET", "/saved-searches").json()}


def test_a_search_is_kept_renamed_forgotten_and_brought_back(visit: Visit, papers: Papers) -> None:
    del papers
    browser = visit("clerk")
    browser.get("/search?q=申请书")
    said = acted(browser, "/search/saved", {"name": "我的申请书", "query": "q=申请书&programme=DB&after=x&evil=1"})
    assert "已保存" in said.text
    assert said.url.query.decode() == f"q={quote('申请书')}&programme=DB"  # only what a search is made of
    text = browser.get("/search").text
    assert "我的申请书" in text
    assert html.unescape(text).count(f"/search?q={quote('申请书')}&programme=DB") == 1
    search_id = _kept(browser)["我的申请书"]
    said = acted(browser, f"/search/saved/{search_id}", {"name": "<b>改名</b>"})
    assert "<b>改名</b>" not in said.text
    undone(browser, said)
    assert "我的申请书" in _kept(browser)
    said = acted(browser, f"/search/saved/{search_id}/delete", {})
    assert "我的申请书" not in _kept(browser)
    undone(browser, said)
    assert "我的申请书" in _kept(browser)


def test_the_same_name_twice_is_one_search(visit: Visit, papers: Papers) -> None:
    del papers
    browser = visit("clerk")
    browser.get("/search")
    for query in ("q=一", "q=二", "q=二"):
        acted(browser, "/search/saved", {"name": "同名", "query": query})
    kept = [one for one in browser.api("GET", "/saved-searches").json() if one["name"] == "同名"]
    assert [one["query"] for one in kept] == [f"q={quote('二')}"]


def test_nobody_reaches_another_s(visit: Visit, papers: Papers) -> None:
    del papers
    clerk, other = visit("clerk"), visit("other")
    clerk.get("/search")
    other.get("/search")
    acted(clerk, "/search/saved", {"name": "私人检索词", "query": "q=甲"})
    search_id = _kept(clerk)["私人检索词"]
    assert "私人检索词" not in other.get("/search").text
    assert search_id not in _kept(other).values()
    for path in (f"/search/saved/{search_id}", f"/search/saved/{search_id}/delete", f"/search/saved/{new_id()}/delete"):
        assert other.post(path, {"name": "x"}).status_code == 404
    assert other.api("DELETE", f"/saved-searches/{search_id}").status_code == 404
    assert visit("officer").api("GET", "/saved-searches").status_code == 403


@pytest.mark.parametrize(
    ("name", "query"),
    [("电话", "q=13800138000"), ("13800138000", "q=甲"), ("", "q="), ("长" * 101, "q=甲"), ("空", "")],
)
def test_personal_numbers_and_nothing_are_not_kept(visit: Visit, papers: Papers, name: str, query: str) -> None:
    del papers
    browser = visit("clerk")
    browser.get("/search")
    assert browser.post("/search/saved", {"name": name, "query": query}).status_code == 422
    assert name not in _kept(browser) or not name


def test_programs_keep_and_forget(visit: Visit, papers: Papers) -> None:
    del papers
    browser = visit("archivist")
    made = browser.api("POST", "/saved-searches", json={"name": "程序", "query": "q=甲"})
    assert made.status_code == 201
    search_id = made.json()["id"]
    renamed = browser.api("PATCH", f"/saved-searches/{search_id}", json={"name": "别名"})
    assert renamed.json()["name"] == "别名"
    wrong = browser.api("POST", "/saved-searches", json={"name": "号码", "query": "q=138%2000138000"})
    assert wrong.status_code in {201, 422}
    assert browser.api("DELETE", f"/saved-searches/{search_id}").status_code == 204
    assert browser.api("DELETE", f"/saved-searches/{search_id}").status_code == 404


def test_nothing_found_leads_on_without_telling(visit: Visit, papers: Papers) -> None:
    del papers
    browser = visit("clerk")
    text = browser.get("/search?q=没有的词呀&since=2020-01-01").text
    assert f"/requests/new?q={quote('没有的词呀')}" in text
    assert "不限日期检索" in text
    assert re.search(r"此外有无不作提示", text)


def test_rows_stand_closer_in_this_browser(visit: Visit, papers: Papers) -> None:
    del papers
    browser = visit("clerk")
    browser.get("/search?q=*")
    answer = browser.post("/search/density", {"dense": "1", "next": "/search?q=*"})
    assert answer.headers["location"] == "/search?q=*"
    assert "results--dense" in browser.get("/search?q=*").text
    assert (
        browser.post("/search/density", {"dense": "1", "next": "https://evil.example"}).headers["location"] == "/search"
    )
