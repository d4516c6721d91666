"""Attacks, each tried on a running site; the table in ``docs/security.md`` says which test tries what.

What a room proves with its own tests is not repeated here: the table leads there.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import event, func, select

from access.actors import actor_of
from lantai.site import Site
from lantai.web.pages import files as file_pages
from lantai.web.security import SESSION_COOKIE
from repository.clock import local_date
from repository.tables import AccessGrant, AccessRequest, Account, LedgerEntry, UseCount
from search.service import search
from tests.journeys.route_rules import RULES
from tests.journeys.siege import ALL, MASKED, NOBODYS, ONE, OURS, THEIRS, TWO, Siege
from tests.unit.lantai_web.conftest import PASSWORD, Browser

NOWHERE = "00000000-0000-4000-8000-000000000000"


# --- guessing --------------------------------------------------------------------------------------------------------


@contextmanager
def _asking(site: Site) -> Iterator[list[str]]:
    """Everything that the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(site.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(site.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("path", "hidden", "absent"),
    [
        ("/api/v1/records/{}", "record", NOWHERE),
        ("/api/v1/files/{}/text", "file", NOWHERE),
        ("/api/v1/files/{}/content", "file", NOWHERE),
        ("/files/{}/pages/1.webp", "file", NOWHERE),
        ("/api/v1/case-files/{}", "case", NOWHERE),
        ("/api/v1/case-files/{}", "number", NOBODYS),
        ("/api/v1/households/{}/report", "number", NOBODYS),
        ("/api/v1/requests/{}", "record", NOWHERE),
        ("/api/v1/holds/{}", "record", NOWHERE),
    ],
)
def test_guessing_tells_nothing_by_words_or_by_the_questions_asked(
    siege: Siege, path: str, hidden: str, absent: str
) -> None:
    """Time is measured where it is made: hidden and absent things cost the database the same questions."""
    things = {
        "record": siege.records["隔壁.txt"],
        "file": siege.files["隔壁.txt"],
        "case": siege.cases[THEIRS],
        "number": THEIRS,
    }
    browser = siege.visit("keeper" if "content" in path or "holds" in path else "clerk")
    given, questions = [], []
    for one in (absent, things[hidden], absent, things[hidden]):  # the first ones open what is kept
        with _asking(siege.site) as asked:
            answer = browser.http.get(path.format(one))
        told = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "·", answer.text.replace(one, "·"))
        given.append((answer.status_code, told, sorted(set(answer.headers) - {"content-length"})))
        questions.append([one.split("(")[0] for one in asked])
    assert given[2][0] == 404
    assert given[2] == given[3]
    assert questions[2] == questions[3]


def test_the_own_register_does_not_tell_what_was_guessed(siege: Siege) -> None:
    """Who guesses a household number and is refused finds in her own lines nothing of whether the file is there."""
    for username in ("clerk", "keeper"):
        browser = siege.visit(username)
        lines = []
        for number in (NOBODYS, THEIRS):
            assert browser.http.get(f"/api/v1/case-files/{number}").status_code == 404
            assert browser.http.get(f"/households/{number}").status_code == 404
            told = browser.http.get("/api/v1/use-register?limit=50").json()["items"]
            refused = [one for one in told if one["act"] == "access.refused"][:2]
            lines.append([one["case_file_id"] for one in refused])
            shown = browser.http.get("/use").text
            assert siege.cases[THEIRS][:13] not in shown
            asked = browser.http.get("/api/v1/use-register", params={"case_file": number, "totals": "true"}).json()
            assert (asked["items"], asked.get("totals") or {}) == ([], {})
        assert lines[0] == lines[1] == [None, None]
    seen = siege.visit("auditor").http.get("/api/v1/use-register", params={"case_file": THEIRS}).json()["items"]
    assert {one["act"] for one in seen} == {"access.refused"}  # who watches over use is told


def test_guessing_is_reported(siege: Siege) -> None:
    limit = siege.site.archive.profile.borrowing.bulk_alarm.refusals_per_hour
    browser = siege.visit("clerk")
    for number in range(limit + 1):
        assert browser.http.get(f"/api/v1/records/{number:08d}-0000-4000-8000-000000000000").status_code == 404
    alarms = siege.visit("auditor").http.get("/api/v1/alarms").json()["items"]
    assert "refusals" in {one["kind"] for one in alarms}


# --- numbers behind the mask -----------------------------------------------------------------------------------------


def test_no_question_feels_for_a_number_behind_the_mask(siege: Siege) -> None:
    """A borrower sees the numbers of one record and not of another: she cannot find out what stands in the other."""
    seen, masked = siege.records["甲.txt"], siege.records["乙.txt"]
    siege.grant("borrower", ALL, seen)
    siege.grant("borrower", MASKED, masked)
    browser = siege.visit("borrower")

    def found(words: str) -> set[str]:
        answer = browser.http.get("/api/v1/search", params={"q": words})
        return {one["record_id"] for one in answer.json().get("hits", [])}

    def within(name: str, words: str) -> Any:
        answer = browser.http.get(f"/files/{siege.files[name]}/find", params={"q": words})
        return answer.json().get("total") if answer.status_code == 200 else None

    assert found("申请书") == {seen, masked}
    assert found(ONE) == {seen}
    assert within("甲.txt", ONE) == 1
    for asked in (TWO, f"尾号{TWO[-4:]}", f"last4:{TWO[-4:]}", TWO[-4:], f"id:{TWO}", f"申请书 OR {TWO}"):
        assert masked not in found(asked), asked
    for asked in (TWO, TWO[4:12], f"{TWO[:9]}*", f"{TWO[:12]}*"):
        wrong = TWO[:8] + "5" * 4 + TWO[12:]
        instead = {TWO: wrong, TWO[4:12]: "44444444"}.get(asked, f"{TWO[:8]}5*")
        assert within("乙.txt", asked) == within("乙.txt", instead), asked
        page = browser.http.get(f"/records/{masked}", params={"q": asked})
        assert asked == TWO or TWO not in page.text  # what she typed herself comes back in the box
    for asked in (f"乙户 OR {TWO[:9]}*", f"乙户 OR {TWO[4:12]}"):
        hits = browser.http.get("/api/v1/search", params={"q": asked}).json()["hits"]
        told = next(one for one in hits if one["record_id"] == masked)
        assert [told["snippet"][slice(*one)] for one in told["highlights"]] == ["乙户"], asked


def test_numbers_in_clear_are_shown_record_by_record(siege: Siege) -> None:
    """Where the program itself asks for numbers in clear, the gate says of each record whether; not her division."""
    archive = siege.site.archive
    seen, masked = siege.records["甲.txt"], siege.records["乙.txt"]
    siege.grant("second", ALL, seen)
    siege.grant("second", MASKED, masked)
    now = archive.clock.now()
    with archive.reading() as session:
        account = session.scalars(select(Account).where(Account.username == "second")).one()
        reader = actor_of(session, account, archive.profile, local_date(now, archive.zone), now)
    engine = siege.site.search_engine()
    try:
        page = search(archive, engine, reader, "低保申请书", reason="test", unmask=True)
    finally:
        engine.close()
    snippets = {one["record_id"]: one["snippet"] for one in page.hits}
    assert ONE in snippets[seen]
    assert TWO not in snippets[masked]


# --- grants that are over --------------------------------------------------------------------------------------------


def _about(siege: Siege, name: str) -> list[str]:
    """Every address of the table that speaks of one record or file and is read."""
    known = {"record_id": siege.records[name], "file_id": siege.files[name], "leaf": "1", "number": "1"}
    found = []
    for route in RULES:
        method, path = route.split(" ")
        if method == "GET" and re.search(r"{(record|file)_id}", path):
            made = re.sub(r"{(\w+)}", lambda one: known[one.group(1)], path)
            found.append(f"{made}?q=a" if path.endswith("/find") else made)
    return [*found, f"/files/{known['file_id']}/pages/1.webp?size=thumb"]


def test_an_ended_grant_opens_nothing_in_a_tab_that_stands_open(siege: Siege) -> None:
    grants = [siege.grant("taker", ALL, siege.records[one]) for one in ("证件.png", "甲.txt")]
    browser = siege.visit("taker")
    program = httpx.Client(base_url=siege.base, headers=siege.token("taker"), timeout=60)
    addresses = [*_about(siege, "证件.png"), *_about(siege, "甲.txt")]
    before = [browser.http.get(one).status_code for one in addresses]
    assert sum(one < 400 for one in before) > 20
    for one in grants:
        siege.end(one)
    for address in addresses:
        for client in (browser.http, program):
            if client is program and not address.startswith("/api/"):
                continue
            answer = client.get(address, headers={"Range": "bytes=0-10", "If-None-Match": "*"})
            assert answer.status_code in {403, 404}, (address, answer.status_code)
            assert ONE not in answer.text
    program.close()


def test_a_file_that_is_being_sent_breaks_off_when_its_grant_ends(
    siege: Siege, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_pages, "_ASKED_AGAIN", 0.0)
    grant = siege.grant("taker", ALL, siege.records["大.bin"])
    browser = siege.visit("taker")
    got = 0
    with browser.http.stream("GET", f"/files/{siege.files['大.bin']}/download") as answer:
        assert answer.status_code == 200
        size = int(answer.headers["content-length"])
        with suppress(httpx.RemoteProtocolError):  # the line is closed before all of it was there
            for piece in answer.iter_raw():
                if not got:
                    siege.end(grant)
                got += len(piece)
    assert 0 < got < size


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_no_secret_gets_into_the_log(siege: Siege, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        browser = siege.visit("clerk")
        header = siege.token("clerk")
        bearer = header["Authorization"].partition(" ")[2]
        client = siege.visit().http
        client.get("/api/v1/records", headers=header)
        client.get(f"/api/v1/records?token={bearer}")
        client.get(f"/records/{bearer}")
        client.post("/api/v1/session", json={"username": "clerk", "password": "falsch-" + bearer})
        browser.http.get(f"/search?q={ONE}")
        browser.http.get("/records/x/" + ONE)
        session = browser.http.cookies[SESSION_COOKIE]
    logged = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore")))
    for secret in (bearer, session, browser.csrf, PASSWORD, ONE):
        assert secret not in logged


def test_a_narrowed_token_reaches_no_session(siege: Siege) -> None:
    owner = siege.visit("clerk")
    narrow = siege.token("clerk", "case.read")
    mine = next(one["id"] for one in owner.api("GET", "/sessions").json()["items"] if one["here"])
    client = siege.visit().http
    listed = client.get("/api/v1/sessions", headers=narrow)
    assert listed.status_code == 403 or listed.json()["items"] == []
    assert client.delete(f"/api/v1/sessions/{mine}", headers=narrow).status_code in {403, 404}
    assert owner.api("GET", "/session").status_code == 200


# --- taking away in small steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/records", "/case-files", "/search?q=*", "/retention/due?before=2999-01-01"])
def test_every_list_that_a_program_pages_through_is_counted_by_its_rows(siege: Siege, path: str) -> None:
    browser = siege.visit("archivist")
    if "due" in path:
        stopped = {"event": "benefit_stopped", "on": "1999-01-31"}
        assert browser.api("POST", f"/retention/cases/{OURS}/events", json=stopped).status_code < 300

    def rows() -> int:
        with siege.site.archive.reading() as session:
            return session.scalar(select(func.sum(UseCount.rows)).where(UseCount.kind == "bulk_exports")) or 0

    before, given, after = rows(), 0, ""
    for _ in range(40):
        joined = "&" if "?" in path else "?"
        answer = browser.api("GET", f"{path}{joined}limit=2" + (f"&after={quote(after)}" if after else ""))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        given += len(body.get("items", body.get("hits", [])))
        after = body["next"]
        if not after:
            break
    assert given > 0
    assert rows() - before == given


# --- forms -----------------------------------------------------------------------------------------------------------


def test_a_form_of_somebody_else_or_of_an_ended_session_does_nothing(siege: Siege) -> None:
    first, second = siege.visit("archivist"), siege.visit("chief")
    where = f"/records/{siege.records['甲.txt']}/describe"
    fields = {"title": "偷改", "row_version": "1"}
    assert first.http.post(where, data={**fields, "csrf": second.csrf}).status_code == 403
    assert first.http.post(where, data=fields).status_code == 403
    assert first.http.get(where, params={**fields, "csrf": first.csrf, "_method": "POST"}).status_code == 200
    cookies, csrf = dict(first.http.cookies), first.csrf
    assert first.post("/sign-out").status_code == 303
    with httpx.Client(base_url=siege.base, cookies=cookies, timeout=60) as replayed:
        answer = replayed.post(where, data={**fields, "csrf": csrf})
        assert answer.status_code in {303, 401, 403}, answer.status_code
        assert replayed.get("/api/v1/session").status_code == 401
    assert siege.visit("archivist").http.get(f"/api/v1/records/{siege.records['甲.txt']}").json()["title"] != "偷改"


def test_two_who_decide_at_once_make_one_grant(siege: Siege) -> None:
    asked = {
        "requester": "other_department",
        "record_ids": [siege.records["甲.txt"]],
        "purpose": "inter_agency_verification",
        "purpose_text": "核对待遇",
        "days": 3,
        "details": {"legal_basis": "社会救助暂行办法"},
        "letter": {"name": "公函.pdf", "data": "JVBERi0xLjcKJQo="},
    }
    borrower = siege.visit("borrower")
    made = borrower.api("POST", "/requests", json=asked)
    assert made.status_code == 201, made.text
    request_id = made.json()["id"]
    deciders = [siege.visit("head"), siege.visit("vice")]
    state = deciders[0].api("GET", f"/requests/{request_id}").json()
    told = [
        {"decision": "whole", "row_version": state["row_version"]},
        {"decision": "refused", "reason": "not_official", "words": "x", "row_version": state["row_version"]},
    ]
    reasons = siege.site.archive.profile.borrowing.refuse_reasons
    told[1]["reason"] = reasons[0].code
    answers: list[int] = []
    begin = threading.Barrier(2)

    def decide(browser: Browser, body: dict[str, Any]) -> None:
        begin.wait()
        answers.append(browser.api("POST", f"/requests/{request_id}/decision", json=body).status_code)

    threads = [threading.Thread(target=decide, args=one) for one in zip(deciders, told, strict=True)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert sorted(answers) == [204, 409]
    with siege.site.archive.reading() as session:
        grants = session.scalar(select(func.count()).where(AccessGrant.request_id == request_id))
        decided = session.scalars(
            select(LedgerEntry.id).where(LedgerEntry.act == "request.decided", LedgerEntry.request_id == request_id)
        ).all()
        request = session.scalars(select(AccessRequest).where(AccessRequest.id == request_id)).one()
    assert len(decided) == 1
    assert grants == (1 if request.state == "approved" else 0)


def test_a_key_of_one_account_opens_nothing_of_another(siege: Siege) -> None:
    headers = {"Idempotency-Key": "same-key"}
    made = []
    for username in ("clerk", "archivist"):
        browser = siege.visit(username)
        answer = browser.http.post(
            "/api/v1/submissions", json={"title": "移交"}, headers={**headers, "X-CSRF-Token": browser.csrf}
        )
        assert answer.status_code in {200, 201}, answer.text
        made.append(answer.json()["id"])
    assert made[0] != made[1]
