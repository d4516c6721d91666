"""Attacks by what is written: paths, headers, names, words; as ``test_attacks.py``."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import openpyxl
import pytest

from lantai.settings import RateSettings
from lantai.web.security import SESSION_COOKIE
from tests.journeys.route_rules import RULES
from tests.journeys.siege import NAMES, OURS, SCRIPT, THEIRS, Siege
from tests.unit.lantai_web.conftest import Browser, serving

NOWHERE = "00000000-0000-4000-8000-000000000000"


# --- paths and headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Original-URL": "/system"},
        {"X-Rewrite-URL": "/system/accounts"},
        {"X-Forwarded-Prefix": "/system"},
        {"X-Forwarded-User": "system", "X-Remote-User": "system", "Remote-User": "system"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1;by=system"},
        {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
        {"Authorization": "Basic c3lzdGVtOng="},
        {"X-CSRF-Token": "x"},
    ],
)
def test_headers_of_proxies_open_nothing(siege: Siege, headers: dict[str, str]) -> None:
    browser = siege.visit("clerk")
    plain, tricked = (browser.http.get("/holdings", headers=one) for one in ({}, headers))
    same = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
    assert (plain.status_code, same.sub("", plain.text)) == (tricked.status_code, same.sub("", tricked.text))
    assert browser.http.get("/system/accounts", headers=headers).status_code == 403
    assert siege.visit().http.get("/system/accounts", headers=headers).status_code == 303
    assert browser.http.post("/api/v1/session", json={}, headers=headers).status_code in {401, 422}
    assert browser.http.get("/api/v1/session").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/help/..%2f..%2fapp",
        "/static/..%2f..%2fsettings.py",
        "/static/%2e%2e/%2e%2e/site.py",
        "/static/..%5c..%5csite.py",
        "//system/accounts",
        "/holdings/..;/system/accounts",
        "/holdings/%2e%2e/system/accounts",
        "/system%2faccounts",
        "/SYSTEM/ACCOUNTS",
        "/api/v1/../../system/accounts",
        "/records/{}%2fdescribe",
        "/records/{}%00",
        "/files/{}/pages/1.webp%00.png",
    ],
)
def test_no_spelling_of_a_path_leads_round_the_gate(siege: Siege, path: str) -> None:
    browser = siege.visit("clerk")
    address = path.format(siege.records["隔壁.txt"])
    where = urlsplit(siege.base)
    cookie = browser.http.cookies[SESSION_COOKIE]
    told = _raw(where, f"GET {address} HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {SESSION_COOKIE}={cookie}\r\n\r\n")
    assert told.startswith(("HTTP/1.1 404", "HTTP/1.1 403", "HTTP/1.1 422")), told[:200]
    assert "class " not in told.partition("\r\n\r\n")[2][:50]
    assert "欧阳" not in told


def _raw(where: Any, request: str) -> str:
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        line.sendall(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1).encode())
        pieces = []
        while piece := line.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces).decode("utf-8", "replace")


def test_floods_of_ranges_and_oversized_headers_are_survived(siege: Siege) -> None:
    browser = siege.visit("archivist")
    address = f"/files/{siege.files['证件.png']}/content"
    whole = browser.http.get(address)
    for value in (
        "bytes=" + ",".join(f"{one}-{one}" for one in range(1000)),
        "bytes=" + "0-," * 4000,
        "bytes=" + "9" * 5000 + "-",
        "bytes=-" + "9" * 5000,
        "bytes=--1",
        "bytes=²-³",
    ):
        answer = browser.http.get(address, headers=[(b"Range", value.encode())])
        assert answer.status_code in {200, 206, 416}, value[:40]
        assert len(answer.content) <= len(whole.content)
        assert "multipart" not in answer.headers.get("content-type", "")
    where = urlsplit(siege.base)
    for header in (
        "X-Long: " + "a" * 200_000,
        "Cookie: " + "a=b; " * 40_000,
        "\r\n".join(f"X-{n}: 1" for n in range(30_000)),
    ):
        try:
            told = _raw(where, f"GET / HTTP/1.1\r\nHost: {where.netloc}\r\n{header}\r\n\r\n")
        except OSError:
            continue  # the line was cut, which is an answer too
        assert not told or told.startswith(("HTTP/1.1 4", "HTTP/1.1 303")), told[:100]
    assert browser.http.get("/healthz").status_code == 200


def test_a_made_up_cookie_gives_no_new_window_of_searches(siege: Siege) -> None:
    """The rate is counted by what signs the caller in, whatever else she sends or however she spells it."""
    settings = siege.site.settings
    settings.rates = RateSettings(searches_per_minute=3)
    bearer = siege.token("clerk")["Authorization"].partition(" ")[2]
    try:
        with serving(siege.site) as base, httpx.Client(base_url=base, timeout=60) as client:
            answers = [
                client.get(
                    "/api/v1/search?q=a",
                    headers={
                        "Authorization": f"{('Bearer', 'bearer', 'BEARER')[number % 3]} {' ' * (number % 2)}{bearer}",
                        "Cookie": f"{SESSION_COOKIE}=made-up-{number}",
                        "X-Forwarded-For": f"10.0.0.{number}",
                    },
                ).status_code
                for number in range(6)
            ]
            assert answers == [200] * 3 + [429] * 3
    finally:
        settings.rates = RateSettings(searches_per_minute=0)


# --- stored script ---------------------------------------------------------------------------------------------------


class _Elements(HTMLParser):
    """What a browser would make of a page: elements and attributes that act."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not str(given.get("src", "")).startswith("/static/"):
            self.acting.append(f"<script {given}>")
        self.acting += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        for name in ("href", "src", "action"):
            if re.match(r"\s*(javascript|data|vbscript):", str(given.get(name) or ""), re.IGNORECASE):
                self.acting.append(f"{tag} {name}={given[name]}")
        if tag in {"iframe", "object", "embed", "base", "meta"} and "refresh" in str(given).lower():
            self.acting.append(tag)


def _pages(siege: Siege) -> list[str]:
    known = {
        "record_id": siege.records[NAMES[0]],
        "file_id": siege.files[NAMES[0]],
        "case_file_id": siege.cases[OURS],
        "household_no": OURS,
        "code": "ts1",
        "leaf": "1",
        "number": "1",
    }
    found = []
    for route in RULES:
        method, path = route.split(" ")
        names = re.findall(r"{(\w+)}", path)
        if method == "GET" and not path.startswith("/api/") and all(one in known for one in names):
            found.append(re.sub(r"{(\w+)}", lambda one: known[one.group(1)], path))
    hostile = quote(SCRIPT + "'\"")
    return [*found, f"/search?q={hostile}", "/search?q=材料", f"/use?person={hostile}&all=1", f"/requests/new?q={hostile}&household_no={hostile}&record={hostile}", f"/holdings/records?organ={hostile}", f"/sign-in?next={hostile}", f"/nowhere/{hostile}", f"/records/{siege.records[NAMES[1]]}?q={hostile}", f"/system/log?person={hostile}", f"/retention/holds/new?search={hostile}&record={hostile}"]  # fmt: skip


def test_nothing_that_was_stored_or_asked_acts_on_any_page(siege: Siege) -> None:
    """Titles, file names, names of people and organs, and what an address says: on every page there is, for all who see it."""
    seen = 0
    for username in ("archivist", "system", "security", "auditor"):
        browser = siege.visit(username)
        for path in _pages(siege):
            answer = browser.http.get(path, follow_redirects=True)
            assert answer.status_code < 500, (username, path)
            policy = answer.headers["content-security-policy"]
            assert "script-src" not in policy or "'self'" in policy
            assert "unsafe-inline" not in policy or "pdf" in answer.headers.get("content-type", "")
            kind = answer.headers.get("content-type", "")
            if "html" in kind or "svg" in kind:
                elements = _Elements()
                elements.feed(answer.text)
                assert elements.acting == [], (username, path)
                seen += SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in answer.text
            assert answer.headers.get("content-disposition", "").count('"') in {0, 2}
            for name, value in answer.headers.items():
                assert "\n" not in value, name
                assert "\r" not in value, name
    assert seen > 20  # the words were there to be seen, as text


def test_answers_for_programs_are_no_pages(siege: Siege) -> None:
    browser = siege.visit("archivist")
    for path in (
        f"/api/v1/records/{siege.records[NAMES[0]]}",
        f"/api/v1/records/{siege.records[NAMES[0]]}/files",
        f"/api/v1/search?q={quote(SCRIPT)}",
        f"/api/v1/records/{quote(SCRIPT)}",
        f"/records/{siege.records[NAMES[0]]}/report.json",
    ):
        answer = browser.http.get(path)
        assert re.match(r"application/(problem\+)?json", answer.headers["content-type"]), path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_cell_of_any_list_is_a_formula(siege: Siege) -> None:
    browser, auditor = siege.visit("archivist"), siege.visit("auditor")
    lists = [
        (browser, "/holdings.csv"),
        (browser, "/holdings.xlsx"),
        (browser, "/holdings/records.csv"),
        (browser, "/holdings/records.xlsx"),
        (browser, "/search.csv?q=*"),
        (browser, "/search.xlsx?q=*"),
        (browser, "/retention/due.csv?until=2999-01-01"),
        (browser, "/retention/due.xlsx?until=2999-01-01"),
        (auditor, "/use.csv"),
        (auditor, "/use.xlsx"),
    ]
    told = ""
    for who, path in lists:
        answer = who.http.get(path)
        assert answer.status_code == 200, (path, answer.text[:200])
        if ".csv" in path:
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert not [one for row in rows for one in row if one.lstrip(" ")[:1] in set("=+-@\t\r＝＋－＠") and one], (
                path
            )
            told += answer.text
        else:
            book = openpyxl.load_workbook(io.BytesIO(answer.content))
            assert {one.data_type for sheet in book for row in sheet.iter_rows() for one in row} <= {
                "s",
                "inlineStr",
                "n",
                "d",
            }, path
    assert "HYPERLINK" in told


# --- leaks by counting and guessing words ----------------------------------------------------------------------------


def test_suggestions_orders_and_prefixes_tell_nothing_of_hidden_words(siege: Siege) -> None:
    clerk, archivist = siege.visit("clerk"), siege.visit("archivist")
    for words in ("欧阳翡玉", "欧阳翡翠", "欧阳*", "ouyangfeicui", THEIRS, f"{THEIRS[:-3]}*", "隔壁", 'title:"隔壁"'):
        found = [
            one.http.get("/api/v1/search", params={"q": words, "facets": "true"}).json() for one in (clerk, archivist)
        ]
        assert found[0]["total"] == 0, words
        assert found[0]["hits"] == []
        assert not any("欧阳翡翠" in one or "隔壁" in one for one in found[0]["did_you_mean"] or [])
        assert not any(found[0]["facets"].values())
        for order in ("relevance", "newest", "oldest"):
            answer = clerk.http.get("/api/v1/search", params={"q": words, "sort": order})
            assert answer.status_code == 422 or answer.json()["total"] == 0
    assert found[1]["total"] > 0


# --- any text in any field ------------------------------------------------------------------------------------------

ODD = ("ＡＢＣ１２３", "😀👩‍👩‍👧", "שלום \u202eעולם", "長" * 200, SCRIPT, "=1+1", "\u0000\u0007x")


def _describe(who: Browser, record: str, said: dict[str, Any]) -> httpx.Response:
    state = who.api("GET", f"/records/{record}/description").json()
    return who.api("PATCH", f"/records/{record}/description", json={**said, "row_version": state["row_version"]})


def _fields(siege: Siege) -> dict[str, Callable[[Browser, str], httpx.Response]]:
    record, case = siege.records["甲.txt"], OURS
    return {
        "archivist: token": lambda who, text: who.api("POST", "/tokens", json={"label": text}),
        "archivist: saved search": lambda who, text: who.api(
            "POST", "/saved-searches", json={"name": text, "query": "q=a"}
        ),
        "archivist: deposit": lambda who, text: who.api("POST", "/submissions", json={"title": text}),
        "archivist: title": lambda who, text: _describe(who, record, {"title": text}),
        "archivist: note": lambda who, text: _describe(who, record, {"note": text}),
        "archivist: event": lambda who, text: who.api(
            "POST",
            f"/retention/cases/{case}/events",
            json={"event": "benefit_stopped", "on": "2026-01-31", "note": text},
        ),
        "archivist: hold": lambda who, text: who.api(
            "POST", "/holds", json={"title": text, "authority": text, "reason": text, "record_ids": [record]}
        ),
        "archivist: reason": lambda who, text: who.api("POST", f"/records/{record}/numbers", json={"reason": text}),
        "archivist: search": lambda who, text: who.api("GET", f"/search?q={quote(text)}"),
        "borrower: request": lambda who, text: who.api(
            "POST",
            "/requests",
            json={
                "requester": "other_department",
                "words": text,
                "purpose": "inter_agency_verification",
                "purpose_text": text,
                "details": {"legal_basis": text},
                "letter": {"name": f"{text[:90]}.pdf", "data": "JVBERi0xLjcKJQo="},
            },
        ),
        "system: organ": lambda who, text: who.api(
            "POST",
            "/organs",
            json={"code": f"x{abs(hash(text)) % 10**8}", "name_zh": text, "level": "OD", "division_prefix": ""},
        ),
        "system: account": lambda who, text: who.api(
            "POST", "/accounts", json={"username": f"x{abs(hash(text)) % 10**8}", "display_name": text, "organ": "ybj"}
        ),
        "nobody: sign-in": lambda who, text: who.http.post(
            "/api/v1/session", json={"username": text, "password": text}
        ),
    }


def test_every_field_takes_any_text_or_says_why_not(siege: Siege) -> None:
    """Full-width, emoji, right to left, 200 characters, markup, formulas, control characters: kept or refused, never a fault."""
    people = {
        name: siege.visit("" if name == "nobody" else name) for name in ("archivist", "borrower", "system", "nobody")
    }
    kept = set()
    for name, send in _fields(siege).items():
        for text in ODD:
            answer = send(people[name.partition(":")[0]], text)
            assert answer.status_code < 500, (name, text[:20], answer.text[:300])
            assert "Traceback" not in answer.text
            if answer.status_code < 300:
                kept.add(name)

            else:
                assert json.loads(answer.text)["code"], name
    assert kept >= {
        "archivist: token",
        "archivist: title",
        "archivist: hold",
        "borrower: request",
        "archivist: deposit",
    }
