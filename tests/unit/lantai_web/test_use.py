"""The room Use over HTTP: every look leaves its entry, the auditor takes the register out, alarms, exports that wait."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from access import use_register
from access.accounts import create_account
from access.actors import console_actor
from access.register_lines import Filters
from lantai.site import Site
from metadata.identifiers import new_id
from repository.tables import Account, CaseFile, LedgerEntry, StoredFile
from tests.unit.lantai_web.conftest import PASSWORD, Browser, Papers

Visit = Callable[[str], Browser]
PEOPLE = {
    "use-auditor": ("audit_admin", "bureau"),
    "use-security": ("sec_admin", "bureau"),
    "use-chief": ("archive_chief", "bureau"),
    "use-reader": ("archivist", "bureau"),
    "use-taker": ("archivist", "bureau"),
    "use-guesser": ("clerk_township", "ts2"),
}


@pytest.fixture(scope="module", autouse=True)
def people(site: Site) -> None:
    """People of this module alone: what one of them takes out slows nobody else down."""
    with site.archive.sessions.begin() as session:
        for username, (role, organ) in PEOPLE.items():
            create_account(
                session,
                archive=site.archive,
                actor=console_actor(session, site.archive.profile, "test"),
                username=username,
                display_name=f"合成 {username}",
                organ_code=organ,
                password=PASSWORD,
                roles=[(role, organ)],
            )


def account(site: Site, username: str) -> str:
    """The id of an account."""
    with site.archive.reading() as session:
        return session.scalars(select(Account.id).where(Account.username == username)).one()


def latest(site: Site, username: str, count: int = 1) -> list[Any]:
    """The newest entries of somebody."""
    with site.archive.reading() as session:
        return use_register.entries(session, actor_id=account(site, username), limit=count)


@pytest.fixture(scope="module")
def things(site: Site, papers: Papers) -> dict[str, str]:
    """Ids of a record, its file and its case file."""
    record_id = papers.record_ids["申請書.txt"]
    with site.archive.reading() as session:
        file_id = session.scalars(select(StoredFile.id).where(StoredFile.record_id == record_id)).first()
        sound = session.scalars(
            select(StoredFile.id).where(StoredFile.record_id == papers.record_ids["录音.wav"])
        ).first()
        case = session.scalars(select(CaseFile.id).order_by(CaseFile.seq)).first()
    assert file_id is not None
    assert case is not None
    assert sound is not None
    return {"record": record_id, "file": file_id, "case": case, "household": papers.household_no, "sound": sound}


WAYS = (
    ("/records/{record}", "record.viewed", "screen"),
    ("/case-files/{case}", "case.viewed", "screen"),
    ("/files/{sound}/content", "file.viewed", "screen"),
    ("/files/{file}/download", "file.downloaded", "download"),
    ("/records/{record}/versions/1/package", "record.exported", "export"),
    ("/records/{record}/report", "record.viewed", "report"),
    ("/records/{record}/report.json", "record.viewed", "report"),
    ("/records/{record}/report.pdf", "record.viewed", "report"),
    ("/households/{household}/report", "case.viewed", "report"),
    ("/search?q=王秀英", "search.performed", "screen"),
    ("/search.csv?q=王秀英", "search.performed", "export"),
    ("/search.xlsx?q=王秀英", "search.performed", "export"),
    ("/use?all=1", "register.viewed", "screen"),
    ("/api/v1/records/{record}", "record.viewed", "api"),
    ("/api/v1/records/{record}/files", "record.viewed", "api"),
    ("/api/v1/records/{record}/timeline", "record.viewed", "api"),
    ("/api/v1/records/{record}/report", "record.viewed", "report"),
    ("/api/v1/case-files/{case}", "case.viewed", "api"),
    ("/api/v1/households/{household}/report", "case.viewed", "report"),
    ("/api/v1/files/{file}/content", "file.downloaded", "download"),
    ("/api/v1/files/{file}/text", "file.viewed", "api"),
    ("/api/v1/retention/records/{record}", "record.viewed", "api"),
    ("/api/v1/search?q=王秀英", "search.performed", "api"),
    ("/api/v1/search/export?q=王秀英&as=json", "search.performed", "export"),
    ("/api/v1/use-register", "register.viewed", "api"),
)


@pytest.mark.parametrize(("path", "act", "form"), WAYS)
def test_every_kind_of_look_leaves_its_entry(
    visit: Visit, site: Site, things: dict[str, str], path: str, act: str, form: str
) -> None:
    reader = visit("use-reader")
    before = latest(site, "use-reader")
    answer = reader.get(path.format(**things))
    assert answer.status_code == 200, answer.text[:300]
    (after,) = latest(site, "use-reader")
    assert before == [] or after.seq > before[0].seq
    assert (after.act, after.form, after.reason) == (act, form, "case_handling")
    assert after.organ_id


REFUSED = (
    ("/records/{record}", "record_id"),
    ("/case-files/{case}", "case_file_id"),
    ("/files/{file}/content", "file_id"),
    ("/api/v1/records/{record}", "record_id"),
    ("/households/{household}", "case_file_id"),
)


@pytest.mark.parametrize(("path", "name"), REFUSED)
def test_every_refused_look_leaves_one_entry_and_tells_nothing(
    visit: Visit, site: Site, things: dict[str, str], path: str, name: str
) -> None:
    other = visit("other")
    count = len(latest(site, "other", 500))
    answer = other.get(path.format(**things))
    assert answer.status_code == 404
    assert "登记" not in answer.text.split("<main")[-1].split("</main>")[0]
    entries = latest(site, "other", 500)
    assert len(entries) == count + 1
    assert entries[0].act == "access.refused"
    assert getattr(entries[0], name) in things.values()


def test_what_a_role_does_not_permit_is_entered_with_the_right_that_was_lacking(
    visit: Visit, site: Site, things: dict[str, str]
) -> None:
    clerk = visit("clerk")
    assert clerk.get(f"/files/{things['file']}/download").status_code == 403
    (entry,) = latest(site, "clerk")
    assert (entry.act, entry.file_id, entry.permission) == ("access.refused", things["file"], "record.download")
    assert clerk.get("/preservation").status_code == 403
    (entry,) = latest(site, "clerk")
    assert (entry.act, entry.permission) == ("access.refused", "fixity.read")


def test_printing_is_told_by_the_browser_and_passes_the_gate(visit: Visit, site: Site, things: dict[str, str]) -> None:
    reader = visit("use-reader")
    fields = {"record_id": things["record"], "file_id": things["file"], "page": "2"}
    assert reader.post("/use/printed", fields).status_code == 204
    (entry,) = latest(site, "use-reader")
    assert (entry.act, entry.form, entry.page, entry.file_id) == ("page.printed", "print", 2, things["file"])
    assert reader.post("/use/printed", {"case_file_id": things["case"]}).status_code == 204
    assert reader.http.post("/use/printed", data=fields).status_code == 403  # no token
    other = visit("other")
    assert other.post("/use/printed", fields).status_code == 404
    assert latest(site, "other")[0].act == "access.refused"


def test_the_purpose_is_one_of_the_profile_and_old_ones_keep_their_words(
    visit: Visit, site: Site, things: dict[str, str]
) -> None:
    reader = visit("use-reader")
    for purpose, kept in (("audit", "audit"), ("statutory_case", "audit"), ("casework", "audit")):
        reader.post("/preferences", {"purpose": purpose, "next": "/"})
        reader.get(f"/records/{things['record']}")
        assert latest(site, "use-reader")[0].reason == kept  # the others need a request, or are of an older version
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "old")
        use_register.looked(
            session,
            archive=site.archive,
            actor=actor,
            act="record.viewed",
            record_id=things["record"],
            reason="casework",
            form="screen",
        )
    page = reader.get(f"/use?all=1&record={things['record']}").text
    assert "业务办理" in page
    assert ">casework<" not in page
    assert "办理救助业务" in page


def test_the_auditor_reads_ids_and_no_titles_and_opens_nothing(
    visit: Visit, site: Site, things: dict[str, str]
) -> None:
    visit("use-reader").get(f"/records/{things['record']}")
    auditor = visit("use-auditor")
    assert things["record"][:8] in auditor.get("/use").text  # the register is what she comes for
    assert things["record"][:8] not in auditor.get("/use?own=1").text
    page = auditor.get("/use?all=1")
    assert page.status_code == 200
    assert things["record"][:8] in page.text
    assert "申請書" not in page.text
    assert f'href="/records/{things["record"]}"' not in page.text
    assert auditor.get(f"/records/{things['record']}").status_code == 404
    assert auditor.get(f"/files/{things['file']}/content").status_code == 404
    items = auditor.api("GET", f"/use-register?record={things['record']}&totals=true").json()
    assert items["items"]
    assert "申請書" not in str(items)
    assert items["totals"]["screen"] >= 1
    reader = visit("use-reader").get(f"/use?all=1&record={things['record']}")
    assert f'href="/records/{things["record"]}"' in reader.text


def test_the_register_is_filtered_on_the_page_and_a_wrong_day_is_told(
    visit: Visit, site: Site, things: dict[str, str]
) -> None:
    visit("use-reader").get(f"/case-files/{things['case']}")
    auditor = visit("use-auditor")
    found = auditor.get(f"/use?all=1&case_file={things['household']}&person=use-reader&act=case.viewed&form=screen")
    assert "合成 use-reader" in found.text
    rows = found.text.split("<tbody>")[1].split("</tbody>")[0]
    assert "查看户档" in rows
    assert auditor.get("/use?all=1&person=nobody").text.count("<tbody>") == 0
    for wrong in ("since=gestern", "since=2026-02-01&until=2026-01-01"):
        answer = auditor.get(f"/use?all=1&{wrong}")
        assert answer.status_code == 422
        assert "2024-03-01" in answer.text
    assert auditor.get("/use?all=1&since=2026-01-01&until=2099-01-01&request=R1&organ=x").status_code == 200
    clerk = visit("clerk").get(f"/use?all=1&person={account(site, 'use-reader')}")
    assert "合成 use-reader" not in clerk.text  # her own looks, whatever she asks for


HOSTILE = '=HYPERLINK("http://x.example","1")'


def test_the_auditor_takes_the_register_out_and_no_cell_becomes_a_formula(
    visit: Visit, site: Site, things: dict[str, str]
) -> None:
    with site.archive.sessions.begin() as session:
        use_register.looked(
            session,
            archive=site.archive,
            actor=console_actor(session, site.archive.profile, "=cmd"),
            act="record.viewed",
            record_id=things["record"],
            reason=HOSTILE,
            form="screen",
        )
    auditor = visit("use-auditor")
    wanted = f"record={things['record']}"
    workbook = auditor.get(f"/use.xlsx?{wanted}")
    assert workbook.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(workbook.content)).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert HOSTILE in {cell.value for cell in cells}
    assert "申請書" not in {str(cell.value) for cell in cells}
    lines = list(csv.reader(io.StringIO(auditor.get(f"/use.csv?{wanted}").content.decode("utf-8-sig"))))
    assert "'" + HOSTILE in {cell for line in lines for cell in line}
    assert auditor.api("GET", f"/use-register/export?{wanted}&as=json").json()["rows"]
    printed = auditor.get(f"/use/print?{wanted}")
    assert "合成 use-auditor" in printed.text
    assert things["record"] in printed.text
    acts = [(one.act, one.form, one.record_id) for one in latest(site, "use-auditor", 4)]
    assert acts == [
        ("register.exported", "print", things["record"]),
        *[("register.exported", "export", things["record"])] * 3,
    ]


@pytest.mark.parametrize("username", ["use-reader", "use-chief", "use-security", "clerk", "sysadmin"])
def test_nobody_else_takes_it_out(visit: Visit, site: Site, username: str) -> None:
    browser = visit(username)
    for path in ("/use.xlsx", "/use.csv", "/use/print", "/api/v1/use-register/export"):
        assert browser.get(path).status_code == 403, path
        assert latest(site, username)[0].act == "access.refused"
    assert "/use.xlsx" not in browser.get("/use?all=1").text


def test_guessing_raises_an_alarm_that_somebody_else_closes(visit: Visit, site: Site) -> None:
    guesser = visit("use-guesser")
    limit = site.archive.profile.borrowing.bulk_alarm.refusals_per_hour
    for number in range(limit + 3):
        path = f"/records/{new_id()}" if number % 2 else f"/households/{number}"
        assert guesser.get(path).status_code == 404
    for username in ("use-reader", "clerk", "use-guesser", "sysadmin"):
        assert visit(username).get("/alarms?area=use").status_code == 403
    assert "合成 use-guesser" in visit("use-security").get("/alarms").text
    auditor = visit("use-auditor")
    page = auditor.get("/alarms")
    assert page.text.count("合成 use-guesser") == 1
    assert "多次被拒绝" in page.text
    (alarm,) = [
        one
        for one in auditor.api("GET", "/alarms?state=waiting&area=use").json()["items"]
        if one["subject"] == account(site, "use-guesser")
    ]
    path = f"/alarms/{alarm['id']}"
    for username in ("use-reader", "sysadmin"):
        assert visit(username).get(path).status_code in {403, 404}
    assert auditor.get("/").text.count(path) == 1  # Today leads there
    assert auditor.post(f"{path}/take", {"words": ""}).status_code == 303
    assert "处理中" in auditor.get("/alarms?state=handling").text
    assert auditor.post(f"{path}/close", {"words": " "}).status_code == 422
    assert auditor.post(f"{path}/close", {"words": "<b>核查</b>"}).status_code == 303
    told = auditor.get(path).text
    assert told.count("&lt;b&gt;核查&lt;/b&gt;") == 2  # what came of it, and the course of events
    steps = auditor.api("GET", f"/alarms/{alarm['id']}").json()["steps"]
    assert [one["step"] for one in steps] == ["raised", "taken", "closed"]
    again = auditor.api("POST", f"/alarms/{alarm['id']}/close", json={"remark": "再来"})
    assert (again.status_code, again.json()["code"]) == (409, "alarm.closed")
    unknown = auditor.api("POST", f"/alarms/{new_id()}/close", json={"remark": "无"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "alarm.not_found")


def test_mass_export_in_small_steps_is_stopped_and_reported(visit: Visit, site: Site, things: dict[str, str]) -> None:
    taker = visit("use-taker")
    limit = site.archive.profile.borrowing.bulk_alarm.exports_per_day
    ways = ("/search.csv?q=王秀英", f"/files/{things['file']}/download", "/api/v1/search/export?q=王秀英&as=json")
    for number in range(limit):
        path = ways[number % len(ways)]
        assert taker.get(path).status_code == 200, number
    with site.archive.reading() as session:
        before = len(use_register.entries(session, actor_id=account(site, "use-taker"), limit=500))
    for path in (ways[0], f"/files/{things['sound']}/download", f"/records/{things['record']}/versions/1/package"):
        answer = taker.get(path)
        assert answer.status_code == 429, path
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert "分钟后再试" in answer.text
    answer = taker.get(ways[2])
    assert (answer.status_code, answer.json()["code"]) == (429, "export.slowed")
    assert taker.get(f"/records/{things['record']}").status_code == 200  # reading goes on
    entries = latest(site, "use-taker", 500)
    assert [one.act for one in entries[1:5]] == ["access.refused"] * 4
    assert len(entries) == before + 5
    page = visit("use-auditor").get("/alarms").text
    assert page.count("合成 use-taker") == 1
    assert "大量导出" in page


def test_looks_stand_in_the_stream_of_use_with_their_form(site: Site) -> None:
    with site.archive.reading() as session:
        rows = session.scalars(select(LedgerEntry).where(LedgerEntry.stream == "use"))
        assert all(row.form in use_register.FORMS for row in rows)
        archive = site.archive
        console = console_actor(session, archive.profile, "test")
        assert use_register.register(session, console, archive.profile, filters=Filters(), limit=5)
