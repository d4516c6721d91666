"""Every page answers to those whom it concerns, in both languages, and says nothing to the others."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from lantai.site import Site
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]
ROOMS = (
    "/",
    "/deposit",
    "/submissions",
    "/holdings",
    "/holdings/records",
    "/holdings/tray",
    "/search",
    "/use",
    "/preservation",
    "/retention",
    "/system",
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_that_a_link_leads_to_answers(visit: Visit, language: str) -> None:
    browser = visit("archivist")
    browser.http.cookies.set("lantai_language", language)
    waiting, seen = list(ROOMS), set()
    while waiting:
        path = waiting.pop()
        if path in seen or "package" in path:
            continue
        seen.add(path)
        answer = browser.get(path)
        assert answer.status_code in {200, 303, 429}, (path, answer.text[:400])  # so many lists and files: slowed
        if "html" in answer.headers.get("content-type", ""):
            assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
            assert "style=" not in answer.text
            assert not re.search(r"<script(?![^>]*src=)", answer.text)
            waiting += [one.replace("&amp;", "&") for one in re.findall(r'(?:href|src)="(/[^"#]*)', answer.text)]
    assert len(seen) > 30


def test_nobody_sees_a_page_before_signing_in(visit: Visit, papers: Papers) -> None:
    browser = visit()
    record = papers.record_ids["申請書.txt"]
    for path in (*ROOMS, f"/records/{record}", f"/households/{papers.household_no}"):
        answer = browser.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
    for path in ("/records", f"/records/{record}", "/search?q=x", "/session", "/preservation"):
        answer = browser.api("GET", path)
        assert answer.status_code == 401
        assert answer.json()["code"] == "session.required"


def test_what_one_may_not_see_looks_like_what_is_not_there(visit: Visit, papers: Papers) -> None:
    hidden = papers.record_ids["申請書.txt"]
    other = visit("other")
    pages = [other.get(f"/records/{one}") for one in (hidden, "3f0c3f0c-0000-4000-8000-000000000000")]
    assert [one.status_code for one in pages] == [404, 404]
    bare = [re.sub(r"(?:/records/|record=)[0-9a-f-]+", "", one.text) for one in pages]
    assert re.sub(r"\d\d:\d\d", "", bare[0]) == re.sub(r"\d\d:\d\d", "", bare[1])
    assert other.get(f"/households/{papers.household_no}").status_code == 404
    problems = [other.api("GET", f"/records/{one}").json() for one in (hidden, "3f0c3f0c-0000-4000-8000-000000000000")]
    assert problems[0]["code"] == problems[1]["code"] == "record.not_found"
    assert problems[0]["detail"] == problems[1]["detail"]


def test_a_refused_look_is_in_the_register(visit: Visit, papers: Papers, site: Site) -> None:
    hidden = papers.record_ids["扫描.tif"]
    visit("other").get(f"/records/{hidden}")
    entries = visit("archivist").api("GET", f"/use-register?record={hidden}").json()["items"]
    assert entries[0]["act"] == "access.refused"
    assert entries[0]["actor_name"] == "合成 other"


def test_the_system_administrator_reads_no_file(visit: Visit, papers: Papers) -> None:
    browser = visit("sysadmin")
    assert browser.get("/system").status_code == 200
    assert "archivist" in browser.get("/system/accounts").text
    for path in ("/holdings", "/search?q=*", "/preservation", "/retention", "/deposit", "/submissions"):
        assert browser.get(path).status_code == 403, path
    assert browser.get(f"/records/{papers.record_ids['申請書.txt']}").status_code == 404
    rooms = re.findall(r'class="wrap rooms__row">(.*?)</div>', browser.get("/").text, re.DOTALL)[0]
    assert "/holdings" not in rooms


def test_the_household_file_shows_what_is_there_and_what_is_missing(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    answer = browser.http.get(f"/households/{papers.household_no}", follow_redirects=True)
    assert papers.household_no in answer.text
    assert "最低生活保障申请书" in answer.text  # APP01 is missing: an empty place with the paper's name
    assert "补交" in answer.text
    assert "查看户档" in browser.http.get(answer.url.path).text  # the first look stands in the register by now


def test_personal_numbers_are_masked_and_hostile_text_is_harmless(visit: Visit, papers: Papers) -> None:
    text = visit("archivist").get(f"/records/{papers.record_ids['申請書.txt']}").text
    assert papers.id_number not in text
    assert papers.id_number[:6] + "********" + papers.id_number[-4:] in text
    assert "甲<乙>" not in text
    assert "甲&lt;乙&gt;丙&amp;amp;" in text


def test_search_finds_across_scripts_and_marks_the_words(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    text = browser.get("/search?q=申请书").text
    assert "<mark>申請書</mark>" in text
    assert papers.household_no in text
    assert papers.id_number not in text
    assert "没有找到" in browser.get("/search?q=zzzzzz").text
    assert visit("other").get("/search?q=申请书").text.count("hit__title") == 0


def test_what_a_browser_cannot_show_says_why_and_offers_a_download(visit: Visit, papers: Papers) -> None:
    text = visit("archivist").get(f"/records/{papers.record_ids['怪.bin']}").text
    assert "不能在这里显示" in text
    assert "/download" in text


def test_sample_data_says_so_on_every_page(visit: Visit) -> None:
    assert 'class="band"' in visit().get("/sign-in").text
    assert 'class="band"' in visit("archivist").get("/").text


def test_large_type_and_language_stay_chosen(visit: Visit) -> None:
    browser = visit("archivist")
    answer = browser.post("/preferences", {"language": "en", "type": "large", "next": "/use"})
    assert answer.headers["location"] == "/use"
    text = browser.get("/use").text
    assert "Use register" in text
    assert 'class="type-large"' in text
    assert browser.post("/preferences", {"language": "zh", "next": "https://evil.example/"}).headers["location"] == "/"
