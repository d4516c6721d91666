"""Tokens, cookies, policies, sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from access.accounts import console_actor, create_account, reset_password
from access.passwords import SlowDown
from lantai.site import Site
from lantai.web.pages import signing
from lantai.web.security import local_path, same_token
from repository.db import asking_sessions, open_engine, open_sessions, reading_sessions
from repository.tables import LoginSession
from tests.unit.lantai_web.conftest import PASSWORD, Browser, Papers, serving

Visit = Callable[..., Browser]


def test_every_answer_carries_its_policies(visit: Visit) -> None:
    for path in ("/sign-in", "/nowhere", "/healthz", "/static/lantai.css"):
        headers = visit().get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-request-id"]
    assert visit("archivist").get("/").headers["cache-control"] == "no-store"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(visit: Visit) -> None:
    cookies = visit().sign_in("archivist").headers.get_list("set-cookie")
    session = next(one for one in cookies if one.startswith("lantai_session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session


@pytest.mark.parametrize(
    "path", ["/preferences", "/sign-out", "/preservation/audit", "/submissions/x/accept", "/password"]
)
def test_a_form_without_the_token_is_refused(visit: Visit, path: str) -> None:
    browser = visit("archivist")
    assert browser.http.post(path, data={}).status_code == 403
    assert browser.http.post(path, data={"csrf": "guess"}).status_code == 403
    assert browser.get("/").status_code == 200  # still signed in


def test_signing_in_takes_a_token_too(visit: Visit) -> None:
    browser = visit()
    assert browser.http.post("/sign-in", data={"username": "archivist", "password": PASSWORD}).status_code == 403


def test_the_api_takes_the_token_in_a_header(visit: Visit) -> None:
    browser = visit("archivist")
    refused = browser.http.post("/api/v1/submissions", json={})
    assert refused.status_code == 403
    assert refused.json()["code"] == "session.bad_token"
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_multipart_deposit_without_the_token_leaves_nothing(visit: Visit, site: Site) -> None:
    browser = visit("archivist")
    before = browser.api("GET", "/submissions").json()["items"]
    answer = browser.http.post("/deposit", data={"csrf": "guess"}, files={"files": ("a.txt", b"x")})
    assert answer.status_code == 403
    assert browser.api("GET", "/submissions").json()["items"] == before


def test_wrong_passwords_say_nothing_about_the_account(visit: Visit) -> None:
    texts = []
    for name in ("archivist", "nobody"):
        browser = visit()
        browser.get("/sign-in")
        answer = browser.post("/sign-in", {"username": name, "password": "wrong"})
        assert answer.status_code == 401
        texts.append(answer.text.replace(name, "").replace(browser.csrf, ""))
    assert texts[0] == texts[1]


def test_what_was_typed_survives_the_end_of_a_session(visit: Visit, site: Site) -> None:
    browser = visit("archivist")
    with site.archive.sessions.begin() as session:
        session.query(LoginSession).delete()
    answer = browser.post("/preferences", {"purpose": "inspection", "next": "/use"})
    assert answer.status_code == 401
    assert 'name="kept.purpose" value="inspection"' in answer.text
    browser.get("/sign-in")
    again = browser.post(
        "/sign-in",
        {"username": "archivist", "password": PASSWORD, "next": "/preferences", "kept.purpose": "inspection"},
    )
    assert again.status_code == 200
    assert 'action="/preferences"' in again.text
    assert 'name="purpose" value="inspection"' in again.text


@pytest.mark.parametrize("path", ["/tokens", "/requests", "/retention/holds"])
def test_what_was_typed_in_any_room_survives_the_end_of_a_session(visit: Visit, site: Site, path: str) -> None:
    browser = visit("archivist")
    with site.archive.sessions.begin() as session:
        session.query(LoginSession).delete()
    fields = {"label": "镇民政办扫描仪", "title": "检察机关调卷", "new_password": "secret-words-of-hers"}
    answer = browser.post(path, fields)
    assert answer.status_code == 401
    assert 'name="kept.label" value="镇民政办扫描仪"' in answer.text
    assert "kept.csrf" not in answer.text
    assert "secret-words-of-hers" not in answer.text
    with_letter = browser.post(path, fields, files={"letter": ("函.pdf", b"%PDF-1.7", "application/pdf")})
    assert 'name="kept.title" value="检察机关调卷"' in with_letter.text
    many = browser.post(path, fields, files=[("files", ("a", b"a")), ("files", ("b", b"b"))])
    assert (many.status_code, "kept." in many.text) == (401, False)
    foreign = visit().http.post(path, data=fields)  # no session cookie came along
    assert foreign.status_code in {401, 403}
    assert "检察机关调卷" not in foreign.text


def test_a_form_from_a_foreign_site_keeps_nothing(visit: Visit) -> None:
    answer = visit().http.post("/preferences", data={"purpose": "inspection"})  # no session cookie came along
    assert answer.status_code == 403
    assert "inspection" not in answer.text


def test_sign_out_ends_the_session_in_the_database(visit: Visit) -> None:
    browser = visit("archivist")
    token = browser.http.cookies["lantai_session"]
    assert browser.post("/sign-out").status_code == 303
    browser.http.cookies.set("lantai_session", token)
    assert browser.get("/").status_code == 303


def test_signing_in_for_programs(visit: Visit) -> None:
    browser = visit()
    wrong = browser.http.post("/api/v1/session", json={"username": "archivist", "password": "no"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "session.wrong_password")
    right = browser.http.post("/api/v1/session", json={"username": "archivist", "password": PASSWORD})
    browser.csrf = right.json()["csrf_token"]
    who = browser.api("GET", "/session").json()
    assert who["username"] == "archivist"
    assert "record.read" in who["permissions"]
    foreign = browser.http.post(
        "/api/v1/session",
        json={"username": "archivist", "password": PASSWORD},
        headers={"Origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    assert browser.api("DELETE", "/session").status_code == 204
    assert browser.api("GET", "/session").status_code == 401


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/use?all=1", "/use?all=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
        ("", "/"),
        (None, "/"),
        ("/a\nb", "/"),
    ],
)
def test_only_paths_of_this_site_are_followed(target: str | None, safe: str) -> None:
    assert local_path(target) == safe


def test_an_empty_token_is_never_right() -> None:
    assert not same_token("", "")
    assert not same_token("abc", None)
    assert same_token("abc", "abc")


def test_a_file_never_runs_as_part_of_the_site(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    found = browser.api("GET", f"/records/{papers.record_ids['申請書.txt']}/files").json()["items"][0]
    assert browser.get(f"/files/{found['id']}/content").status_code == 422  # text is shown by the page, never raw
    answer = browser.get(f"/files/{found['id']}/download")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'self'"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "filename*=UTF-8''%E7%94%B3%E8%AB%8B%E6%9B%B8.txt" in answer.headers["content-disposition"]


def test_when_the_database_is_away_a_page_says_so(visit: Visit, site: Site, tmp_path: Path) -> None:
    nowhere = open_engine(f"sqlite:///{tmp_path}")  # a folder is no database
    away = replace(site.archive, sessions=open_sessions(nowhere), reading=reading_sessions(nowhere))
    with serving(replace(site, archive=away, asking=asking_sessions(nowhere))) as address:
        browser = Browser(address)
        assert browser.get("/sign-in").status_code == 200
        browser.http.cookies.set("lantai_session", "whatever")
        answer = browser.get("/holdings")
        assert answer.status_code == 503
        assert "数据库" in answer.text
        assert "重试" in answer.text
        told = browser.api("GET", "/records")
        assert (told.status_code, told.json()["code"]) == (503, "database.file_closed")
        assert browser.get("/readyz").json()["parts"]["database"]["state"] == "down"
        browser.http.close()
    nowhere.dispose()


def test_a_password_given_by_others_is_changed_first(visit: Visit, site: Site) -> None:
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        create_account(
            session,
            archive=site.archive,
            actor=actor,
            username="neu",
            display_name="合成 neu",
            organ_code="bureau",
            roles=[("archivist", "bureau")],
        )
        given = reset_password(session, archive=site.archive, actor=actor, username="neu")
    browser = visit()
    browser.sign_in("neu", given)
    assert browser.get("/holdings").headers["location"] == "/password"
    assert browser.api("GET", "/records").json()["code"] == "account.password_must_change"
    browser.get("/password")
    fields = {"current_password": given, "new_password": PASSWORD, "repeated_password": "other"}
    assert "不一致" in browser.post("/password", fields).text
    weak = browser.post("/password", {**fields, "new_password": "abc", "repeated_password": "abc"})
    assert weak.status_code == 422
    assert browser.post("/password", {**fields, "repeated_password": PASSWORD}).headers["location"] == "/"
    assert browser.get("/holdings").status_code == 200


def test_the_way_back_stays_on_this_site(base: str, visit: Visit) -> None:
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "zurück"}).json()["id"]
    browser.post(f"/submissions/{submission_id}/withdraw")
    for referer, href in (
        (f"{base}//evil.example", "/"),
        ("https://evil.example/", "/"),
        (f"{base}/submissions", "/submissions"),
    ):
        answer = browser.post(f"/submissions/{submission_id}/withdraw", headers={"Referer": referer})
        assert answer.status_code == 409
        assert "evil" not in answer.text
        assert f'<a class="button button--main" href="{href}"' in answer.text, referer


def test_guessing_at_the_current_password_becomes_slow(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(signing, "SLOW_DOWN", SlowDown(free=2, pause=waited.append))
    browser = visit("archivist")
    browser.get("/password")
    fields = {"current_password": "geraten-geraten", "new_password": "x", "repeated_password": "x"}
    for _try in range(3):
        assert browser.post("/password", fields).status_code == 422
    assert waited == [0.25]
    assert browser.post("/password", fields | {"current_password": PASSWORD}).status_code == 422  # too weak, but hers
    browser.post("/password", fields)
    assert waited == [0.25, 0.5]  # who knew it begins anew


def test_signing_in_again_ends_the_session_before(visit: Visit) -> None:
    browser = visit("archivist")
    first = browser.http.cookies["lantai_session"]
    signed = browser.http.post("/api/v1/session", json={"username": "clerk", "password": PASSWORD})
    assert signed.status_code == 200
    assert browser.api("GET", "/session").json()["username"] == "clerk"
    second = browser.http.cookies["lantai_session"]
    assert second != first
    browser.post("/sign-in", {"csrf": signed.json()["csrf_token"], "username": "archivist", "password": PASSWORD})
    for token in (first, second):
        old = visit()
        old.http.cookies.set("lantai_session", token)
        assert old.api("GET", "/session").status_code == 401
    assert browser.api("GET", "/session").json()["username"] == "archivist"
