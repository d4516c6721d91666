"""Accounts, roles and their separation; passwords; sessions; the use register."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from access import accounts, gate, sessions, use_register
from access.accounts import SYSTEM, Actor, actor_of
from access.organs import create_organ
from access.passwords import SlowDown
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.profile import builtin
from metadata.rights import Permission
from repository.ledger import acts
from repository.tables import Account, LedgerEntry, LoginSession, StoredObject
from tests.unit.access.conftest import ORGANS, County

PROFILE = builtin("social_assistance")
PASSWORD = "兰台-lantai-2026"
TODAY = date(2026, 1, 5)


def quick() -> SlowDown:
    return SlowDown(pause=lambda _: None)


def make(county: County, username: str, *roles: tuple[str, str], organ: str = "bureau", actor: Actor = SYSTEM) -> str:
    with county.archive.sessions.begin() as session:
        return accounts.create_account(
            session,
            archive=county.archive,
            actor=actor,
            username=username,
            display_name="某人",
            organ_code=organ,
            password=PASSWORD,
            roles=roles,
        ).id


def signs_in(county: County, username: str, password: str) -> bool:
    with county.archive.sessions.begin() as session:
        found = accounts.authenticate(
            session, username=username, password=password, archive=county.archive, slow_down=quick()
        )
        return found is not None


def test_a_person_signs_in_with_the_password_typed_on_any_keyboard(county: County) -> None:
    make(county, "Wang.Li", ("archivist", "bureau"))
    assert signs_in(county, "wang.li", PASSWORD)
    assert signs_in(county, " ＷＡＮＧ.li ", "兰台-ｌantai-２026")
    assert not signs_in(county, "wang.li", PASSWORD + "x")
    assert not signs_in(county, "nobody", PASSWORD)


def test_revisions_and_ledger_carry_no_secret_and_no_name(county: County) -> None:
    account_id = make(county, "wang", ("archivist", "bureau"))
    with county.archive.sessions.begin() as session:
        key_part = f"/{account_id}/"
        body = session.scalars(select(StoredObject.body).where(StoredObject.key.contains(key_part))).one()
        assert body is not None
        state = json.loads(body)["state"]
        assert [one["role"] for one in state["roles"]] == ["archivist"]
        assert b"argon2" not in body
        assert "password_hash" not in state
        entries = session.scalars(select(LedgerEntry)).all()
        assert {"account.created", "role.granted", "entity.revised", "organ.created"} <= {one.act for one in entries}
        assert not any("某人" in one.body or "argon2" in one.body or '"wang"' in one.body for one in entries)


@pytest.mark.parametrize(
    ("password", "username"),
    [("short", "x1"), ("wang.li.long", "wang.li.long"), ("aaaaaaaaaaaa", "x2"), ("x" * 300, "x3")],
)
def test_weak_passwords_are_refused(county: County, password: str, username: str) -> None:
    with county.archive.sessions.begin() as session, pytest.raises(Invalid) as error:
        accounts.create_account(
            session,
            archive=county.archive,
            actor=SYSTEM,
            username=username,
            display_name="某人",
            organ_code="bureau",
            password=password,
        )
    assert error.value.code == "password.weak"


@pytest.mark.parametrize("username", ["", "a", "a b", "../x", "11010519491231002X", "x" * 70])
def test_malformed_user_names_are_refused(county: County, username: str) -> None:
    with pytest.raises(Invalid) as error:
        make(county, username)
    assert error.value.code == "account.malformed"
    assert username == "" or username not in str(error.value.params)


def test_a_name_is_used_once(county: County) -> None:
    make(county, "wang")
    with pytest.raises(Conflict):
        make(county, "WANG")


@pytest.mark.parametrize("pair", [tuple(sorted(one)) for one in PROFILE.incompatible_roles])
def test_incompatible_roles_are_refused_whichever_comes_second(county: County, pair: tuple[str, str]) -> None:
    homes = {level: code for code, level, _, _ in reversed(ORGANS)}
    for number, (first, second) in enumerate((pair, pair[::-1])):
        name = f"user{number}"
        make(county, name, (first, homes[PROFILE.roles[first].level]))
        with county.archive.sessions.begin() as session, pytest.raises(Conflict) as error:
            accounts.grant_role(
                session,
                archive=county.archive,
                actor=SYSTEM,
                username=name,
                role=second,
                organ_code=homes[PROFILE.roles[second].level],
            )
        assert error.value.code == "role.incompatible"


def test_roles_one_after_the_other_do_not_clash(county: County) -> None:
    make(county, "wang")
    with county.archive.sessions.begin() as session:
        for role, starts, ends in (
            ("sys_admin", TODAY, date(2026, 6, 1)),
            ("sec_admin", date(2026, 6, 1), None),
        ):
            accounts.grant_role(
                session,
                archive=county.archive,
                actor=SYSTEM,
                username="wang",
                role=role,
                organ_code="bureau",
                starts_on=starts,
                ends_on=ends,
            )
        account = accounts.account_by_name(session, "wang")
        held = {
            day: actor_of(session, account, PROFILE, day).role_codes
            for day in (date(2026, 1, 4), TODAY, date(2026, 5, 31), date(2026, 6, 1))
        }
        assert held == {
            date(2026, 1, 4): (),
            TODAY: ("sys_admin",),
            date(2026, 5, 31): ("sys_admin",),
            date(2026, 6, 1): ("sec_admin",),
        }


@pytest.mark.parametrize(
    ("role", "organ", "code"),
    [
        ("emperor", "bureau", "role.unknown"),
        ("archivist", "east", "role.wrong_level"),
        ("archivist", "nowhere", "organ.not_found"),
    ],
)
def test_roles_that_do_not_fit_are_refused(county: County, role: str, organ: str, code: str) -> None:
    with pytest.raises((Invalid, NotFound)) as error:
        make(county, "wang", (role, organ))
    assert error.value.code == code


def test_a_role_is_not_granted_twice_nor_for_no_time(county: County) -> None:
    make(county, "wang", ("archivist", "bureau"))
    with county.archive.sessions.begin() as session:
        given = {"archive": county.archive, "actor": SYSTEM, "username": "wang", "organ_code": "bureau"}
        with pytest.raises(Conflict) as held:
            accounts.grant_role(session, role="archivist", **given)  # type: ignore[arg-type]
        assert held.value.code == "role.held"
        with pytest.raises(Invalid) as empty:
            accounts.grant_role(session, role="statistician", ends_on=TODAY, **given)  # type: ignore[arg-type]
        assert empty.value.code == "role.empty_term"


def test_a_revoked_role_ends_at_the_next_call(county: County, put: Callable[..., str]) -> None:
    make(county, "wang", ("archivist", "bureau"))
    with county.archive.sessions.begin() as session:
        record_id = put(session)
        account = accounts.account_by_name(session, "wang")
        assert gate.get_record(session, actor_of(session, account, PROFILE, TODAY), record_id, PROFILE)
    with county.archive.sessions.begin() as session:
        given = {"archive": county.archive, "actor": SYSTEM, "username": "wang", "organ_code": "bureau"}
        accounts.revoke_role(session, role="archivist", **given)  # type: ignore[arg-type]
        with pytest.raises(NotFound) as error:
            accounts.revoke_role(session, role="archivist", **given)  # type: ignore[arg-type]
        assert error.value.code == "role.not_held"
        told = session.scalars(select(LedgerEntry.body).where(LedgerEntry.act == "role.revoked")).all()
        assert len(told) == 1
        assert '"role":"archivist"' in told[0]
    with county.archive.sessions.begin() as session:
        account = accounts.account_by_name(session, "wang")
        with pytest.raises(NotFound):
            gate.get_record(session, actor_of(session, account, PROFILE, TODAY), record_id, PROFILE)
        accounts.grant_role(session, role="archivist", **given)  # type: ignore[arg-type]
        assert actor_of(session, account, PROFILE, TODAY).role_codes == ("archivist",)


def test_three_administrators_cannot_do_each_others_work(county: County) -> None:
    system, security = county.actor("sys_admin", "bureau"), county.actor("sec_admin", "bureau")
    audit = county.actor("audit_admin", "bureau")
    made = make(county, "wang", actor=system)
    with pytest.raises(Forbidden):
        make(county, "li", actor=security)
    with pytest.raises(Forbidden):
        make(county, "zhao", ("archivist", "bureau"), actor=system)
    given = {"archive": county.archive, "username": "wang", "organ_code": "bureau", "role": "archivist"}
    with county.archive.sessions.begin() as session:
        for actor in (system, audit):
            with pytest.raises(Forbidden):
                accounts.grant_role(session, actor=actor, **given)  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            accounts.reset_password(session, archive=county.archive, actor=security, username="wang")
        accounts.grant_role(session, actor=security, **given)  # type: ignore[arg-type]
        own = Actor(made, "account", "某人", None, security.roles)
        with pytest.raises(Forbidden) as error:
            accounts.grant_role(session, actor=own, **(given | {"role": "statistician"}))  # type: ignore[arg-type]
        assert error.value.code == "role.own_grant"
        with pytest.raises(Forbidden):
            accounts.revoke_role(session, actor=system, **given)  # type: ignore[arg-type]
    for permission in Permission:
        holders = [one for one in (system, security, audit) if gate.allowed(one, permission, PROFILE)]
        if permission not in {Permission.STATUS_READ, Permission.LEDGER_READ, Permission.ALARM_READ}:
            assert len(holders) <= 1, permission


def test_a_reset_gives_a_new_password_once_and_ends_sessions(county: County) -> None:
    account_id = make(county, "wang")
    with county.archive.sessions.begin() as session:
        token, _ = sessions.open_session(session, accounts.account_by_name(session, "wang"), clock=county.archive.clock)
        password = accounts.reset_password(session, archive=county.archive, actor=SYSTEM, username="wang")
        assert sessions.session_of(session, token, county.archive.clock) is None
    assert signs_in(county, "wang", password)
    assert not signs_in(county, "wang", PASSWORD)
    with county.archive.sessions.begin() as session:
        account = session.get(Account, account_id)
        assert account is not None
        assert account.must_change_password
        with pytest.raises(Invalid) as wrong:
            accounts.change_password(session, archive=county.archive, account=account, current="x", new=PASSWORD)
        assert wrong.value.code == "password.wrong"
        with pytest.raises(Invalid) as same:
            accounts.change_password(session, archive=county.archive, account=account, current=password, new=password)
        assert same.value.code == "password.unchanged"
        accounts.change_password(session, archive=county.archive, account=account, current=password, new=PASSWORD)
        assert not account.must_change_password
    assert signs_in(county, "wang", PASSWORD)


def test_a_closed_account_neither_signs_in_nor_holds_roles(county: County) -> None:
    make(county, "wang", ("archivist", "bureau"))
    with county.archive.sessions.begin() as session:
        account = accounts.account_by_name(session, "wang")
        token, _ = sessions.open_session(session, account, clock=county.archive.clock)
        accounts.close_account(session, archive=county.archive, actor=SYSTEM, username="wang")
        assert actor_of(session, account, PROFILE, TODAY).roles == ()
        assert sessions.session_of(session, token, county.archive.clock) is None
        told = session.scalars(select(LedgerEntry.body).where(LedgerEntry.act == "account.closed")).one()
        assert account.id in told
    assert not signs_in(county, "wang", PASSWORD)


def test_failures_are_counted_and_slow_the_name_down_but_lock_nobody_out(county: County) -> None:
    account_id = make(county, "wang")
    waited: list[float] = []
    slow = SlowDown(pause=waited.append)
    for _ in range(8):
        with county.archive.sessions.begin() as session:
            assert (
                accounts.authenticate(
                    session, username="wang", password="guess", archive=county.archive, slow_down=slow
                )
                is None
            )
    assert waited == [0.25, 0.5, 1.0, 2.0]
    assert slow.seconds("li") == 0.0
    with county.archive.sessions.begin() as session:
        account = session.get(Account, account_id)
        assert account is not None
        assert account.failed_attempts == 8
        found = accounts.authenticate(
            session, username="wang", password=PASSWORD, archive=county.archive, slow_down=slow
        )
        assert found is not None
        assert found.failed_attempts == 0
    assert slow.seconds("wang") == 0.0


def test_slow_down_treats_unknown_names_alike_and_is_bounded() -> None:
    moment = [0.0]
    slow = SlowDown(room=3, forget=10, now=lambda: moment[0])
    for _ in range(50):
        slow.note("unknown", success=False)
    assert slow.seconds("unknown") == 4.0
    moment[0] = 11.0
    assert slow.seconds("unknown") == 0.0
    slow.note("unknown", success=False)
    assert slow.seconds("unknown") == 0.0
    for name in ("a", "b", "c"):
        slow.note(name, success=False)
    assert len(slow._failures) == 3


def test_waiting_never_holds_more_than_its_places() -> None:
    slow = SlowDown(free=0, places=1)
    calls: list[float] = []

    def pause(seconds: float) -> None:
        calls.append(seconds)
        slow.wait("wang")

    slow._pause = pause
    slow.note("wang", success=False)
    slow.wait("wang")
    assert len(calls) == 1


def test_sessions_end_by_age_idleness_and_sign_out(county: County) -> None:
    make(county, "wang")
    clock = county.archive.clock
    start = clock.now()
    with county.archive.sessions.begin() as session:
        account = accounts.account_by_name(session, "wang")
        token, csrf = sessions.open_session(session, account, clock=clock, hours=2)
        row = session.scalars(select(LoginSession)).one()
        assert token not in (row.token_sha256, row.csrf_token)
        assert row.csrf_token == csrf != token
        assert sessions.session_of(session, "other", clock) is None

        def lasts(minutes: int) -> bool:
            clock.moment = start + timedelta(minutes=minutes)  # type: ignore[attr-defined]
            return sessions.session_of(session, token, clock) is not None

        assert [lasts(minutes) for minutes in (1, 50, 100, 119, 120)] == [True, True, True, True, False]
        clock.moment = start + timedelta(hours=3)  # type: ignore[attr-defined]
        second, _ = sessions.open_session(session, account, clock=clock)
        assert len(session.scalars(select(LoginSession)).all()) == 1
        clock.moment = start + timedelta(hours=4)  # type: ignore[attr-defined]
        assert sessions.session_of(session, second, clock) is None
        third, _ = sessions.open_session(session, account, clock=clock)
        sessions.close_session(session, third, clock)
        sessions.close_session(session, "other", clock)
        session.expire_all()
        assert sessions.session_of(session, third, clock) is None


def test_the_register_is_read_within_the_own_divisions_or_the_own_looks(
    county: County, put: Callable[..., str]
) -> None:
    archivist, clerk = county.actor("archivist", "bureau"), county.actor("clerk_township", "east")
    foreign, auditor = county.actor("archivist", "neighbour"), county.actor("audit_admin", "bureau")
    with county.archive.sessions.begin() as session:
        here, there = put(session), put(session, division="990102001001", organ="neighbour")

        def look(actor: Actor, record_id: str, reason: str = "casework") -> None:
            use_register.looked(
                session,
                archive=county.archive,
                actor=actor,
                act="record.viewed",
                record_id=record_id,
                file_id=new_id(),
                reason=reason,
                form="screen",
                request_id="r-1",
            )

        look(clerk, here, "核对\n 11010519491231002X")
        look(archivist, here)
        look(foreign, there)

        def seen(actor: Actor, **more: str) -> list[str]:
            return [one.actor_id for one in use_register.register(session, actor, PROFILE, **more)]  # type: ignore[arg-type]

        assert seen(archivist) == [archivist.id, clerk.id]
        assert seen(auditor) == [archivist.id, clerk.id]
        assert seen(clerk) == [clerk.id]
        assert seen(foreign) == [foreign.id]
        assert seen(archivist, record_id=here) == [archivist.id, clerk.id]
        assert seen(archivist, record_id=there) == []
        with pytest.raises(Forbidden):
            seen(county.actor("sys_admin", "bureau"))
        oldest = use_register.entries(session, record_id=here)[-1]
        assert (oldest.reason, oldest.form, oldest.act) == ("核对 …", "screen", "record.viewed")
        assert oldest.organ_name == "east"
        assert oldest.request_id == "r-1"
        newest = use_register.entries(session, limit=1)[0]
        assert [one.actor_id for one in use_register.entries(session, after=newest.seq)] == [archivist.id, clerk.id]
        assert json.loads(session.scalars(select(LedgerEntry.body).where(LedgerEntry.id == oldest.id)).one())[
            "roles"
        ] == ["clerk_township"]
        with pytest.raises(ValueError):
            use_register.looked(
                session,
                archive=county.archive,
                actor=clerk,
                act="record.viewed",
                reason="x",
                form="telepathy",
            )
        assert {one.stream for one in session.scalars(select(LedgerEntry).where(LedgerEntry.record_id == here))} == {
            acts.USE
        }


@pytest.mark.parametrize(
    ("level", "prefix", "parent", "code", "error"),
    [
        ("XX", "990101", None, "new", "organ.unknown_level"),
        ("CB", "9901", None, "new", "organ.wrong_division"),
        ("CB", "", None, "new", "organ.wrong_division"),
        ("TS", "990102001", "bureau", "new", "organ.outside_parent"),
        ("TS", "990101009", "nobody", "new", "organ.not_found"),
        ("CB", "990103", None, "bureau", "organ.exists"),
        ("CB", "990103", None, "a b", "organ.malformed"),
    ],
)
def test_organs_that_do_not_fit_are_refused(
    county: County, level: str, prefix: str, parent: str | None, code: str, error: str
) -> None:
    with county.archive.sessions.begin() as session, pytest.raises((Invalid, Conflict, NotFound)) as refused:
        create_organ(
            session,
            archive=county.archive,
            actor=SYSTEM,
            code=code,
            name_zh="某局",
            level=level,
            division_prefix=prefix,
            parent_code=parent,
        )
    assert refused.value.code == error
