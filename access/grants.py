"""Grants: a right to named records that ends by itself. Made by a decision, lengthened by a renewal, revoked at any moment.

Every change moves the epoch of who holds the grant, so that it works at the next request; a grant that is over is over
before the care task notes it, for the gate looks at the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import epochs
from access.actors import SYSTEM, Actor
from access.request_rules import OPEN, ends_after, next_state, permissions_for, words
from access.requests import seat_of, tell
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import stamp
from repository.entities import grant_state
from repository.ledger import access_acts
from repository.revisions import revise_entity
from repository.tables import AccessGrant, AccessRequest, GrantSubject

_BATCH = 100


def subjects(session: Session, grant_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Grant -> (kind, id) of the records and case files that it names."""
    found: dict[str, list[tuple[str, str]]] = {one: [] for one in grant_ids}
    rows = session.execute(
        select(GrantSubject.grant_id, GrantSubject.kind, GrantSubject.subject_id)
        .where(GrantSubject.grant_id.in_(grant_ids))
        .order_by(GrantSubject.kind.desc(), GrantSubject.subject_id)
    )
    for grant_id, kind, subject_id in rows:
        found[grant_id].append((kind, subject_id))
    return found


def in_force(grant: AccessGrant, now: datetime) -> bool:
    """Whether the grant permits anything at ``now``."""
    return grant.revoked_at is None and grant.ended_at is None and grant.starts_at <= now < grant.ends_at


def of_request(session: Session, request: AccessRequest) -> AccessGrant | None:
    """The grant that came of a request, or that it renewed."""
    return session.scalars(
        select(AccessGrant).where(AccessGrant.request_id == (request.renews or request.id))
    ).one_or_none()


def make(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    request: AccessRequest,
    named: Iterable[tuple[str, str]],
    form: str,
    numbers: str,
    days: int,
) -> AccessGrant:
    """The grant that a decision gives; it begins now. The caller has checked who decides and what may be given."""
    now = archive.clock.now()
    chosen = sorted(set(named))
    grant = AccessGrant(
        id=new_id(),
        request_id=request.id,
        account_id=request.account_id,
        permissions=sorted(permissions_for(form, numbers)),
        starts_at=now,
        ends_at=ends_after(now, days, archive.zone),
        renewals=0,
        revoke_reason="",
        revision=0,
        created_at=now,
    )
    session.add(grant)
    session.flush()
    session.add_all(GrantSubject(grant_id=grant.id, kind=kind, subject_id=one) for kind, one in chosen)
    session.flush()
    access_acts.grant_made(
        session,
        at=now,
        actor=actor.ref,
        grant_id=grant.id,
        request_id=request.id,
        account_id=grant.account_id,
        permissions=grant.permissions,
        records=sum(kind == "record" for kind, _ in chosen),
        case_files=sum(kind == "case_file" for kind, _ in chosen),
        ends_at=stamp(grant.ends_at),
    )
    _settle(session, archive, actor, grant)
    return grant


def extend(session: Session, *, archive: Archive, actor: Actor, grant: AccessGrant, days: int) -> None:
    """Lengthen a grant in force by a renewal; ``Conflict`` (``grant.over``, ``grant.renewed_enough``)."""
    now = archive.clock.now()
    check_renewable(grant, now, archive.profile)
    grant.ends_at = max(grant.ends_at, ends_after(now, days, archive.zone))
    grant.renewals += 1
    grant.reminded_at = None
    _changed(session, archive, actor, grant, "renewed")


def check_renewable(grant: AccessGrant | None, now: datetime, profile: Profile) -> None:
    """``Conflict`` when the grant is over or was renewed as often as the profile lets."""
    if grant is None or not in_force(grant, now):
        raise Conflict(
            "grant.over",
            zh="这项借阅授权已经结束，不能续借。如仍需要，请重新申请。",
            en="This grant is over and cannot be renewed. Make a new request if it is still needed.",
        )
    if grant.renewals >= profile.borrowing.max_renewals:
        raise Conflict(
            "grant.renewed_enough",
            zh=f"最多续借 {profile.borrowing.max_renewals} 次，已经用完。到期后如仍需要，请重新申请。",
            en=f"A grant is renewed at most {profile.borrowing.max_renewals} time(s), and was. Make a new request when it is over.",
        )


def may_revoke(actor: Actor, request: AccessRequest, profile: Profile) -> bool:
    """Whether ``actor`` may take the grant of ``request`` back: its approver, or the console."""
    return actor.kind == "console" or seat_of(actor, request, profile) is not None


def revoke(session: Session, *, archive: Archive, actor: Actor, request: AccessRequest, reason: str) -> AccessGrant:
    """Take a grant back at once; it works nowhere from the next request on.

    ``Forbidden`` for who is not its approver, ``Invalid`` without a reason, ``Conflict`` when it is over already.
    """
    if not may_revoke(actor, request, archive.profile):
        raise Forbidden(
            "grant.not_yours",
            zh="只有这件申请的审批人可以撤销授权。",
            en="Only the approver of this request may revoke its grant.",
        )
    said = words(reason)
    if not said:
        raise Invalid("grant.reason", zh="请写明撤销的理由。", en="Say why the grant is revoked.")
    grant, now = of_request(session, request), archive.clock.now()
    if grant is None:
        raise NotFound("grant.not_found", zh="这件申请没有授权。", en="Nothing was granted on this request.")
    if not in_force(grant, now):
        raise Conflict(
            "grant.over_already",
            zh="这项授权已经结束，不用再撤销。",
            en="This grant is over already; there is nothing to revoke.",
        )
    grant.revoked_at, grant.revoked_by, grant.revoke_reason = now, actor.id, said
    _changed(session, archive, actor, grant, "revoked")
    _end_requests(session, archive, actor, grant, step="revoke", said=said)
    return grant


def give_back(session: Session, *, archive: Archive, actor: Actor, request: AccessRequest) -> None:
    """The borrower has done with it before its end; ``Conflict`` when it is over, ``NotFound`` for anybody else."""
    grant, now = of_request(session, request), archive.clock.now()
    if grant is None or grant.account_id != actor.id or actor.narrowed_from(Permission.REQUEST_FILE):
        raise NotFound("grant.not_found", zh="这件申请没有授权。", en="Nothing was granted on this request.")
    if not in_force(grant, now):
        raise Conflict("grant.over", zh="这项借阅授权已经结束。", en="This grant is over already.")
    grant.ends_at = grant.ended_at = now
    _changed(session, archive, actor, grant, "ended")
    _end_requests(session, archive, actor, grant, step="close")


def end_due(session: Session, archive: Archive, limit: int = _BATCH) -> int:
    """Close the grants that are over; how many. The gate has refused them since their end; this tells the story."""
    over = list(
        session.scalars(
            select(AccessGrant)
            .where(
                AccessGrant.ends_at <= archive.clock.now(),
                AccessGrant.ended_at.is_(None),
                AccessGrant.revoked_at.is_(None),
            )
            .order_by(AccessGrant.ends_at)
            .limit(limit)
        )
    )
    for grant in over:
        grant.ended_at = grant.ends_at
        _changed(session, archive, SYSTEM, grant, "ended")
        _end_requests(session, archive, SYSTEM, grant, step="close")
    return len(over)


def remind_due(session: Session, archive: Archive, limit: int = _BATCH) -> int:
    """Remind of grants that end soon (``remind_before_days``), once each; how many."""
    now = archive.clock.now()
    soon = now + timedelta(days=archive.profile.borrowing.remind_before_days)
    ending = list(
        session.scalars(
            select(AccessGrant)
            .where(
                AccessGrant.ends_at > now,
                AccessGrant.ends_at <= soon,
                AccessGrant.reminded_at.is_(None),
                AccessGrant.ended_at.is_(None),
                AccessGrant.revoked_at.is_(None),
            )
            .order_by(AccessGrant.ends_at)
            .limit(limit)
        )
    )
    for grant in ending:
        grant.reminded_at = now
        request = session.scalars(select(AccessRequest).where(AccessRequest.id == grant.request_id)).one()
        tell(session, archive=archive, actor=SYSTEM, request=request, step="reminded")
        _revise(session, archive, SYSTEM, grant)
    return len(ending)


def _end_requests(
    session: Session, archive: Archive, actor: Actor, grant: AccessGrant, *, step: str, said: str = ""
) -> None:
    """The request of a grant that is over ends with it, and so do its renewals; one not yet decided lapses."""
    concerned = session.scalars(
        select(AccessRequest)
        .where((AccessRequest.id == grant.request_id) | (AccessRequest.renews == grant.request_id))
        .order_by(AccessRequest.seq)
    )
    act = {"close": "closed", "revoke": "revoked"}[step]
    for request in concerned:
        if request.state == "approved":
            request.state = next_state(request.state, step)
            tell(session, archive=archive, actor=actor, request=request, step=act, said=said)
        elif request.state in OPEN:
            request.state = next_state(request.state, "lapse")
            tell(session, archive=archive, actor=actor, request=request, step="closed")


def _changed(session: Session, archive: Archive, actor: Actor, grant: AccessGrant, change: str) -> None:
    access_acts.grant_changed(
        session,
        at=archive.clock.now(),
        actor=actor.ref,
        grant_id=grant.id,
        request_id=grant.request_id,
        account_id=grant.account_id,
        change=change,
    )
    _settle(session, archive, actor, grant)


def _settle(session: Session, archive: Archive, actor: Actor, grant: AccessGrant) -> None:
    _revise(session, archive, actor, grant)
    epochs.moved(session, [grant.account_id])


def _revise(session: Session, archive: Archive, actor: Actor, grant: AccessGrant) -> None:
    session.flush()
    grant.revision = revise_entity(
        session,
        archive=archive,
        actor=actor.ref,
        kind="grant",
        entity_id=grant.id,
        state=grant_state(grant, subjects(session, [grant.id])[grant.id]),
        after=grant.revision,
    )
