"""What is hidden stays hidden: counts, missing papers, names of damaged files, numbers in names, refused looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm.attributes import flag_modified

from access.accounts import console_actor, create_account, grant_role
from access.organs import create_organ
from lantai.site import Site
from metadata.household import household_no
from metadata.idcard import check_digit
from metadata.identifiers import new_id
from repository.clock import local_date
from repository.tables import (
    AccountRole,
    CaseFile,
    CaseRecord,
    Finding,
    Incident,
    Record,
    RecordVersion,
    StoredFile,
)
from tests.unit.lantai_web.conftest import ID_NUMBER, PASSWORD, Browser, Papers, take_in

Visit = Callable[..., Browser]
NUMBER = ID_NUMBER + check_digit(ID_NUMBER)
PHONE = "13800138000"
NAME = f"李桂兰 {NUMBER}.txt"


@dataclass(frozen=True)
class Marked:
    """A household file of two papers; the application is restricted, and numbers stand in its names."""

    household_no: str
    case_file_id: str
    submission_id: str
    hidden: str
    shown: str
    file_id: str


@pytest.fixture(scope="module")
def marked(site: Site, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Marked:
    """Two papers of another household, and a supervisor who sees cases and lists nothing."""
    del papers
    number = household_no("990101001001", 8)
    taken = {}
    for kind, name in (("APP01", NAME), ("CHK08", "照片.txt")):
        folder = tmp_path_factory.mktemp(kind) / f"电话 {PHONE} {kind}"
        folder.mkdir()
        (folder / name).write_text(f"{kind} 材料\n")
        submission_id = take_in(site, folder, household_no=number, programme="DB", document_type=kind)
        with site.archive.reading() as session:
            found = session.scalars(select(Record).where(Record.submission_id == submission_id)).one()
            assert found.document_type == kind
            taken[kind] = (found.id, submission_id)
    hidden, shown = taken["APP01"][0], taken["CHK08"][0]
    with site.archive.sessions.begin() as session:
        session.execute(update(Record).where(Record.id == hidden).values(access_level="restricted"))
        case = session.scalars(
            select(CaseFile)
            .join(CaseRecord, CaseRecord.case_file_id == CaseFile.id)
            .where(CaseRecord.record_id == hidden)
        ).one()
        file_id = session.scalars(select(StoredFile.id).where(StoredFile.record_id == hidden)).one()
        case_file_id = case.id
        actor = console_actor(session, site.archive.profile, "test")
        common = {"session": session, "archive": site.archive, "actor": actor}
        create_organ(**common, code="pf", name_zh="市民政局", level="PF", division_prefix="9901")  # type: ignore[arg-type]
        create_account(
            **common,  # type: ignore[arg-type]
            username="supervisor",
            display_name="合成 supervisor",
            organ_code="pf",
            password=PASSWORD,
            roles=[("supervisor", "pf")],
        )
    return Marked(number, case_file_id, taken["APP01"][1], hidden, shown, file_id)


def test_counts_and_missing_papers_tell_nothing_of_hidden_ones(visit: Visit, marked: Marked) -> None:
    path = f"/case-files/{marked.case_file_id}"
    clerk, archivist = visit("clerk").api("GET", path).json(), visit("archivist").api("GET", path).json()
    assert (clerk["records"], archivist["records"]) == (1, 2)

    def slots(case: dict[str, list[dict[str, list[dict[str, object]]]]], *, there: bool) -> set[object]:
        return {
            one["code"] for stage in case["contents"] for one in stage["slots"] if (one["record"] is not None) == there
        }

    assert slots(archivist, there=True) == {"APP01", "CHK08"}
    assert slots(clerk, there=True) == {"CHK08"}
    assert "APP01" not in slots(clerk, there=False)  # it is there, and hidden
    assert clerk["missing"] == archivist["missing"] > 0
    listed = visit("clerk").api("GET", f"/case-files?household_no={marked.household_no}").json()["items"]
    assert [one["records"] for one in listed] == [1]


def test_who_lists_no_records_is_told_of_no_missing_papers(visit: Visit, marked: Marked) -> None:
    supervisor = visit("supervisor")
    case = supervisor.api("GET", f"/case-files/{marked.case_file_id}").json()
    assert (case["missing"], case["contents"], case["records"]) == (None, [], 0)
    page = supervisor.get(f"/case-files/{marked.case_file_id}").text
    assert marked.household_no in page
    for word in ("contents__one--missing", "count--look", "count--ok", "户档还是空的"):
        assert word not in page


@pytest.fixture
def incident(site: Site, marked: Marked) -> Iterator[str]:
    """Damage of the hidden paper, closed again so that nobody repairs it."""
    incident_id = new_id()
    with site.archive.sessions.begin() as session:
        session.execute(update(Record).where(Record.id == marked.hidden).values(title=f"李桂兰 {PHONE}"))
        version = session.get_one(RecordVersion, (marked.hidden, 1))
        session.add(
            Incident(
                id=incident_id,
                seq=900_000,
                replica="b",
                key=version.object_key,
                record_id=marked.hidden,
                fault="damaged",
                state="closed",
                detail={
                    "members": [f"data/{NAME}"],
                    "findings": [{"code": "bag.digest", "path": f"data/{NAME}"}],
                    "differing_bytes": 3,
                },
                opened_at=site.archive.clock.now(),
            )
        )
    yield incident_id
    with site.archive.sessions.begin() as session:
        session.delete(session.get_one(Incident, incident_id))


def test_an_incident_names_files_only_to_who_may_see_them(visit: Visit, incident: str) -> None:
    path = f"/preservation/incidents/{incident}"
    officer = visit("officer").get(path).text
    assert "差异字节数" in officer
    assert "李桂兰" not in officer
    archivist = visit("archivist").get(path).text
    assert archivist.count("李桂兰") >= 3  # the record's title, the member, the finding
    assert NUMBER not in archivist
    assert PHONE not in archivist


def test_numbers_in_names_are_masked_but_in_the_name_of_a_download(visit: Visit, site: Site, marked: Marked) -> None:
    with site.archive.sessions.begin() as session:
        record = session.scalars(select(Record).where(Record.id == marked.hidden)).one()
        record.title = f"李桂兰 {PHONE}"
        record.description = {
            **record.description,
            "author": f"作者 {PHONE}",
            "note": NUMBER,
            "document_number": NUMBER,
        }
        case = session.scalars(select(CaseFile).where(CaseFile.id == marked.case_file_id)).one()
        case.title = f"李桂兰 {NUMBER}"
        case.state = {**case.state, "events": [{"event": "accepted", "on": "2026-01-02", "note": f"电 {PHONE}"}]}
        flag_modified(case, "state")
        session.add(
            Finding(
                submission_id=marked.submission_id,
                code="file.empty",
                severity="warning",
                outcome="warning",
                path=NAME,
                created_at=site.archive.clock.now(),
            )
        )
    archivist = visit("archivist")
    for path in (
        f"/records/{marked.hidden}",
        f"/case-files/{marked.case_file_id}",
        "/holdings",
        "/use",
        "/submissions",
        f"/submissions/{marked.submission_id}",
        f"/api/v1/records/{marked.hidden}/files",
        f"/api/v1/case-files/{marked.case_file_id}",
        "/api/v1/submissions",
        f"/api/v1/submissions/{marked.submission_id}",
        f"/api/v1/submissions/{marked.submission_id}/findings",
    ):
        answer = archivist.get(path)
        assert answer.status_code == 200, path
        assert NUMBER not in answer.text, path
        assert PHONE not in answer.text, path
    assert "138****8000" in archivist.get(f"/submissions/{marked.submission_id}").text
    assert archivist.get(f"/records/{marked.hidden}").text.count("138****8000") >= 2
    download = archivist.get(f"/files/{marked.file_id}/download")
    assert NUMBER in download.headers["content-disposition"]


def test_refused_looks_at_files_and_case_files_are_registered(visit: Visit, site: Site, marked: Marked) -> None:
    other, archivist = visit("other"), visit("archivist")
    file_ways = ("/files/{}", "/files/{}/content", "/files/{}/pages/1.webp", "/api/v1/files/{}/text")
    case_ways = ("/case-files/{}", "/api/v1/case-files/{}", "/api/v1/records?case_file={}")
    ways = [(one.format(marked.file_id), "file_id", marked.file_id) for one in file_ways]
    ways += [(one.format(marked.case_file_id), "case_file_id", marked.case_file_id) for one in case_ways]
    ways += [
        (f"/households/{marked.household_no}", "case_file_id", marked.case_file_id),
        (f"/api/v1/case-files/{marked.household_no}", "case_file_id", marked.case_file_id),
    ]
    for path, name, subject in ways:
        archivist.get(f"/files/{marked.file_id}")  # enters nothing: it only leads on
        assert other.get(path).status_code == 404, path
        newest = archivist.api("GET", "/use-register?limit=1").json()["items"][0]
        assert (newest["act"], newest["actor_name"], newest[name]) == ("access.refused", "合成 other", subject), path
    assert other.get("/households/none").status_code == 404
    guessed = archivist.api("GET", "/use-register?limit=1").json()["items"][0]
    assert (guessed["act"], guessed["actor_name"]) == ("access.refused", "合成 other")
    assert [guessed[one] for one in ("record_id", "case_file_id", "file_id")] == [None] * 3  # there is no such thing


def test_records_of_a_case_file_are_listed_by_household_number_too(visit: Visit, marked: Marked) -> None:
    archivist = visit("archivist")
    by_id, by_number = (
        {one["id"] for one in archivist.api("GET", f"/records?case_file={number}").json()["items"]}
        for number in (marked.case_file_id, marked.household_no)
    )
    assert by_id == by_number == {marked.hidden, marked.shown}


def test_roles_with_an_end_are_listed_until_then(visit: Visit, site: Site) -> None:
    today = local_date(site.archive.clock.now(), site.archive.zone)
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        common = {"session": session, "archive": site.archive, "actor": actor}
        account = create_account(
            **common,  # type: ignore[arg-type]
            username="temporary",
            display_name="合成 temporary",
            organ_code="ts1",
            roles=[],
        )
        grant_role(
            **common,  # type: ignore[arg-type]
            username="temporary",
            role="clerk_township",
            organ_code="ts1",
            ends_on=today + timedelta(days=3),
        )
        account_id = account.id

    def roles() -> list[str]:
        held = visit("sysadmin").api("GET", "/accounts/temporary").json()["held"]
        return [one["role"] for one in held if one["state"] != "ended"]

    assert len(roles()) == 1
    with site.archive.sessions.begin() as session:
        session.execute(
            update(AccountRole)
            .where(AccountRole.account_id == account_id)
            .values(starts_on=today - timedelta(days=9), ends_on=today)
        )
    assert roles() == []
