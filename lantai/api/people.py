"""Organs, accounts, roles, sessions and the log for programs: the same acts as the pages of the room System."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Response

from access.account_lists import AccountFilter
from access.ledger_reading import LogFilter
from lantai.api.models import CONFLICT, PROBLEMS, Page
from lantai.api.people_models import (
    Account,
    ChangedAccount,
    ChangedOrgan,
    EndedRole,
    Holder,
    LogEntry,
    LoginSession,
    NewAccount,
    NewOrgan,
    NewRole,
    Organ,
    PasswordHalf,
    RoleRule,
    Rules,
)
from lantai.part import ApiPart
from lantai.web import administering, views_people, views_retention, views_system
from lantai.web.visit import ApiVisit, Visit
from metadata.rights import Permission

router = ApiPart(tags=["people"], responses=CONFLICT)
Limit = Annotated[int, Query(ge=1, le=200)]
Short = Annotated[str, Query(max_length=100)]


def _organ(visit: Visit, code: str) -> Organ:
    with visit.reading() as session:
        return Organ.model_validate(views_people.organ_line(session, visit, code))


def _account(visit: Visit, name: str) -> Account:
    with visit.reading() as session:
        return Account.model_validate(views_people.one_account(session, visit, name)[1])


@router.get("/organs", summary="Organs", responses=PROBLEMS)
def organs(visit: ApiVisit) -> list[Organ]:
    """The organs of the caller's divisions, superior ones first."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.reading() as session:
        return [Organ.model_validate(one) for one in views_people.organ_lines(session, visit)]


@router.post("/organs", summary="Enter an organ", status_code=201)
def enter_organ(visit: ApiVisit, given: NewOrgan) -> Organ:
    """Enter an organ below another one, or at the top."""
    administering.enter_organ(visit, **given.model_dump())
    return _organ(visit, given.code)


@router.get("/organs/{code}", summary="One organ", responses=PROBLEMS)
def organ(visit: ApiVisit, code: str) -> Organ:
    """An organ by its code."""
    visit.require(Permission.ACCOUNT_WRITE)
    return _organ(visit, code)


@router.put("/organs/{code}", summary="Change an organ")
def change_organ(visit: ApiVisit, code: str, given: ChangedOrgan) -> Organ:
    """Another name or another place. Divisions and level stay while roles are in force there."""
    administering.change_organ(visit, code, **given.model_dump())
    return _organ(visit, code)


@router.post("/organs/{code}/close", summary="Close an organ")
def close_organ(visit: ApiVisit, code: str) -> Organ:
    """Close an organ in which nobody works. Harmless when repeated."""
    administering.close_organ(visit, code)
    return _organ(visit, code)


@router.post("/organs/{code}/reopen", summary="Take an organ into use again")
def reopen_organ(visit: ApiVisit, code: str) -> Organ:
    """Take an organ into use again. Harmless when repeated."""
    administering.reopen_organ(visit, code)
    return _organ(visit, code)


@router.get("/accounts", summary="Accounts", responses=PROBLEMS)
def accounts(
    visit: ApiVisit,
    q: Short = "",
    organ: Short = "",
    role: Short = "",
    state: Short = "",
    after: Short = "",
    limit: Limit = 50,
) -> Page[Account]:
    """Accounts by user name, for the administrators; ``state``: open, closed, waiting, roleless."""
    with visit.reading() as session:
        wanted = AccountFilter(q, organ, role, state)
        found = views_people.account_lines(session, visit, wanted, after=after, limit=min(limit, 199) + 1)
    shown = found[: min(limit, 199)]
    following = shown[-1].username if len(found) > len(shown) else None
    return Page[Account](items=[Account.model_validate(one) for one in shown], next=following)


@router.post("/accounts", summary="Open an account", status_code=201)
def enter_account(visit: ApiVisit, given: NewAccount) -> PasswordHalf:
    """Open an account without roles; the answer tells the first half of its one-time password, this once."""
    _id, half = administering.enter_account(visit, **given.model_dump())
    return PasswordHalf.model_validate(half)


@router.get("/accounts/{username}", summary="One account", responses=PROBLEMS)
def account(visit: ApiVisit, username: str) -> Account:
    """An account by user name or id, with its roles past and present."""
    return _account(visit, username)


@router.patch("/accounts/{username}", summary="Change an account")
def change_account(visit: ApiVisit, username: str, given: ChangedAccount) -> Account:
    """Another name or organ; the roles stay where they are held."""
    administering.change_account(visit, username, **given.model_dump())
    return _account(visit, username)


@router.post("/accounts/{username}/close", summary="Close an account")
def close_account(visit: ApiVisit, username: str) -> Account:
    """Close an account; its roles, sessions and tokens end. Harmless when repeated."""
    administering.close_account(visit, username)
    return _account(visit, username)


@router.post("/accounts/{username}/reopen", summary="Open an account again")
def reopen_account(visit: ApiVisit, username: str) -> Account:
    """Open an account again, without roles and without a password. Harmless when repeated."""
    administering.reopen_account(visit, username)
    return _account(visit, username)


@router.post("/accounts/{username}/reset-password", summary="Reset a password: its first half")
def reset_password(visit: ApiVisit, username: str) -> PasswordHalf:
    """A new one-time password: sessions and tokens end; it opens nothing until its second half is handed over."""
    return PasswordHalf.model_validate(administering.reset_password(visit, username))


@router.post("/accounts/{username}/hand-over", summary="Hand over the second half of a password")
def hand_over(visit: ApiVisit, username: str) -> PasswordHalf:
    """The second half of a one-time password that waits, told this once to the security administrator."""
    return PasswordHalf.model_validate(administering.hand_over(visit, username))


@router.post("/accounts/{username}/roles", summary="Grant a role", status_code=201)
def grant_role(visit: ApiVisit, username: str, given: NewRole) -> Account:
    """Give a person a role in an organ; never to oneself."""
    administering.grant_role(visit, username, **given.model_dump())
    return _account(visit, username)


@router.post("/accounts/{username}/roles/end", summary="End a role")
def end_role(visit: ApiVisit, username: str, given: EndedRole) -> Account:
    """End a role; it counts no longer at the next request."""
    administering.end_role(visit, username, role=given.role, organ=given.organ)
    return _account(visit, username)


@router.get("/roles", summary="Who holds what where", responses=PROBLEMS)
def holders(
    visit: ApiVisit,
    role: Short = "",
    organ: Short = "",
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Limit = 50,
) -> Page[Holder]:
    """Roles that have not ended, in the order of their grant."""
    size = min(limit, 199)
    with visit.reading() as session:
        found = views_people.holders(session, visit, role=role, organ=organ, after=after, limit=size + 1)
    shown = found[:size]
    following = str(shown[-1].seq) if len(found) > size else None
    return Page[Holder](items=[Holder.model_validate(one) for one in shown], next=following)


@router.get("/roles/rules", summary="What each role permits", responses=PROBLEMS)
def role_rules(visit: ApiVisit) -> list[RoleRule]:
    """The profile's roles with every permission; what is not named is not permitted."""
    visit.require(Permission.GRANT_WRITE)
    return [RoleRule.model_validate(one) for one in views_people.matrix(visit)]


@router.get("/sessions", summary="Sessions", responses=PROBLEMS)
def sessions(visit: ApiVisit, after: Short = "", limit: Limit = 50) -> Page[LoginSession]:
    """Signed-in browsers, newest first: the caller's own, or all of those whose accounts she keeps."""
    size = min(limit, 199)
    with visit.reading() as session:
        found = views_people.session_lines(session, visit, after=after, limit=size + 1)
    shown = found[:size]
    following = shown[-1].id if len(found) > size else None
    return Page[LoginSession](items=[LoginSession.model_validate(one) for one in shown], next=following)


@router.delete("/sessions/{session_id}", summary="End a session", status_code=204, responses=PROBLEMS)
def end_session(visit: ApiVisit, session_id: str) -> Response:
    """Sign a browser out: one's own, or anybody's for who keeps the accounts."""
    administering.end_session(visit, session_id)
    return Response(status_code=204)


@router.get("/log", summary="Acts of the ledger", responses=PROBLEMS)
def log(
    visit: ApiVisit,
    act: Short = "",
    person: Short = "",
    organ: Short = "",
    since: date | None = None,
    until: date | None = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Limit = 50,
) -> Page[LogEntry]:
    """Acts newest first; ``act`` with a dot at its end takes all that begin so, ``person`` is a user name."""
    size = min(limit, 199)
    with visit.reading() as session:
        wanted = LogFilter(act, person, organ, since, until)
        found = views_people.log_lines(session, visit, wanted, before=after, limit=size + 1)
    shown = found[:size]
    following = str(shown[-1].seq) if len(found) > size else None
    return Page[LogEntry](items=[LogEntry.model_validate(one) for one in shown], next=following)


@router.get("/profile", summary="Rules in force", responses=PROBLEMS)
def profile(visit: ApiVisit) -> Rules:
    """The profile in force, the versions before it and how far its retention rules were checked."""
    views_system.require_room(visit)
    with visit.reading() as session:
        versions = [f"{one.name}/{one.version}" for one in views_system.profile_versions(session)]
    known = visit.site.archive.profile
    return Rules(
        label=known.label, digest=known.digest, versions=versions, rules=dict(views_retention.rule_states(visit))
    )
