"""A bureau to be attacked: two townships, people inside and outside, papers with hostile names, a borrower with two grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import select

from access import epochs
from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.household import household_no
from metadata.idcard import check_digit
from metadata.identifiers import new_id
from repository.tables import (
    AccessGrant,
    AccessRequest,
    Account,
    CaseFile,
    GrantSubject,
    Household,
    Record,
    StoredFile,
)
from tests.unit.lantai_web.conftest import PASSWORD, Browser, take_in

SCRIPT = "<script>alert(1)</script>"
NAMES = (  # of files as deposited, and so of records
    "<img src=x onerror=alert(1)>.txt",
    '"><svg onload=alert(1)>.txt',
    "'-alert(1)-'.txt",
    "=HYPERLINK(1)+cmd.txt",
    "@SUM(1+1).txt",
    "\u202egpj.exe\u2066.txt",
    "ＡＢＣ😀שלום" + "長" * 50 + ".txt",
)
OURS, THEIRS = household_no("990101001001", 7), household_no("990101002001", 8)
NOBODYS = household_no("990101002001", 9)


def id_number(first: str) -> str:
    """A whole ID number."""
    return first + check_digit(first)


ONE, TWO = id_number("99010119860101123"), id_number("99010119790302456")
ALL = ["record.list", "record.read", "case.read", "search", "record.download", "unmask"]
MASKED = ["record.list", "record.read", "case.read", "search"]


@dataclass
class Siege:
    """The bureau, where it answers, and what lies in it: records and files by the name of the file."""

    site: Site
    base: str = ""
    records: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    opened: list[Browser] = field(default_factory=list)

    def visit(self, username: str = "") -> Browser:
        """A browser in which somebody has signed in; nobody without a name."""
        browser = Browser(self.base)
        self.opened.append(browser)
        if username:
            assert browser.sign_in(username).status_code == 303
        return browser

    def token(self, username: str, *permissions: str) -> dict[str, str]:
        """The header of a program of this person's, narrowed to ``permissions``."""
        told = {"label": "program", "permissions": list(permissions)}
        made = self.visit(username).api("POST", "/tokens", json=told)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {made.json()['token']}"}

    def grant(self, username: str, permissions: list[str], *record_ids: str) -> str:
        """A grant in force; its id."""
        archive = self.site.archive
        now, request_id, grant_id = archive.clock.now(), new_id(), new_id()
        with archive.sessions.begin() as session:
            account = session.scalars(select(Account).where(Account.username == username)).one()
            session.add(
                AccessRequest(
                    id=request_id,
                    number=f"S{request_id[:8]}",
                    account_id=account.id,
                    organ_id=account.organ_id,
                    requester="other_department",
                    purpose="inter_agency_verification",
                    days=3,
                    wanted={"kind": "records", "record_ids": list(record_ids)},
                    state="approved",
                    decision="whole",
                    profile_version=archive.profile.label,
                    created_at=now,
                    updated_at=now,
                    submitted_at=now,
                )
            )
            session.flush()
            session.add(
                AccessGrant(
                    id=grant_id,
                    request_id=request_id,
                    account_id=account.id,
                    permissions=permissions,
                    starts_at=now - timedelta(minutes=1),
                    ends_at=now + timedelta(days=3),
                    created_at=now,
                )
            )
            session.flush()
            session.add_all(GrantSubject(grant_id=grant_id, kind="record", subject_id=one) for one in record_ids)
            epochs.moved(session, [account.id])
        return grant_id

    def end(self, grant_id: str) -> None:
        """Take a grant back, as its approver does."""
        archive = self.site.archive
        with archive.sessions.begin() as session:
            found = session.scalars(select(AccessGrant).where(AccessGrant.id == grant_id)).one()
            found.revoked_at = archive.clock.now()
            epochs.moved(session, [found.account_id])


def besieged(folder: Path) -> Siege:
    """The bureau with its papers; not served yet."""
    site = initialise(load(home=folder / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    made = Siege(site)
    _people(site)
    names = folder / "hostile"
    names.mkdir()
    for number, name in enumerate(NAMES):
        (names / name).write_text(f"{SCRIPT} 材料 {number}\n")
    (names / "甲.txt").write_text(f"甲户低保申请书\n身份证号 {ONE}\n")
    (names / "乙.txt").write_text(f"乙户低保申请书\n身份证号 {TWO}\n")
    Image.new("RGB", (600, 800), "white").save(names / "证件.png")
    (names / "大.bin").write_bytes(bytes(range(256)) * 4096 * 24)
    take_in(site, names, household_no=OURS, programme="DB")
    theirs = folder / "theirs"
    theirs.mkdir()
    (theirs / "隔壁.txt").write_text("欧阳翡翠的低保申请书\n")
    take_in(site, theirs, household_no=THEIRS, programme="DB")
    with site.archive.reading() as session:
        for row in session.scalars(select(StoredFile)):
            name = row.original_name.rpartition("/")[2]
            made.files[name], made.records[name] = row.id, row.record_id
        cases = select(Household.household_no, CaseFile.id).join(CaseFile, CaseFile.household_id == Household.id)
        made.cases = dict(session.execute(cases).tuples().all())
        assert session.scalars(select(Record.id)).first()
    return made


def _people(site: Site) -> None:
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        common: dict[str, Any] = {"session": session, "archive": site.archive, "actor": actor}
        for code, prefix, level, superior in (
            ("ts1", "990101001", "TS", "bureau"),
            ("ts2", "990101002", "TS", "bureau"),
            ("ybj", "", "OD", None),
        ):
            create_organ(
                **common, code=code, name_zh=SCRIPT + code, level=level, division_prefix=prefix, parent_code=superior
            )
        for username, organ, role in (
            ("archivist", "bureau", "archivist"),
            ("chief", "bureau", "archive_chief"),
            ("head", "bureau", "bureau_head"),
            ("vice", "bureau", "bureau_head"),
            ("auditor", "bureau", "audit_admin"),
            ("system", "bureau", "sys_admin"),
            ("security", "bureau", "sec_admin"),
            ("clerk", "ts1", "clerk_township"),
            ("keeper", "ts1", "archivist_township"),
            ("borrower", "ybj", "borrower_external"),
            ("taker", "ybj", "borrower_external"),
            ("second", "ybj", "borrower_external"),
        ):
            create_account(
                **common,
                username=username,
                display_name=f"{SCRIPT}{username}",
                organ_code=organ,
                password=PASSWORD,
                roles=[(role, organ)],
            )
