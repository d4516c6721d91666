"""Who supervises a county sees its household files, but not the names of the people in them."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from access import epochs
from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from lantai.site import Site
from metadata.household import household_no
from metadata.identifiers import new_id
from repository.cases import Member, case_file, household
from repository.tables import AccessGrant, AccessRequest, Account, GrantSubject
from tests.unit.lantai_web.conftest import PASSWORD, Browser, Papers, take_in

NUMBER = household_no("990101001001", 71)
APPLICANT, CHILD = "欧阳春晓", "欧阳小满"
SHOWN = "欧* 最低生活保障"


_REQUESTS = select(AccessRequest.id).where(AccessRequest.number.startswith("2098-"))
_OURS = {
    GrantSubject: GrantSubject.grant_id.in_(select(AccessGrant.id).where(AccessGrant.request_id.in_(_REQUESTS))),
    AccessGrant: AccessGrant.request_id.in_(_REQUESTS),
    AccessRequest: AccessRequest.number.startswith("2098-"),
}


@dataclass(frozen=True)
class Overseen:
    """A household's file, and the account that supervises its county."""

    case_file_id: str
    account_id: str


@pytest.fixture(scope="module")
def overseen(site: Site, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Overseen]:
    """A household of two with one paper; a supervisor who may search, by a grant of a paper of other people."""
    archive = site.archive
    with archive.sessions.begin() as session:
        actor = console_actor(session, archive.profile, "test")
        assert actor.organ_id is not None
        whose = household(
            session, archive=archive, household_no=NUMBER, division_code="990101001001", applicant_name=APPLICANT
        )
        case, _ = case_file(
            session,
            archive=archive,
            household=whose,
            programme="DB",
            organ_id=actor.organ_id,
            title=f"{APPLICANT}一家低保",
            members=[Member(APPLICANT, relation="本人"), Member(CHILD, relation="子女")],
            events=[{"on": "2024-03-01", "event": "opened", "note": f"{CHILD}入学"}],
        )
        case_file_id = case.id
        create_organ(
            session, archive=archive, actor=actor, code="overseer", name_zh="市局", level="PF", division_prefix="9901"
        )
        account = create_account(
            session,
            archive=archive,
            actor=actor,
            username="overseer",
            display_name="合成 overseer",
            organ_code="overseer",
            password=PASSWORD,
            roles=[("supervisor", "overseer")],
        )
        _grant(site, session, account, "record", next(iter(papers.record_ids.values())), "2098-0001")
        account_id = account.id
    folder = tmp_path_factory.mktemp("overseen") / "材料"
    folder.mkdir()
    (folder / "申请.txt").write_text(f"申请人{APPLICANT}\n")
    take_in(site, folder, household_no=NUMBER, programme="DB")
    yield Overseen(case_file_id, account_id)
    with archive.sessions.begin() as session:  # other tests walk through all requests, and these are half made
        for table in (GrantSubject, AccessGrant, AccessRequest):
            session.execute(delete(table).where(_OURS[table]))
        epochs.moved(session, [account_id])


def _grant(site: Site, session: Session, account: Account, kind: str, subject_id: str, number: str) -> None:
    now = site.archive.clock.now()
    request = AccessRequest(
        id=new_id(),
        number=number,
        account_id=account.id,
        organ_id=account.organ_id,
        requester="supervision",
        purpose="inspection",
        days=3,
        wanted={},
        state="approved",
        decision="whole",
        profile_version=site.archive.profile.label,
        created_at=now,
        updated_at=now,
        submitted_at=now,
    )
    session.add(request)
    session.flush()
    grant = AccessGrant(
        id=new_id(),
        request_id=request.id,
        account_id=account.id,
        permissions=["search", "record.list", "record.read"],
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(days=3),
        created_at=now,
    )
    session.add(grant)
    session.flush()
    session.add(GrantSubject(grant_id=grant.id, kind=kind, subject_id=subject_id))
    epochs.moved(session, [account.id])


def _said(answer: httpx.Response) -> str:
    """What an answer says, whatever is marked in it; of a workbook all its parts."""
    assert answer.status_code == 200, (str(answer.url), answer.text[:500])
    if "spreadsheet" not in answer.headers["content-type"]:
        text = answer.content.decode()
    else:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            text = "\n".join(book.read(name).decode() for name in book.namelist())
    return re.sub("</?mark[^>]*>", "", html.unescape(text))


def _ways(case_file_id: str) -> list[tuple[str, bool]]:
    """Addresses under which a household file shows, and whether this one does under them."""
    return [
        (f"/holdings?household_no={NUMBER}", True),
        (f"/holdings.csv?household_no={NUMBER}", True),
        (f"/holdings.xlsx?household_no={NUMBER}", True),
        ("/holdings/tree?programme=DB", True),
        (f"/households/{NUMBER}", True),
        (f"/case-files/{case_file_id}", True),
        (f"/retention/cases/{case_file_id}", True),
        (f"/search?q={NUMBER}", True),
        (f"/search.csv?q={NUMBER}", True),
        (f"/search.xlsx?q={NUMBER}", True),
        ("/search?q=name:ouyangchunxiao", True),
        (f"/api/v1/case-files?household_no={NUMBER}", True),
        (f"/api/v1/case-files/{NUMBER}", True),
        (f"/api/v1/search?q={NUMBER}&kind=household", True),
        ("/retention/due", False),
        ("/search?q=欧阳春小", False),  # one letter wrong: what was meant is a name
        ("/use", False),
        ("/", False),
    ]


def test_a_supervisor_is_shown_no_name_anywhere(visit: Callable[[str], Browser], overseen: Overseen) -> None:
    browser = visit("overseer")
    for path, shows in _ways(overseen.case_file_id):
        said = _said(browser.get(path, follow_redirects=True))
        for name in (APPLICANT, CHILD, "春晓", "小满"):
            assert name not in said, path
        assert not shows or SHOWN in said, path
    whole = browser.api("GET", f"/case-files/{NUMBER}").json()
    assert [one["name"] for one in whole["members"]] == ["欧*", "欧*"]
    found = browser.api("GET", f"/search?q={APPLICANT}&kind=household").json()["hits"]
    assert [one["title"] for one in found] == [SHOWN]  # who knows a name may ask for it, and is not shown it
    assert APPLICANT not in str(found)


def test_others_are_shown_the_names(visit: Callable[[str], Browser], overseen: Overseen) -> None:
    for username in ("clerk", "archivist"):
        browser = visit(username)
        for path, shows in _ways(overseen.case_file_id):
            if shows and not (username == "clerk" and "/retention/" in path):
                assert APPLICANT in _said(browser.get(path, follow_redirects=True)), path


def test_a_grant_that_names_the_file_shows_them(
    site: Site, visit: Callable[[str], Browser], overseen: Overseen
) -> None:
    with site.archive.sessions.begin() as session:
        account = session.query(Account).filter(Account.id == overseen.account_id).one()
        _grant(site, session, account, "case_file", overseen.case_file_id, "2098-0002")
    whole = visit("overseer").api("GET", f"/case-files/{NUMBER}").json()
    assert [one["name"] for one in whole["members"]] == [APPLICANT, CHILD]
    assert whole["title"] == f"{APPLICANT}一家低保"
