"""Requests over HTTP: filed with a letter, decided, read under, revoked; what is refused, and what is not revealed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from lantai.site import Site
from metadata.identifiers import new_id
from tests.unit.lantai_web.conftest import HOUSEHOLD, PASSWORD, Browser, Papers

Visit = Callable[[str], Browser]
LETTER = ("公函.pdf", b"%PDF-1.7\n% a letter\n", "application/pdf")
WHOLE = {
    "requester": "other_department",
    "purpose": "inter_agency_verification",
    "purpose_text": "核对医疗救助",
    "legal_basis": "社会救助暂行办法",
    "days": "3",
}


@pytest.fixture(scope="module", autouse=True)
def people(site: Site) -> None:
    """An office outside, with a borrower; a head of the bureau, another one next door, an auditor."""
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        common: dict[str, Any] = {"session": session, "archive": site.archive, "actor": actor}
        create_organ(**common, code="ybj", name_zh="云岭县医疗保障局", level="OD", division_prefix="")
        for username, organ, role in (
            ("borrower", "ybj", "borrower_external"),
            ("second", "ybj", "borrower_external"),
            ("head", "bureau", "bureau_head"),
            ("chief", "bureau", "archive_chief"),
            ("auditor", "bureau", "audit_admin"),
        ):
            create_account(
                **common,
                username=username,
                display_name=f"合成 {username}",
                organ_code=organ,
                password=PASSWORD,
                roles=[(role, organ)],
            )


def _file(browser: Browser, letter: Any = LETTER, **fields: str) -> Any:
    page = browser.get("/requests/new").text
    once = re.search(r'name="once" value="([^"]+)"', page)
    form = {"csrf": browser.csrf, "once": once.group(1) if once else "", **WHOLE, **fields}
    parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in form.items()]
    return browser.http.post("/requests", files=[*parts, *([("letter", letter)] if letter else [])])


def _filed(browser: Browser, **fields: str) -> str:
    answer = _file(browser, **fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def _act(browser: Browser, where: str, act: str, **fields: str) -> Any:
    page = browser.get(where).text
    version = re.search(r'name="row_version" value="(\d+)"', page)
    return browser.post(f"{where}/{act}", {"row_version": version.group(1) if version else "", **fields})


def _grant(visit: Visit, where: str, *record_ids: str) -> None:
    head = visit("head")
    ticks = {f"pick_record_{one}": "1" for one in record_ids}
    assert _act(head, where, "decide", outcome="grant", **ticks).status_code == 303


def test_from_the_form_to_reading_and_back(visit: Visit, papers: Papers) -> None:
    record = papers.record_ids["申請書.txt"]
    borrower, head = visit("borrower"), visit("head")
    assert borrower.get(f"/records/{record}").status_code == 404
    assert f'value="{HOUSEHOLD}"' in borrower.get(f"/requests/new?household_no={HOUSEHOLD}").text
    where = _filed(borrower, household_no=HOUSEHOLD)
    shown = borrower.get(where).text
    assert "王秀英" not in shown
    assert record not in shown
    assert where in head.get("/requests?view=waiting").text
    page = head.get(where).text
    assert "社会救助暂行办法" in page
    assert f"pick_record_{record}" in page
    assert head.get(f"{where}/letter").content == LETTER[1]
    assert head.get(f"{where}/letter").headers["content-type"] == "application/pdf"
    _grant(visit, where, record)
    for person, address in ((borrower, "/requests"), (borrower, where), (head, where)):
        assert "部分同意" in person.get(address).text  # of five papers one
    reading = borrower.get("/reading").text
    assert record in reading
    assert re.search(rf'data-label="户档">户 ?{HOUSEHOLD}<', reading)  # its number, not a way into the household's file
    assert f'data-label="申请"><a href="{where}">' in reading
    assert borrower.get(f"/records/{record}").status_code == 200
    assert borrower.get(f"/records/{papers.record_ids['录音.wav']}").status_code == 404
    assert _act(head, where, "revoke", said="公函有误").status_code == 303
    assert borrower.get(f"/records/{record}").status_code == 404
    assert "公函有误" in borrower.get(where).text
    assert record not in borrower.get("/reading").text


def test_question_answer_withdraw(visit: Visit) -> None:
    borrower, head = visit("borrower"), visit("head")
    where = _filed(borrower, q="王秀英 2025 年")
    assert _act(head, where, "question", question=" ").status_code == 422
    assert _act(head, where, "question", question="哪一年？").status_code == 303
    assert "哪一年？" in borrower.get(where).text
    assert _act(borrower, where, "answer", said="2025").status_code == 303
    assert _act(borrower, where, "withdraw").status_code == 303
    assert _act(head, where, "decide", outcome="refuse", reason="scope_too_wide").status_code in (404, 409)


def test_all_faults_beside_their_fields_and_nothing_typed_is_lost(visit: Visit) -> None:
    borrower = visit("borrower")
    answer = _file(borrower, letter=("x.pdf", b"MZ", "application/pdf"), household_no="1", legal_basis="", days="99")
    assert answer.status_code == 422
    for name in ("household_no", "legal_basis", "letter", "days"):
        assert f'id="e-{name}"' in answer.text, name
    assert "核对医疗救助" in answer.text
    both = _file(borrower, household_no=HOUSEHOLD, q="王")
    assert both.status_code == 422
    assert "核对医疗救助" in both.text


def test_a_form_posted_twice_makes_one_request(visit: Visit) -> None:
    borrower = visit("borrower")
    first, second = _filed(borrower, q="一", once="same-form"), _filed(borrower, q="一", once="same-form")
    assert first == second


def test_decisions_by_others_forged_or_out_of_date(visit: Visit, papers: Papers) -> None:
    record, foreign = papers.record_ids["申請書.txt"], papers.record_ids["录音.wav"]
    borrower, head = visit("borrower"), visit("head")
    where = _filed(borrower, record_ids=record)
    ticks = {f"pick_record_{record}": "1", "outcome": "grant", "days": "3"}
    assert _act(visit("chief"), where, "decide", **ticks).status_code == 403
    assert _act(borrower, where, "decide", **ticks).status_code == 403
    for name in ("second", "clerk", "other", "sysadmin"):
        browser = visit(name)
        browser.get("/use")
        assert browser.get(where).status_code == 404
        assert browser.get(f"{where}/letter").status_code == 404
        assert browser.post(f"{where}/decide", {"row_version": "1", **ticks}).status_code == 404
    head.get(where)
    stale = head.post(f"{where}/decide", {"row_version": "0", **ticks})
    assert stale.status_code == 409
    assert head.post(f"{where}/decide", ticks).status_code == 409
    assert head.http.post(f"{where}/decide", data=ticks).status_code == 403
    forged = {"outcome": "grant", "days": "3", f"pick_record_{foreign}": "1"}
    assert _act(head, where, "decide", **forged).status_code == 404
    assert _act(head, where, "decide", outcome="grant").status_code == 422
    assert _act(head, where, "decide", outcome="refuse", reason="").status_code == 422
    assert _act(head, where, "decide", **{**ticks, "days": "30"}).status_code == 422
    assert borrower.get(f"/records/{record}").status_code == 404
    assert head.get(f"/requests/{new_id()}").status_code == 404


def test_who_sees_who_asks(visit: Visit) -> None:
    borrower, archivist, auditor = visit("borrower"), visit("archivist"), visit("auditor")
    where = _filed(borrower, q="合成材料")
    for browser in (archivist, auditor):
        assert where in browser.get("/requests?view=about").text
        assert browser.get(where).status_code == 200
    assert where not in visit("second").get("/requests?view=about").text


def test_the_form_offers_the_purposes_of_who_asks(visit: Visit) -> None:
    page = visit("borrower").get("/requests/new").text
    assert '<option value="inter_agency_verification"' in page
    for inside in ("arrangement", "preservation", "household_own_file"):
        assert f'<option value="{inside}"' not in page
    assert "可下载原样文件" in page  # what leaves as a copy is the file itself: the form says so


def _to_find(browser: Browser) -> int:
    """How many requests Today asks the person to find the records of."""
    found = re.search(
        r'task__count">(\d+)</span>\s*<span class="task__words"><strong>查找所申请的档案', browser.get("/").text
    )
    return int(found.group(1)) if found else 0


def test_an_archivist_finds_what_the_words_mean(visit: Visit, papers: Papers) -> None:
    record = papers.record_ids["申請書.txt"]
    borrower, archivist = visit("borrower"), visit("archivist")
    where = _filed(borrower, q="王秀英")
    held = visit("head").get(where).text  # nothing to decide on yet, and the page says who comes first
    assert "须先由档案员查找" in held
    assert 'value="grant"' not in held
    assert 'name="days"' not in held
    waiting = _to_find(archivist)
    assert waiting
    page = archivist.get(f"{where}?words=王秀英").text
    assert f"pick_record_{record}" in page
    assert _act(archivist, where, "named", **{f"pick_record_{record}": "1"}).status_code == 303
    assert _to_find(archivist) == waiting - 1
    _grant(visit, where, record)
    assert borrower.get(f"/records/{record}").status_code == 200
    assert " 24:00" in borrower.get("/reading").text  # the last day counts whole
    assert _act(borrower, where, "give-back").status_code == 303
    assert borrower.get(f"/records/{record}").status_code == 404


def test_a_refusal_for_another_reason_asks_for_words_where_they_are_written(visit: Visit) -> None:
    head = visit("head")
    where = _filed(visit("borrower"), household_no=HOUSEHOLD)
    answer = _act(head, where, "decide", outcome="refuse", reason="other")
    assert answer.status_code == 422
    assert 'id="e-said"' in answer.text
    assert 'id="e-reason"' not in answer.text
    assert _act(head, where, "decide", outcome="refuse", reason="other", said="已另行答复").status_code == 303


def test_renewal_over_http(visit: Visit, papers: Papers) -> None:
    record = papers.record_ids["申請書.txt"]
    borrower = visit("borrower")
    where = _filed(borrower, record_ids=record)
    _grant(visit, where, record)
    assert _act(borrower, where, "renew", days="99", said="还没完").status_code == 422
    longer = _act(borrower, where, "renew", days="2", said="还没完", once="r1")
    assert longer.status_code == 303
    _grant(visit, longer.headers["location"], record)
    assert _act(borrower, where, "renew", days="2", said="还没完").status_code == 409
    assert _act(visit("head"), where, "revoke", said="结束").status_code == 303


def test_stored_script_and_personal_numbers_do_not_come_out(visit: Visit) -> None:
    borrower = visit("borrower")
    where = _filed(borrower, q="<script>alert(1)</script> 11010519491231002X", purpose_text='"><img src=x> 13800138000')
    for name in ("borrower", "head", "archivist"):
        page = visit(name).get(where).text
        assert "<script>alert" not in page
        assert "<img src=x>" not in page
        assert "11010519491231002X" not in page
        assert "13800138000" not in page


def test_who_needs_no_request_is_told_so(visit: Visit) -> None:
    assert visit("head").get("/requests/new").status_code == 403
    assert visit("clerk").get("/requests/new").status_code == 200
    assert visit("officer").get("/requests").status_code == 200
    assert visit("").get("/requests").status_code in (303, 401)


def test_the_letter_is_scanned_when_there_is_a_scanner(visit: Visit, site: Site, clamd: Any) -> None:
    from lantai.request_letters import taken_in
    from metadata.errors import Invalid, Unavailable
    from tests.services.clamd import EICAR

    scanned = site.settings.model_copy(update={"virus": clamd.settings})
    assert taken_in(scanned, "a.pdf", LETTER[1]).media_type == "application/pdf"
    with pytest.raises(Invalid) as caught:
        taken_in(scanned, "a.pdf", b"%PDF-1.7\n" + EICAR.encode())
    assert caught.value.code == "letter.malware"
    away = site.settings.model_copy(update={"virus": clamd.settings.model_copy(update={"address": "unix:/nowhere"})})
    with pytest.raises(Unavailable):
        taken_in(away, "a.pdf", LETTER[1])


def _api_request(papers: Papers, **given: Any) -> dict[str, Any]:
    return {
        "requester": "other_department",
        "record_ids": [papers.record_ids["申請書.txt"], papers.record_ids["录音.wav"]],
        "purpose": "inter_agency_verification",
        "purpose_text": "核对",
        "days": 2,
        "details": {"legal_basis": "办法"},
        "letter": {"name": "公函.pdf", "data": "JVBERi0xLjcK"},
        **given,
    }


def test_the_api_does_what_the_pages_do(visit: Visit, papers: Papers) -> None:
    borrower, head = visit("borrower"), visit("head")
    record, other = papers.record_ids["申請書.txt"], papers.record_ids["录音.wav"]
    bad = borrower.api("POST", "/requests", json=_api_request(papers, details={}, days=99))
    assert (bad.status_code, bad.json()["code"]) == (422, "request.incomplete")
    assert bad.json()["params"]["fields"] == ["days", "legal_basis"]
    headers = {"X-CSRF-Token": borrower.csrf, "Idempotency-Key": "k-1"}
    made = [borrower.http.post("/api/v1/requests", json=_api_request(papers), headers=headers) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    where = f"/requests/{made[0].json()['id']}"
    assert made[0].json() == made[1].json()
    assert borrower.api("GET", where).json()["things"] == []
    seen = head.api("GET", where).json()
    assert {one["id"] for one in seen["things"]} == {record, other}
    assert seen["acts"] == ["decide", "question"]
    assert head.api("GET", f"{where}/letter").content == b"%PDF-1.7\n"
    assert where.split("/")[2] in {one["id"] for one in head.api("GET", "/requests?view=waiting").json()["items"]}
    asked = head.api("POST", f"{where}/question", json={"words": "为何？", "row_version": seen["row_version"]})
    assert asked.status_code == 204
    assert borrower.api("POST", f"{where}/answer", json={"words": "核对"}).status_code == 204
    stale = {"decision": "part", "record_ids": [record], "row_version": seen["row_version"]}
    assert head.api("POST", f"{where}/decision", json=stale).status_code == 409
    version = head.api("GET", where).json()["row_version"]
    assert borrower.api("POST", f"{where}/decision", json={**stale, "row_version": version}).status_code == 403
    nothing = {"decision": "part", "record_ids": [], "row_version": version}
    assert head.api("POST", f"{where}/decision", json=nothing).json()["code"] == "request.nothing_chosen"
    done = head.api("POST", f"{where}/decision", json={**stale, "row_version": version})
    assert done.status_code == 204, done.text
    shown = borrower.api("GET", where).json()
    assert (shown["state"], shown["decision"]) == ("approved", "part")
    assert [one["id"] for one in shown["things"]] == [record]
    mine = [one for one in borrower.api("GET", "/grants").json() if one["request"]["id"] == shown["id"]]
    assert [one["id"] for one in mine[0]["things"]] == [record]
    assert shown["id"] in {one["request"]["id"] for one in head.api("GET", "/grants?view=given").json()}
    longer = borrower.api("POST", f"{where}/renewal", json={"days": 1, "words": "再一天"})
    assert longer.status_code == 201
    renewal = f"/requests/{longer.json()['id']}"
    version = head.api("GET", renewal).json()["row_version"]
    whole = {"decision": "whole", "row_version": version}
    assert head.api("POST", f"{renewal}/decision", json=whole).status_code == 204
    ended = head.api("POST", f"/grants/{shown['id']}/revocation", json={"words": "到此为止"})
    assert ended.status_code == 204
    assert borrower.api("GET", f"/records/{record}").status_code == 404
    assert borrower.api("POST", f"/grants/{shown['id']}/return", json={}).status_code == 409
    assert borrower.api("POST", f"{where}/withdrawal", json={}).status_code == 409
    assert borrower.api("GET", f"/requests/{new_id()}").json()["code"] == "request.not_found"


def test_the_api_names_records_for_words(visit: Visit, papers: Papers) -> None:
    borrower, archivist = visit("borrower"), visit("archivist")
    made = borrower.api("POST", "/requests", json=_api_request(papers, record_ids=[], words="录音"))
    where = f"/requests/{made.json()['id']}"
    given = {"record_ids": [papers.record_ids["录音.wav"], new_id()]}
    assert archivist.api("POST", f"{where}/records", json=given).json() == {"added": 1}
    assert borrower.api("POST", f"{where}/records", json=given).status_code == 403
    assert visit("second").api("POST", f"{where}/records", json=given).status_code == 404
    both = borrower.api("POST", "/requests", json=_api_request(papers, words="x"))
    assert both.json()["code"] == "request.one_of"
    junk = borrower.api("POST", "/requests", json=_api_request(papers, letter={"name": "a", "data": "%%"}))
    assert junk.json()["code"] == "letter.not_base64"
