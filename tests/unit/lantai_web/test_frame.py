"""The frame of all pages: colours that can be read, no inline code, rooms by permission, one heading, words kept."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import Request, Response

from lantai.site import Site
from lantai.web import labels, saying
from lantai.web.errors import Differing, conflict_page
from lantai.web.rendering import FOLDER, STATIC
from lantai.web.visit import Visit as PersonVisit
from metadata.errors import Conflict
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
TEXT = [
    ("ink", "paper"),
    ("ink", "sheet"),
    ("ink", "sunk"),
    ("ink", "accent-wash"),
    ("ink", "mark"),
    ("ink", "seal-wash"),
    ("soft", "paper"),
    ("soft", "sheet"),
    ("soft", "sunk"),
    ("accent", "paper"),
    ("accent", "sheet"),
    ("accent", "sunk"),
    ("accent", "accent-wash"),
    ("accent", "seal-wash"),
    ("accent-deep", "accent-wash"),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("seal", "sheet"),
    ("seal", "paper"),
    ("seal", "seal-wash"),
    ("good", "sheet"),
    ("good", "good-wash"),
]
EDGES = [("line-strong", "sheet"), ("line-strong", "paper"), ("accent", "paper"), ("accent", "sheet")]


def _schemes() -> dict[str, dict[str, str]]:
    css = (STATIC / "lantai.css").read_text()
    light, dark = (
        re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", part) for part in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    )
    return {"light": dict(light), "dark": {**dict(light), **dict(dark)}}


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_edges_stand_out_from_their_ground(scheme: str) -> None:
    colours = _schemes()[scheme]
    for word, ground in TEXT:
        assert _contrast(colours[word], colours[ground]) >= 4.5, (word, ground)  # WCAG 2.2, 1.4.3
    for edge, ground in EDGES:
        assert _contrast(colours[edge], colours[ground]) >= 3, (edge, ground)  # 1.4.11


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_brings_code_or_style_of_its_own(path) -> None:  # type: ignore[no-untyped-def]
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<style|javascript:|<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_styles_ask_for_nothing_newer_than_the_browsers_of_2020(path) -> None:  # type: ignore[no-untyped-def]
    css = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(
        r":has\(|@container|:is\(|:where\(|@layer|\binset:|aspect-ratio|\bdvh\b|color-mix|overflow(-x|-y)?:\s*clip", css
    )
    assert not re.search(r"\{[^{}@]*\{", re.sub(r"@(media|supports|page|font-face)[^{]*\{", "", css)), "no nesting"
    assert "url(http" not in css
    assert css.count("{") == css.count("}")


@pytest.mark.parametrize("username", ["archivist", "officer", "sysadmin", "clerk"])
def test_a_room_is_shown_to_whom_it_opens(visit: Visit, papers: Papers, username: str) -> None:
    browser = visit(username)
    row = re.findall(r'class="wrap rooms__row">(.*?)</div>', browser.get("/").text, re.DOTALL)[0]
    shown = re.findall(r'href="([^"]+)"', row)
    for room in labels.ROOMS:
        answer = browser.get(room.path)
        assert (answer.status_code == 200) == (room.path in shown), room.code
        if answer.status_code == 200:
            assert re.search(rf'href="{room.path}" aria-current="page"', answer.text), room.code


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_has_one_heading_a_title_and_its_language(visit: Visit, papers: Papers, language: str) -> None:
    pages = [room.path for room in labels.ROOMS] + ["/help", "/help/today", "/nowhere", "/submissions"]
    pages += [f"/records/{papers.record_ids['扫描.tif']}", f"/households/{papers.household_no}"]
    browser = visit("archivist")
    browser.http.cookies.set("lantai_language", language)
    for path in pages:
        answer = browser.http.get(path, follow_redirects=True)
        text = answer.text
        assert len(re.findall(r"<h1\b", text)) == 1, path
        assert re.search(r"<title>\s*\S.* · .*</title>", text), path
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in text
        assert text.index('href="#main"') < text.index("<header")
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert len(ids) == len(set(ids)), (path, {one for one in ids if ids.count(one) > 1})
        assert len(text.encode()) < 100_000, path


def _visit(site: Site, csrf: str, told: str = "") -> PersonVisit:
    headers = [(b"cookie", f"lantai_said={told}".encode())] if told else []
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
    return PersonVisit(
        site=site, request=request, actor=None, username="", csrf=csrf, language="zh", large_type=False, purpose=""
    )


def _cookie(answer: Response) -> str:
    return re.findall(r"lantai_said=([^;]+)", answer.headers["set-cookie"])[0].strip('"')


def test_what_an_act_did_is_said_once_with_a_way_back(visit: Visit, papers: Papers, site: Site) -> None:
    browser = visit("archivist")
    browser.get("/use")
    undo = saying.Undo("/records/undo", {"id": "7"})
    told = _cookie(saying.after(_visit(site, browser.csrf), "/use", "已接收 3 件", undo))
    first = browser.http.get("/use", headers={"cookie": _cookies(browser, told)})
    assert "已接收 3 件" in first.text
    assert 'action="/records/undo"' in first.text
    assert 'name="id" value="7"' in first.text
    assert 'lantai_said=""' in first.headers["set-cookie"]  # said once
    assert "已接收 3 件" not in browser.get("/use").text


def _cookies(browser: Browser, told: str) -> str:
    return "; ".join([*(f"{name}={value}" for name, value in browser.http.cookies.items()), f"lantai_said={told}"])


def test_nobody_has_words_put_on_anothers_page(site: Site) -> None:
    told = _cookie(saying.after(_visit(site, "a session"), "/", "x", saying.Undo("//elsewhere.example/", {})))
    known = saying.said(_visit(site, "a session", told))
    assert known == saying.Said("x")  # and no form leads away
    assert saying.said(_visit(site, "another session", told)) is None
    assert saying.said(_visit(site, "", told)) is None
    for wrong in ("x", "x.y", told[1:], f"{told}0", "....", "e30=." + told.rpartition(".")[2]):
        assert saying.said(_visit(site, "a session", wrong)) is None


def test_a_page_that_is_not_there_offers_to_ask_whether_it_is_hidden_or_not(visit: Visit, papers: Papers) -> None:
    other = visit("other")
    hidden, nowhere = papers.record_ids["扫描.tif"], "3f0c3f0c-0000-4000-8000-000000000000"
    for one in (hidden, nowhere):
        text = other.get(f"/records/{one}").text
        assert f'href="/requests/new?record={one}"' in text
    assert f"/requests/new?household_no={papers.household_no}" in other.get(f"/households/{papers.household_no}").text
    assert "/requests/new" not in visit("sysadmin").get(f"/records/{hidden}").text  # who may file none is offered none
    assert "/requests/new" not in other.get("/nowhere").text


def test_what_was_typed_is_shown_again_when_it_could_not_be_done(visit: Visit, papers: Papers) -> None:
    archivist = visit("archivist")
    archivist.get("/deposit")
    nowhere = "3f0c3f0c-0000-4000-8000-000000000000"
    answer = archivist.post(
        f"/submissions/{nowhere}/return", {"message": "请补 <b>家庭收入</b> 证明", "row_version": "9"}
    )
    assert answer.status_code == 404
    assert "请补 &lt;b&gt;家庭收入&lt;/b&gt; 证明" in answer.text
    assert ">9<" not in answer.text


def test_a_conflict_shows_both_versions_and_keeps_what_was_typed(site: Site) -> None:
    error = Conflict("record.changed", zh="期间有人改动。", en="Somebody changed it meanwhile.")
    fields = [
        Differing("title", "题名", "我的<题名>", "别人的题名"),
        Differing("note", "说明", "相同", "相同"),
        Differing("about", "内容", "长", "短", long=True),
    ]
    answer = conflict_page(
        _visit(site, "token"),
        error,
        room="holdings",
        title="某件",
        fields=fields,
        action="/records/1/description",
        keep={"row_version": "4"},
        back="/records/1",
        who="周静",
    )
    text = bytes(answer.body).decode()
    assert answer.status_code == 409
    assert 'action="/records/1/description"' in text
    assert 'name="row_version" value="4"' in text
    assert 'value="我的&lt;题名&gt;"' in text
    assert "别人的题名" in text
    assert '<input type="hidden" name="note" value="相同">' in text
    assert re.search(r'<textarea id="f-about" name="about" rows="4">长</textarea>', text)
    assert len(re.findall(r"<h1\b", text)) == 1
