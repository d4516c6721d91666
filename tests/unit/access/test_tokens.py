"""Access tokens: shown once, narrowed, ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from access import accounts, gate, tokens
from access.accounts import SYSTEM
from access.actors import Actor, console_actor
from access.permits import Permits
from metadata.errors import Forbidden, Invalid, NotFound
from metadata.rights import Permission
from repository.clock import FixedClock
from repository.tables import Account, ApiToken, LedgerEntry
from tests.unit.access.conftest import County


def _person(county: County, username: str = "zhou", role: str = "archivist") -> Actor:
    with county.archive.sessions.begin() as session:
        made = accounts.create_account(
            session,
            archive=county.archive,
            actor=SYSTEM,
            username=username,
            display_name="某人",
            organ_code="bureau",
            password=None,
            roles=[(role, "bureau")],
        )
        return Actor(id=made.id, kind="account", name="某人", organ_id=made.organ_id)


def _make(county: County, person: Actor, **given: object) -> tuple[ApiToken, str]:
    with county.archive.sessions.begin() as session:
        return tokens.create_token(session, archive=county.archive, actor=person, label="扫描仪", **given)  # type: ignore[arg-type]


def _code(county: County, text: str) -> str:
    with pytest.raises(Forbidden) as told, county.archive.reading() as session:
        tokens.bearer(session, archive=county.archive, permits=Permits(), text=text)
    return told.value.code


def test_a_token_is_its_account_and_only_its_digest_is_kept(county: County, clock: FixedClock) -> None:
    person = _person(county)
    row, text = _make(county, person)
    assert text.startswith("lantai_")
    assert len(text) >= len("lantai_") + 43
    assert row.expires_at == clock.now() + timedelta(days=365)
    with county.archive.reading() as session:
        kept = session.scalars(select(ApiToken)).one()
        assert text not in repr(vars(kept))
        account, actor, unnoted = tokens.bearer(session, archive=county.archive, permits=Permits(), text=text)
        written = [one.body for one in session.scalars(select(LedgerEntry)) if one.act == "token.created"]
    assert (account.id, actor.id, actor.role_codes, unnoted) == (person.id, person.id, ("archivist",), row.id)
    assert len(written) == 1
    assert "扫描仪" not in str(written)
    assert gate.allowed(actor, Permission.RECORD_READ, county.archive.profile)


def test_use_is_noted_at_most_once_a_minute(county: County, clock: FixedClock) -> None:
    _row, text = _make(county, _person(county))

    def unnoted() -> str | None:
        with county.archive.reading() as session:
            return tokens.bearer(session, archive=county.archive, permits=Permits(), text=text)[2]

    token_id = unnoted()
    assert token_id is not None
    with county.archive.sessions.begin() as session:
        tokens.note_use(session, archive=county.archive, token_id=token_id)
    clock.moment += timedelta(seconds=59)
    assert unnoted() is None
    clock.moment += timedelta(seconds=1)
    assert unnoted() == token_id


def test_a_narrowed_token_passes_the_gate_for_nothing_else(county: County) -> None:
    _row, text = _make(county, _person(county), permissions=("deposit",))
    with county.archive.reading() as session:
        _account, actor, _ = tokens.bearer(session, archive=county.archive, permits=Permits(), text=text)
    profile = county.archive.profile
    assert [one for one in Permission if gate.allowed(actor, one, profile)] == [Permission.DEPOSIT]
    assert gate.allowed(replace(actor, only=None), Permission.RECORD_READ, profile)


@pytest.mark.parametrize("permissions", [("account.write",), ("fly",)])
def test_a_token_is_never_more_than_its_account(county: County, permissions: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="can only narrow"):
        _make(county, _person(county), permissions=permissions)


@pytest.mark.parametrize("given", [{"label": " "}, {"label": "x" * 101}, {"label": "x", "days": 0}])
def test_what_a_token_must_say(county: County, given: dict[str, object]) -> None:
    person = _person(county)
    with pytest.raises(Invalid), county.archive.sessions.begin() as session:
        tokens.create_token(session, archive=county.archive, actor=person, **given)  # type: ignore[arg-type]


def test_expired_revoked_closed_and_unknown_tokens_open_nothing(county: County, clock: FixedClock) -> None:
    person = _person(county)
    _row, expired = _make(county, person, days=1)
    row, revoked = _make(county, person)
    _row, closed = _make(county, person)
    assert _code(county, "lantai_nobody") == "token.unknown"
    assert _code(county, "\udcff") == "token.unknown"
    clock.moment += timedelta(days=1)
    assert _code(county, expired) == "token.expired"
    with county.archive.sessions.begin() as session:
        for _again in range(2):
            tokens.revoke_token(session, archive=county.archive, actor=person, token_id=row.id)
    assert _code(county, revoked) == "token.revoked"
    with county.archive.reading() as session:
        assert [one.act for one in session.scalars(select(LedgerEntry))].count("token.revoked") == 1
    with county.archive.sessions.begin() as session:
        accounts.close_account(session, archive=county.archive, actor=SYSTEM, username="zhou")
    assert _code(county, closed) == "token.revoked"  # closing ended it


def test_only_those_who_keep_accounts_revoke_the_tokens_of_others(county: County) -> None:
    row, _text = _make(county, _person(county))
    other, keeper = _person(county, "li"), _person(county, "wang", "sys_admin")
    archive = county.archive
    with pytest.raises(NotFound), archive.sessions.begin() as session:
        tokens.revoke_token(session, archive=archive, actor=other, token_id=row.id)
    with archive.sessions.begin() as session:
        account = session.get_one(Account, keeper.id)
        acting = accounts.actor_of(session, account, archive.profile, archive.clock.now().date())
        assert tokens.revoke_token(session, archive=archive, actor=acting, token_id=row.id).revoked_at is not None


def test_the_console_makes_tokens_for_accounts_and_nobody_else_for_others(county: County) -> None:
    person = _person(county)
    other = _person(county, "li")
    with pytest.raises(Forbidden):
        _make(county, other, username="zhou")
    with county.archive.reading() as session:
        console = console_actor(session, county.archive.profile, "root")
    row, _text = _make(county, console, username="zhou")
    assert row.account_id == person.id
    with pytest.raises(Forbidden):
        _make(county, console)
