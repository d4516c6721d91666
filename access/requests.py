"""Requests for access (借阅申请): who decides one, who may read one, and the lists that people work from.

Filing stands in ``access.request_filing``, deciding in ``access.request_decisions``, what comes of it in
``access.grants``; the rules as functions over values in ``access.request_rules``. Every step is a row, a line of the
conversation, an entry of the ledger and a revision of the request, in one transaction (``tell``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import Session

from access import epochs
from access.actors import Actor, RoleHeld
from access.request_rules import OPEN, told
from access.scope import within_divisions
from metadata.errors import Conflict, NotFound
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date, stamp
from repository.entities import request_state
from repository.ledger import access_acts
from repository.revisions import revise_entity
from repository.tables import (
    AccessGrant,
    AccessRequest,
    Account,
    AccountRole,
    CaseFile,
    Organ,
    Record,
    RequestSubject,
)

MOST = 200
"""Requests a list may have at most."""


def seat_of(actor: Actor, request: AccessRequest, profile: Profile) -> RoleHeld | None:
    """The role through which ``actor`` decides ``request``; None when it is not hers to decide.

    The role that the rule named at submission, held in an organ whose divisions hold the files; never the asker's own
    (separation of duties on one object: ``request_borrow`` and ``approve_borrow``).
    """
    if actor.id == request.account_id or actor.narrowed_from(Permission.REQUEST_DECIDE):
        return None
    for held in actor.roles:
        role = profile.roles.get(held.role)
        if (
            held.role == request.approver_role
            and role is not None
            and Permission.REQUEST_DECIDE in role.permissions
            and held.division_prefix
            and request.approver_division.startswith(held.division_prefix)
        ):
            return held
    return None


def approvers(session: Session, request: AccessRequest, today: date) -> list[str]:
    """Accounts that may decide ``request`` today."""
    prefix = func.substr(request.approver_division, 1, func.length(Organ.division_prefix))
    return list(
        session.scalars(
            select(Account.id)
            .join(AccountRole, AccountRole.account_id == Account.id)
            .join(Organ, Organ.id == AccountRole.organ_id)
            .where(
                Account.active,
                Account.id != request.account_id,
                AccountRole.role == request.approver_role,
                or_(AccountRole.starts_on.is_(None), AccountRole.starts_on <= today),
                or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today),
                Organ.division_prefix != "",
                Organ.division_prefix == prefix,
            )
            .distinct()
            .order_by(Account.id)
        )
    )


def _for_approver(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """Requests that are, or were, this person's to decide."""
    if actor.narrowed_from(Permission.REQUEST_DECIDE):
        return false()
    seats = [
        and_(
            AccessRequest.approver_role == held.role,
            within_divisions(AccessRequest.approver_division, held.division_prefix),
        )
        for held in actor.roles
        if held.division_prefix
        and (role := profile.roles.get(held.role)) is not None
        and Permission.REQUEST_DECIDE in role.permissions
    ]
    return and_(AccessRequest.account_id != actor.id, or_(*seats)) if seats else false()


def _for_keeper(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """Requests about what lies in the divisions of a role that reads requests (``request.read``)."""
    if actor.narrowed_from(Permission.REQUEST_READ):
        return false()
    reached: list[ColumnElement[bool]] = []
    for held in actor.roles:
        role = profile.roles.get(held.role)
        if role is None or Permission.REQUEST_READ not in role.permissions:
            continue
        if held.everywhere:
            return true()
        prefix = held.division_prefix
        reached.append(within_divisions(AccessRequest.approver_division, prefix))
        for table, kind in ((Record, "record"), (CaseFile, "case_file")):
            reached.append(
                exists().where(
                    RequestSubject.request_id == AccessRequest.id,
                    RequestSubject.kind == kind,
                    RequestSubject.subject_id == table.id,
                    within_divisions(table.division_code, prefix),
                )
            )
    return or_(*reached) if reached else false()


def _own(actor: Actor) -> ColumnElement[bool]:
    narrowed = actor.narrowed_from(Permission.REQUEST_FILE)
    return false() if narrowed else AccessRequest.account_id == actor.id


def keeps(actor: Actor, profile: Profile, session: Session, request: AccessRequest) -> bool:
    """Whether ``actor`` reads ``request`` as one who holds what it asks for."""
    wanted = select(AccessRequest.id).where(AccessRequest.id == request.id, _for_keeper(actor, profile))
    return session.scalar(wanted) is not None


def get(session: Session, actor: Actor, request_id: str, profile: Profile) -> AccessRequest:
    """The request, for its asker, its approver and who holds what it asks for; ``NotFound`` for everybody else."""
    mine = or_(_own(actor), _for_approver(actor, profile), _for_keeper(actor, profile))
    found = session.scalars(
        select(AccessRequest).where(or_(AccessRequest.id == request_id, AccessRequest.number == request_id), mine)
    ).one_or_none()
    if found is None:
        raise NotFound(
            "request.not_found",
            zh="没有这件借阅申请，或您无权查看。请核对编号。",
            en="There is no such request, or you may not see it. Check its number.",
        )
    return found


def _listed(
    session: Session, criterion: ColumnElement[bool], before: int, limit: int, states: Iterable[str] = ()
) -> list[AccessRequest]:
    wanted: Select[tuple[AccessRequest]] = select(AccessRequest).where(criterion)
    if states:
        wanted = wanted.where(AccessRequest.state.in_(list(states)))
    if before:
        wanted = wanted.where(AccessRequest.seq < before)
    return list(session.scalars(wanted.order_by(AccessRequest.seq.desc()).limit(min(limit, MOST))))


def mine(session: Session, actor: Actor, *, before: int = 0, limit: int = 50) -> list[AccessRequest]:
    """Requests that ``actor`` filed, newest first, below ``before`` (a ``seq``)."""
    return _listed(session, _own(actor), before, limit)


def waiting_for(session: Session, actor: Actor, profile: Profile, *, limit: int = 50) -> list[AccessRequest]:
    """Requests that wait for ``actor``'s decision, oldest first."""
    found = session.scalars(
        select(AccessRequest)
        .where(_for_approver(actor, profile), AccessRequest.state == "submitted")
        .order_by(AccessRequest.seq)
        .limit(min(limit, MOST))
    )
    return list(found)


def about(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    states: Iterable[str] = (),
    before: int = 0,
    limit: int = 50,
) -> list[AccessRequest]:
    """Requests about files that ``actor`` holds (``request.read``) or has decided on, newest first: who asks for what."""
    others = and_(AccessRequest.account_id != actor.id, or_(_for_keeper(actor, profile), _for_approver(actor, profile)))
    return _listed(session, others, before, limit, states)


def unnamed(session: Session, actor: Actor, profile: Profile, *, limit: int = 50) -> list[AccessRequest]:
    """Others' requests in words that mean no record so far, in divisions whose files ``actor`` keeps, oldest first.

    Nobody can decide on them before who holds the files has named what is meant.
    """
    named = exists().where(RequestSubject.request_id == AccessRequest.id, RequestSubject.kind == "record")
    found = session.scalars(
        select(AccessRequest)
        .where(_for_keeper(actor, profile), AccessRequest.account_id != actor.id, AccessRequest.state == "submitted")
        .where(AccessRequest.renews.is_(None), AccessRequest.wanted["kind"].as_string() == "search", ~named)
        .order_by(AccessRequest.seq)
        .limit(min(limit, MOST))
    )
    return list(found)


def questions_to(session: Session, actor: Actor) -> list[AccessRequest]:
    """Own requests with a question that waits for an answer."""
    return _listed(session, _own(actor), 0, MOST, ("questioned",))


def ending_soon(session: Session, actor: Actor, archive: Archive) -> list[tuple[AccessRequest, AccessGrant]]:
    """Own grants in force that end within ``remind_before_days``, the first to end first."""
    now = archive.clock.now()
    rows = session.execute(
        select(AccessRequest, AccessGrant)
        .join(AccessGrant, AccessGrant.request_id == AccessRequest.id)
        .where(
            _own(actor),
            AccessGrant.revoked_at.is_(None),
            AccessGrant.ended_at.is_(None),
            AccessGrant.ends_at > now,
            AccessGrant.ends_at <= now + timedelta(days=archive.profile.borrowing.remind_before_days),
        )
        .order_by(AccessGrant.ends_at)
    )
    return [(request, grant) for request, grant in rows.tuples()]


def grants_of_others(
    session: Session, actor: Actor, archive: Archive, *, limit: int = MOST
) -> list[tuple[AccessRequest, AccessGrant]]:
    """Grants in force that ``actor`` may take back or that concern files she holds, the first to end first."""
    now = archive.clock.now()
    rows = session.execute(
        select(AccessRequest, AccessGrant)
        .join(AccessGrant, AccessGrant.request_id == AccessRequest.id)
        .where(
            or_(_for_keeper(actor, archive.profile), _for_approver(actor, archive.profile)),
            AccessGrant.account_id != actor.id,
            AccessGrant.revoked_at.is_(None),
            AccessGrant.ended_at.is_(None),
            AccessGrant.ends_at > now,
        )
        .order_by(AccessGrant.ends_at, AccessGrant.seq)
        .limit(limit)
    )
    return [(request, grant) for request, grant in rows.tuples()]


def subjects(session: Session, request_id: str) -> list[RequestSubject]:
    """What a request means in the holdings. Not for the asker before the decision."""
    return list(
        session.scalars(
            select(RequestSubject)
            .where(RequestSubject.request_id == request_id)
            .order_by(RequestSubject.kind, RequestSubject.subject_id)
        )
    )


def unchanged(session: Session, request: AccessRequest, row_version: int | None) -> None:
    """Hold the request to the end of the transaction, as it stands now: of two who act at once the second sees what the
    first did. ``Conflict`` (``request.changed``) unless the page that was acted from shows it so."""
    session.refresh(request, with_for_update=True)
    if row_version is not None and row_version != request.row_version:
        raise Conflict(
            "request.changed",
            zh="您打开页面之后，这件申请已有新的进展；没有做任何更改。请查看最新情况后再办理。",
            en="The request has moved on since you opened the page; nothing was changed. Look at it as it stands, then act.",
            row_version=request.row_version,
        )


def tell(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    request: AccessRequest,
    step: str,
    said: str = "",
    facts: dict[str, object] | None = None,
    also: Sequence[str] = (),
) -> None:
    """A step of a request, in full: its line, its ledger entry, its revision; epochs of all whom it concerns move.

    ``facts`` stand in line and ledger alike and hold no words. The caller has changed the row.
    """
    now = archive.clock.now()
    request.told = [*request.told, told(stamp(now), actor.id, step, said, **(facts or {}))]
    request.updated_at = now
    request.row_version += 1
    session.flush()
    access_acts.request_told(
        session, at=now, actor=actor.ref, request_id=request.id, step=step, account_id=request.account_id, facts=facts
    )
    request.revision = revise_entity(
        session,
        archive=archive,
        actor=actor.ref,
        kind="request",
        entity_id=request.id,
        state=request_state(
            request, ((one.kind, one.subject_id, one.granted) for one in subjects(session, request.id))
        ),
        after=request.revision,
    )
    today = local_date(now, archive.zone)
    epochs.moved(session, [request.account_id, *approvers(session, request, today), *also])


def is_open(request: AccessRequest) -> bool:
    """Whether nobody has decided yet."""
    return request.state in OPEN
