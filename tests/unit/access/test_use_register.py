"""The use register: what is entered, under which request, who reads which lines, and what a role may not learn from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from access import use_register
from access.accounts import SYSTEM, Actor
from access.actors import GrantHeld
from access.register_lines import Filters, lines, values_of
from access.register_scope import name_masked
from metadata.errors import Forbidden
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.ledger import access_acts
from repository.ledger.catalogue import verify_catalogue
from repository.ledger.seal import seal
from repository.tables import AccessRequest, Account, LedgerEntry, LedgerPending
from tests.unit.access.conftest import County

pytestmark = pytest.mark.both_databases

PROFILE = builtin("social_assistance")
Put = Callable[..., str]


def look(session: Session, county: County, actor: Actor, act: str = "record.viewed", **given: Any) -> None:
    """Enter a look, on screen and for a case unless told otherwise."""
    use_register.looked(
        session,
        archive=county.archive,
        actor=actor,
        act=act,
        **{"reason": "case_handling", "form": "screen", **given},
    )


def entered(session: Session, county: County, actor: Actor) -> Actor:
    """The actor with an account, so that names stand in the register."""
    session.add(
        Account(
            id=actor.id,
            username=actor.id[-12:],
            display_name="王秀英",
            organ_id=actor.organ_id,
            created_at=county.archive.clock.now(),
        )
    )
    session.flush()
    return actor


def request_for(session: Session, county: County, account_id: str, organ: str, purpose: str = "statutory_case") -> str:
    """A request for access that has been approved; its id."""
    now = county.archive.clock.now()
    row = AccessRequest(
        id=new_id(),
        number=f"R{session.scalar(select(func.count()).select_from(AccessRequest))}",
        account_id=account_id,
        organ_id=county.organs[organ],
        requester="statutory",
        purpose=purpose,
        days=3,
        wanted={"kind": "records"},
        state="approved",
        profile_version=PROFILE.label,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def granted(actor: Actor, request_id: str, record_id: str, *, waiting: bool = False) -> Actor:
    """The actor with a grant that names a record."""
    held = GrantHeld(
        id=new_id(),
        request_id=request_id,
        number="R0",
        permissions=frozenset({"record.read"}),
        record_ids=frozenset({record_id}),
        case_file_ids=frozenset(),
        ends_at=None,
        waiting=waiting,
    )
    return replace(actor, grants=(held,))


def test_a_look_and_its_entry_are_there_together_or_not_at_all(county: County, put: Put) -> None:
    clerk = county.actor("clerk_township", "east")
    with county.archive.sessions.begin() as session:
        record_id = put(session)

    def fail() -> None:
        with county.archive.sessions.begin() as session:
            look(session, county, clerk, record_id=record_id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with county.archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(LedgerEntry).where(LedgerEntry.stream == "use")) == 0
    with county.archive.sessions.begin() as session:
        look(session, county, clerk, "page.viewed", record_id=record_id, file_id=new_id(), page=7, call_id="c-1")
    with county.archive.reading() as session:
        (entry,) = session.scalars(select(LedgerEntry).where(LedgerEntry.stream == "use"))
        body = json.loads(entry.body)
        assert (body["page"], body["call_id"], body["form"]) == (7, "c-1", "screen")
        assert (entry.form, entry.request_id) == ("screen", None)
        assert session.get(LedgerPending, entry.seq) is not None


def test_a_look_under_a_grant_bears_the_request_and_its_purpose(county: County, put: Put) -> None:
    with county.archive.sessions.begin() as session:
        judge = entered(session, county, county.actor("statutory_user", "procuratorate"))
        record_id, other = put(session), put(session)
        request_id = request_for(session, county, judge.id, "procuratorate")
        reader = granted(judge, request_id, record_id)
        look(session, county, reader, record_id=record_id)
        look(session, county, reader, "numbers.unmasked", record_id=record_id, reason="与工资表核对")
        look(session, county, reader, record_id=other)
        chief = granted(county.actor("archive_chief", "bureau"), request_id, record_id, waiting=True)
        look(session, county, chief, record_id=record_id)
        found = [(one.request_id, one.reason) for one in use_register.entries(session)]
    assert found == [
        (request_id, "case_handling"),
        (None, "case_handling"),
        (request_id, "与工资表核对"),
        (request_id, "statutory_case"),
    ]


def test_filters_narrow_by_everything_and_pages_follow_each_other(county: County, put: Put) -> None:
    clock = county.archive.clock
    with county.archive.sessions.begin() as session:
        archivist = entered(session, county, county.actor("archivist", "bureau"))
        clerk = entered(session, county, county.actor("clerk_township", "east"))
        record_id, case_file_id = put(session), new_id()
        request_id = request_for(session, county, clerk.id, "east")
        look(session, county, clerk, record_id=record_id)
        clock.moment += timedelta(days=3)  # type: ignore[attr-defined]
        look(session, county, clerk, "case.viewed", case_file_id=case_file_id)
        look(session, county, archivist, "file.downloaded", record_id=record_id, form="download")
        look(session, county, granted(clerk, request_id, record_id), record_id=record_id)

        def seen(**given: Any) -> list[str]:
            found = use_register.register(session, archivist, PROFILE, filters=Filters(**given), zone="Asia/Shanghai")
            return [one.act for one in found]

        assert len(seen()) == 4
        assert seen(record_id=record_id) == ["record.viewed", "file.downloaded", "record.viewed"]
        assert seen(case_file_id=case_file_id) == ["case.viewed"]
        assert seen(actor_id=archivist.id) == ["file.downloaded"]
        assert len(seen(organ_id=county.organs["east"])) == 3
        assert seen(act="case.viewed") == ["case.viewed"]
        assert seen(form="download") == ["file.downloaded"]
        assert seen(request_id=request_id) == ["record.viewed"]
        first = date(2026, 1, 5)
        assert seen(until=first) == ["record.viewed"]
        assert len(seen(since=first + timedelta(days=3))) == 3
        assert seen(since=first + timedelta(days=4)) == []
        counted = use_register.totals(session, archivist, PROFILE, Filters())
        assert (counted.forms, counted.total, counted.more) == ({"download": 1, "screen": 3}, 4, False)
        pages: list[str] = []
        after: int | None = None
        while found := use_register.register(session, archivist, PROFILE, after=after, limit=1):
            pages += [one.id for one in found]
            after = found[-1].seq
        assert len(set(pages)) == 4
        assert [one.id for one in use_register.walk(county.archive, archivist, Filters(), most=3)] == []
    walked = [one.id for one in use_register.walk(county.archive, archivist, Filters(), most=3)]
    assert walked == pages[:3]


def test_days_are_those_of_the_bureau(county: County, put: Put) -> None:
    clerk = county.actor("clerk_township", "east")
    county.archive.clock.moment = datetime.fromisoformat("2026-01-05T23:30:00+00:00")  # type: ignore[attr-defined]
    with county.archive.sessions.begin() as session:
        look(session, county, clerk, record_id=put(session))
        for day, count in ((5, 0), (6, 1)):
            on = date(2026, 1, day)
            found = use_register.register(
                session, clerk, PROFILE, filters=Filters(since=on, until=on), zone="Asia/Shanghai"
            )
            assert len(found) == count


def test_the_auditor_sees_every_look_and_every_step_of_a_request_but_others_do_not(county: County, put: Put) -> None:
    with county.archive.sessions.begin() as session:
        auditor = county.actor("audit_admin", "bureau")
        judge = entered(session, county, county.actor("statutory_user", "procuratorate"))
        foreign = county.actor("audit_admin", "neighbour")
        hidden = put(session, level="restricted", marks=("informant",))
        request_id = request_for(session, county, judge.id, "procuratorate")
        access_acts.request_told(
            session,
            at=county.archive.clock.now(),
            actor=judge.ref,
            request_id=request_id,
            step="submitted",
            account_id=judge.id,
        )
        look(session, county, granted(judge, request_id, hidden), record_id=hidden)
        look(session, county, judge, "search.performed")

        def seen(actor: Actor, **given: Any) -> list[str]:
            return [one.act for one in use_register.register(session, actor, PROFILE, filters=Filters(**given))]

        assert seen(auditor) == ["search.performed", "record.viewed", "request.submitted"]
        assert seen(auditor, request_id=request_id) == ["record.viewed", "request.submitted"]
        assert seen(auditor, form="screen") == ["search.performed", "record.viewed"]
        assert "record.viewed" not in seen(foreign)
        # a township's archivist is not cleared for the record: its looks would tell her that it is there
        assert seen(county.actor("archivist_township", "east")) == []
        assert seen(county.actor("archivist", "bureau")) == ["record.viewed"]
        for role, organ in (("sys_admin", "bureau"), ("sec_admin", "bureau")):
            with pytest.raises(Forbidden):
                seen(county.actor(role, organ))


def test_names_of_people_of_other_organs_are_masked(county: County, put: Put) -> None:
    with county.archive.sessions.begin() as session:
        township = county.actor("archivist_township", "east")
        west = entered(session, county, county.actor("clerk_township", "west"))
        east = entered(session, county, county.actor("clerk_township", "east"))
        record_id = put(session)
        look(session, county, west, record_id=record_id)
        look(session, county, east, record_id=record_id)
        names = [one.actor_name for one in use_register.register(session, township, PROFILE, record_id=record_id)]
        assert names == ["王秀英", "王＊＊"]
        own = use_register.register(session, west, PROFILE)
        assert [one.actor_name for one in own] == ["王秀英"]
    assert name_masked("") == ""


def test_only_the_auditor_and_the_console_take_the_register_out(county: County) -> None:
    for code, role in PROFILE.roles.items():
        organ = {"VC": "village", "TS": "east", "PF": "prefecture", "OD": "insurance"}.get(role.level, "bureau")
        actor = county.actor(code, organ)
        if code == "audit_admin":
            use_register.require_export(actor, PROFILE)
            narrowed = replace(actor, only=frozenset({"record.read"}))
            with pytest.raises(Forbidden):
                use_register.require_export(narrowed, PROFILE)
        else:
            with pytest.raises(Forbidden) as caught:
                use_register.require_export(actor, PROFILE)
            assert caught.value.code == "use_register.export_forbidden"


def test_an_entry_whose_form_was_changed_in_the_database_is_named(county: County, put: Put) -> None:
    with county.archive.sessions.begin() as session:
        look(session, county, county.actor("clerk_township", "east"), record_id=put(session))
    while seal(county.archive, force=True):
        pass
    with county.archive.reading() as session:
        assert verify_catalogue(session, county.archive).problems == ()
    changed = update(LedgerEntry).where(LedgerEntry.stream == "use").values(form="print")
    with county.archive.sessions.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            with pytest.raises(OperationalError):  # the program's role may add to the ledger and no more
                session.execute(changed)
            session.rollback()
            return
        session.execute(changed)
    with county.archive.reading() as session:
        codes = [one.code for one in verify_catalogue(session, county.archive).problems]
    assert codes == ["ledger.catalogue_entry_altered"]


def test_the_program_itself_is_not_counted_nor_refused(county: County) -> None:
    with county.archive.sessions.begin() as session:
        for _ in range(40):
            look(session, county, SYSTEM, "record.exported", form="export")
    with county.archive.reading() as session:
        assert len(use_register.entries(session, limit=100)) == 40


def test_days_alone_leave_the_index_of_the_stream_to_the_database() -> None:
    by_days = values_of(Filters(since=date(2026, 1, 1), until=date(2026, 12, 31)), "Asia/Shanghai", 7, 50)
    by_act = values_of(Filters(act="record.viewed"), "Asia/Shanghai", None, 50)
    assert "coalesce(ledger_entry.stream" not in str(lines(frozenset(by_days)))
    assert "coalesce(ledger_entry.stream" in str(lines(frozenset(by_act)))
