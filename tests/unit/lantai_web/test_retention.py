"""The room of retention: schedule, due list, events of a case, holds; pages, API, commands."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from access.accounts import create_account
from access.actors import console_actor
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.identifiers import new_id
from repository.clock import local_date
from repository.ledger.seal import seal
from repository.tables import CaseFile, Hold, HoldSubject, LedgerEntry, Record, RetentionAssignment
from tests.unit.lantai_web import conftest as shared
from tests.unit.lantai_web.conftest import HOUSEHOLD, PASSWORD, Browser, serving, take_in

Visitor = Callable[[str], Browser]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of its own: holds and events would change what other tests look at."""
    home = tmp_path_factory.mktemp("retention") / "home"
    made = initialise(load(home=home, synthetic=True), bureau="云岭县民政局", division="990101")
    shared._people(made)
    with made.archive.sessions.begin() as session:
        actor = console_actor(session, made.archive.profile, "test")
        for username, role in (("chief", "archive_chief"), ("head", "bureau_head"), ("auditor", "inspector_archives")):
            create_account(
                session,
                archive=made.archive,
                actor=actor,
                username=username,
                display_name=f"合成 {username}",
                organ_code="bureau",
                password=PASSWORD,
                roles=[(role, "bureau")] if role != "inspector_archives" else [],
            )
    yield made
    made.close()


@pytest.fixture(scope="module")
def base(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two papers in a household file and a voucher whose name is a formula; the site is served."""
    folder = tmp_path_factory.mktemp("papers") / "户档"
    folder.mkdir()
    (folder / "申请书.txt").write_text("最低生活保障申请书，情况属实。\n")
    (folder / "停保通知.txt").write_text("停保通知书，自本月起停发。\n")
    take_in(site, folder, household_no=HOUSEHOLD, programme="DB")
    vouchers = tmp_path_factory.mktemp("vouchers") / "凭证"
    vouchers.mkdir()
    (vouchers / "凭证.txt").write_text("会计凭证，二〇二〇年。\n")
    take_in(site, vouchers, document_type="KUA03")
    with site.archive.sessions.begin() as session:
        voucher = session.scalars(select(Record).where(Record.document_type == "KUA03")).one()
        voucher.title = "=HYPERLINK(1)"
        row = session.scalars(
            select(RetentionAssignment).where(RetentionAssignment.record_id == voucher.id, RetentionAssignment.current)
        ).one()
        row.outcome, row.due_on, row.trigger_on = "due", date(2025, 1, 1), date(2015, 1, 1)
    with serving(site) as address:
        yield address


def _case(site: Site) -> tuple[str, list[str]]:
    with site.archive.reading() as session:
        case = session.scalars(select(CaseFile)).one()
        records = session.scalars(select(Record.id).where(Record.document_type.is_distinct_from("KUA03")))
        return case.id, list(records)


def test_the_schedule_says_on_what_it_stands_and_what_was_not_confirmed(visit: Visitor, site: Site) -> None:
    page = visit("archivist").get("/retention").text
    assert "民政部办公厅" in page
    assert "未核实，须由管理员确认" in page or "unverified, to be confirmed" in page
    assert "unverified" in page  # the banner
    assert "/retention/due?" in page
    for code in ("REG01", "KUA03"):  # document types by name, their codes small
        name = site.archive.profile.document_types[code].zh
        assert f"{name} <small><code>{code}</code></small>" in page
    for nobody in ("clerk", "sysadmin"):
        assert visit(nobody).get("/retention").status_code == 403
    assert visit("archivist").get("/retention?before=2030-01-01").headers["location"].endswith("until=2030-01-01")


def test_the_due_list_has_filters_and_files_that_compute_nothing(visit: Visitor, site: Site) -> None:
    browser = visit("archivist")
    page = browser.get("/retention/due?until=2026-12-31").text
    assert "=HYPERLINK(1)" in page
    assert "=HYPERLINK(1)" not in browser.get("/retention/due?from=2027-01-01").text
    assert "=HYPERLINK(1)" not in browser.get("/retention/due?rule=R01").text
    assert browser.get("/retention/due?until=morgen").status_code == 422
    assert browser.get("/retention/due?after=x.y&organ=%00").status_code == 200
    text = browser.get("/retention/due.csv?until=2026-12-31").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[1][0] == "2025-01-01"
    assert rows[1][1] == "'=HYPERLINK(1)"
    assert rows[0][3:5] == ["户号", "档号"]
    assert rows[1][3:5] == ["", ""]  # a voucher is in no household file
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/retention/due.xlsx?until=2026-12-31").content))
    cell = book.worksheets[0]["B2"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")
    with site.archive.reading() as session:
        bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.act == "list.exported")).all()
        assert [json.loads(one)["count"] for one in bodies] == [1, 1]
    assert visit("clerk").get("/retention/due.csv").status_code == 403


def test_the_due_list_as_a_file_names_household_and_archival_code(visit: Visitor, site: Site) -> None:
    _, record_ids = _case(site)
    with site.archive.sessions.begin() as session:
        session.scalars(select(CaseFile)).one().archival_code = "A001-DB-0007"
        wanted = select(RetentionAssignment).where(
            RetentionAssignment.record_id == record_ids[0], RetentionAssignment.current
        )
        row = session.scalars(wanted).one()
        before = (row.outcome, row.due_on, row.trigger_on)
        row.outcome, row.due_on, row.trigger_on = "due", date(2024, 1, 1), date(2014, 1, 1)
    given = visit("archivist").get("/retention/due.csv?until=2024-12-31").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(given)))
    assert [(one["户号"], one["档号"], one["编号"]) for one in rows] == [(HOUSEHOLD, "A001-DB-0007", record_ids[0])]
    with site.archive.sessions.begin() as session:
        row = session.scalars(wanted).one()
        row.outcome, row.due_on, row.trigger_on = before


def test_an_event_is_entered_taken_back_and_moves_the_clock(visit: Visitor, site: Site) -> None:
    case_id, record_ids = _case(site)
    browser = visit("archivist")
    page = browser.get(f"/retention/cases/{case_id}")
    assert page.status_code == 200
    version = re.search(r'name="row_version" value="(\d+)"', page.text)
    assert version is not None
    wrong = browser.post(f"/retention/cases/{case_id}/events", {"event": "benefit_stopped", "on": "2999-01-01"})
    assert wrong.status_code == 422
    assert 'value="2999-01-01"' in wrong.text
    fields = {
        "event": "benefit_stopped",
        "on": "2024-02-29",
        "note": "<b>🧊</b>",
        "row_version": version.group(1),
    }
    answer = browser.post(f"/retention/cases/{case_id}/events", fields)
    assert answer.status_code == 303
    shown = browser.get(answer.headers["location"]).text
    assert "&lt;b&gt;🧊&lt;/b&gt;" in shown
    assert "2029-02-28" in shown
    assert browser.post(f"/retention/cases/{case_id}/events", fields).status_code == 409
    told = browser.api("GET", f"/retention/records/{record_ids[0]}").json()
    assert (told["due_on"], told["rule_id"]) == ("2029-02-28", "R01")
    gone = {"event": "benefit_stopped", "on": "2024-02-29", "reason": "登错了户"}
    assert browser.post(f"/retention/cases/{case_id}/events/withdraw", gone | {"reason": ""}).status_code == 422
    assert browser.post(f"/retention/cases/{case_id}/events/withdraw", gone).status_code == 303
    assert browser.post(f"/retention/cases/{case_id}/events/withdraw", gone).status_code == 409
    assert "登错了户" in browser.get(f"/retention/cases/{case_id}").text
    assert browser.api("GET", f"/retention/records/{record_ids[0]}").json()["outcome"] == "waiting"


def test_who_may_not_describe_enters_nothing_and_other_townships_learn_nothing(visit: Visitor, site: Site) -> None:
    case_id, _ = _case(site)
    fields = {"event": "benefit_stopped", "on": "2024-02-29"}
    clerk = visit("clerk")
    assert clerk.get(f"/retention/cases/{case_id}").status_code == 200
    assert "events/withdraw" not in clerk.get(f"/retention/cases/{case_id}").text
    assert clerk.post(f"/retention/cases/{case_id}/events", fields).status_code == 403
    assert clerk.post(f"/retention/cases/{case_id}/events", {}).status_code == 403
    other = visit("other")
    assert other.get(f"/retention/cases/{case_id}").status_code == 404
    assert other.post(f"/retention/cases/{case_id}/events", fields).status_code == 404
    assert other.api("POST", f"/retention/cases/{case_id}/events", json=fields).status_code == 404
    assert other.api("GET", f"/retention/cases/{HOUSEHOLD}/events").status_code == 404


def _placed(browser: Browser, subjects: str, **more: str) -> tuple[int, str]:
    page = browser.get("/retention/holds/new").text
    number = re.search(r'name="number" value="([^"]+)"', page)
    assert number is not None
    fields = {
        "title": "检察调卷",
        "authority": "云岭县人民检察院",
        "reason": "侦查期间不得处置",
        "subjects": subjects,
        "number": number.group(1),
    }
    answer = browser.post("/retention/holds", fields | more)
    return answer.status_code, answer.headers.get("location", answer.text)


def test_a_hold_from_the_form_to_its_end(visit: Visitor, site: Site) -> None:
    _, record_ids = _case(site)
    archivist, head = visit("archivist"), visit("head")
    today = local_date(site.archive.clock.now(), site.archive.zone)
    status, place = _placed(archivist, f"{HOUSEHOLD}\n{record_ids[0]}", review_on=today.isoformat())
    assert status == 303
    hold = archivist.get(place)
    assert hold.status_code == 200
    assert "云岭县人民检察院" in hold.text
    assert "/lift" not in hold.text  # whoever placed it does not lift it
    assert archivist.post(f"{place}/lift", {"lift_authority": "a", "lift_reason": "b"}).status_code == 403
    assert place in archivist.get("/retention/holds?state=review").text
    later = (today + timedelta(days=30)).isoformat()
    assert archivist.post(f"{place}/review", {"review_on": later, "row_version": "1"}).status_code == 303
    assert archivist.post(f"{place}/review", {"review_on": later, "row_version": "1"}).status_code == 409
    assert archivist.post(f"{place}/review", {"review_on": "gestern"}).status_code == 422
    seen = head.get(place)
    assert seen.status_code == 200
    assert "申请书" not in seen.text  # the head of the bureau lists no records
    assert head.post(f"{place}/lift", {"lift_authority": "撤回函", "lift_reason": " "}).status_code == 422
    assert (
        head.post(f"{place}/lift", {"lift_authority": "撤回函", "lift_reason": "案结", "row_version": "1"}).status_code
        == 409
    )
    assert (
        head.post(f"{place}/lift", {"lift_authority": "撤回函", "lift_reason": "案结", "row_version": "2"}).status_code
        == 303
    )
    pending = head.get(place).text
    assert "一分钟" in pending or "within a minute" in pending
    assert place in head.get("/retention/holds").text
    seal(site.archive)
    assert place not in head.get("/retention/holds").text
    assert place in head.get("/retention/holds?state=lifted").text


def test_who_may_not_read_holds_sees_nothing_of_them(visit: Visitor, site: Site) -> None:
    case_id, _ = _case(site)
    status, place = _placed(visit("archivist"), HOUSEHOLD)
    assert status == 303
    for name in ("clerk", "other", "sysadmin", "officer"):
        browser = visit(name)
        assert browser.get("/retention/holds").status_code == 403
        assert browser.get(place).status_code == 403
        assert browser.get("/retention/holds/new").status_code == 403
        assert browser.api("GET", f"/holds/{place.rpartition('/')[2]}").status_code == 403
    assert "检察" not in visit("clerk").get(f"/retention/cases/{case_id}").text
    assert "检察" in visit("archivist").get(f"/retention/cases/{case_id}").text


def test_the_same_form_twice_is_one_hold_and_wrong_ones_keep_what_was_typed(visit: Visitor, site: Site) -> None:
    browser = visit("chief")
    number = new_id()
    assert _placed(browser, HOUSEHOLD, number=number) == _placed(browser, HOUSEHOLD, number=number)
    with site.archive.reading() as session:
        assert len(session.scalars(select(Hold).where(Hold.id == number)).all()) == 1
        assert len(session.scalars(select(HoldSubject).where(HoldSubject.hold_id == number)).all()) == 1
    for subjects, more in (
        ("没有这一户", {}),
        ("", {}),
        (new_id(), {}),
        (HOUSEHOLD, {"title": "冻" * 201}),
        (HOUSEHOLD, {"reason": "证件 11010519491231002X"}),
        (HOUSEHOLD, {"review_on": "2020-01-01"}),
    ):
        status, page = _placed(browser, subjects, authority="<i>سلطة</i>🧊", **more)
        assert status == 422, subjects
        assert "&lt;i&gt;سلطة&lt;/i&gt;🧊" in page
        assert "data-focus" in page
    status, place = _placed(browser, HOUSEHOLD, title="冻" * 200, authority="🧊" * 200, reference="＝１＋１")
    assert status == 303
    assert "🧊" * 200 in browser.get(place).text


def test_all_that_a_search_finds_is_held(visit: Visitor, site: Site) -> None:
    browser = visit("archivist")
    form = browser.get("/retention/holds/new?search=q%3D%E5%81%9C%E5%8F%91").text
    assert "停发" in form
    status, place = _placed(browser, "", search="q=停发")
    assert status == 303, place
    hold_id = place.rpartition("/")[2]
    with site.archive.reading() as session:
        kinds = session.execute(select(HoldSubject.kind).where(HoldSubject.hold_id == hold_id)).scalars().all()
        assert "record" in kinds
    assert _placed(browser, "", search="q=绝无此词此句")[0] == 422


def test_programs_do_what_the_pages_do(visit: Visitor, site: Site) -> None:
    case_id, record_ids = _case(site)
    chief, head = visit("chief"), visit("head")
    totals = chief.api("GET", "/retention/totals").json()
    assert sum(one["records"] for one in totals) == 3
    assert [one["year"] for one in totals if one["rule_id"] == "R09"] == [2025]
    page = chief.api("GET", "/retention/due?before=2099-01-01&limit=1").json()
    assert page["items"][0]["due_on"] == "2025-01-01"
    assert chief.api("GET", "/retention/due/export?as=csv&before=2099-01-01").status_code == 200
    given = {"title": "t", "authority": "a", "reason": "r", "record_ids": record_ids, "id": new_id()}
    made = chief.api("POST", "/holds", json=given)
    assert made.status_code == 201, made.text
    assert chief.api("POST", "/holds", json=given).json()["id"] == made.json()["id"]
    assert made.json()["records"] == len(record_ids)
    hold = f"/holds/{made.json()['id']}"
    assert head.api("GET", hold).json()["state"] == "standing"
    assert chief.api("POST", f"{hold}/lift", json={"authority": "a", "reason": "r"}).status_code == 403
    assert chief.api("POST", f"{hold}/review", json={"review_on": "2999-01-01"}).status_code == 422
    lifted = head.api("POST", f"{hold}/lift", json={"authority": "a", "reason": "r", "row_version": 1})
    assert lifted.json()["state"] == "lifting"
    assert hold.rpartition("/")[2] in {one["id"] for one in chief.api("GET", "/holds").json()["items"]}
    wrong = chief.api("POST", "/holds", json=given | {"id": None, "record_ids": [new_id()]})
    assert wrong.json()["code"] == "hold.subject_not_found"
    entered = chief.api("POST", f"/retention/cases/{HOUSEHOLD}/events", json={"event": "confirmed", "on": "2020-01-01"})
    assert (entered.status_code, entered.json()["case_file_id"]) == (201, case_id)
    back = {"event": "confirmed", "on": "2020-01-01", "reason": "x", "row_version": entered.json()["row_version"]}
    assert chief.api("POST", f"/retention/cases/{HOUSEHOLD}/events/withdraw", json=back).status_code == 200
    assert chief.api("POST", f"/retention/cases/{HOUSEHOLD}/events/withdraw", json=back).status_code == 409


def test_the_console_does_it_too(site: Site, base: str, tmp_path: Path) -> None:
    def command(*given: str) -> tuple[int, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "lantai", *given, "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            env={"LANTAI_HOME": str(site.settings.home), "PATH": "/usr/bin:/bin"},
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    code, told = command("hold", "place", HOUSEHOLD, "--title", "t", "--authority", "a", "--why", "w")
    assert (code, told["case_files"]) == (0, 1)
    assert told["id"] in {one["id"] for one in command("hold", "list")[1]["holds"]}
    code, refused = command("hold", "lift", told["id"], "--authority", "a", "--why", "w")
    assert (code != 0, refused["problem"]["code"]) == (True, "access.forbidden")
    assert command("retention", "due", "--before", "2030-01-01")[1]["due"][0]["rule_id"] == "R09"
    assert command("retention", "reassign", "--all")[1]["records"] == 3
    code, told = command("case", "event", HOUSEHOLD, "member_changed", "2024-05-01")
    assert (code, [one["event"] for one in told["events"]][-1]) == (0, "member_changed")
    code, told = command("case", "event", HOUSEHOLD, "member_changed", "2024-05-01", "--withdraw", "x")
    assert "member_changed" not in [one["event"] for one in told["events"]]


def test_the_due_list_opens_with_what_is_due_today_and_an_emptied_day_looks_ahead(visit: Visitor) -> None:
    browser = visit("archivist")
    chosen = re.compile(r'<input[^>]*name="until"[^>]*value="(\d{4}-\d{2}-\d{2})?"')
    for address, dated in (("/retention/due", True), ("/retention/due?until=", False)):
        found = chosen.search(browser.get(address).text)
        assert found is not None
        assert (found.group(1) is not None) is dated
