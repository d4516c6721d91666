"""Deciding a request: what it means in the holdings, a question back, whole, part or refused.

Who decides is the approver that the rule named (``requests.seat_of``), never the asker. What the asker's role may not
reach (level, marks), what is kept from households, and what tells of other households cannot be granted, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import grants
from access.actors import Actor, GrantHeld, actor_of
from access.gate import decide as gate_decides
from access.gate import records_by_id, require
from access.request_rules import (
    Wanted,
    checked_identity,
    checked_reason,
    next_state,
    permissions_for,
    requester_of,
    words,
)
from access.requests import keeps, seat_of, subjects, tell
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.identifiers import is_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import AccessRequest, Account, CaseRecord, Record, RequestSubject

Key = tuple[str, str]
"""(kind, id) of a record or case file."""

BARS = ("level", "redacted", "others", "gone")
"""Why something cannot be granted: above the asker's role, kept from households, tells of others, no longer there."""
_MOST_NAMED = 200


@dataclass(frozen=True, slots=True)
class Meant:
    """A record or case file that a request means; ``bar`` (one of ``BARS``) says why it cannot be granted.

    ``shared``: it stands in several household files, as a payment sheet does, and so tells of each of them.
    """

    kind: str
    id: str
    bar: str | None
    granted: bool
    shows_numbers: bool = False
    shared: bool = False

    @property
    def key(self) -> Key:
        """Kind and id."""
        return (self.kind, self.id)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an approver decides: ``granted`` empty is a refusal with ``reason``. ``form``, ``numbers``, ``days``: at most as asked."""

    granted: frozenset[Key] = frozenset()
    reason: str = ""
    said: str = ""
    form: str = ""
    numbers: str = ""
    days: int = 0
    sighted: frozenset[str] = frozenset()


def meant(
    session: Session, archive: Archive, request: AccessRequest, *, form: str = "", numbers: str = ""
) -> list[Meant]:
    """Each thing that the request means and whether it can be granted to this asker. Not for the asker."""
    rows = subjects(session, request.id)
    profile = archive.profile
    kind = requester_of(request.requester, profile)
    own_file = kind is not None and kind.own_file
    ids = [one.subject_id for one in rows if one.kind == "record"]
    records = {one.id: one for one in session.scalars(select(Record).where(Record.id.in_(ids)))}
    asker = _asker_with(
        session, archive, request, ids, permissions_for(form or request.form, numbers or request.numbers)
    )
    shared = _in_several(session, ids)
    found = []
    for row in rows:
        record = records.get(row.subject_id)
        if row.kind != "record":
            bar = "redacted" if own_file else None if _reads_cases(asker, profile) else "level"
        elif record is None or record.state != "active":
            bar = "gone"
        elif gate_decides(asker, record, Permission.RECORD_READ, profile) is None:
            bar = "level"
        elif own_file and record.document_type in profile.borrowing.redact_for_household:
            bar = "redacted"
        else:
            bar = "others" if own_file and row.subject_id in shared else None
        clear = record is not None and gate_decides(asker, record, Permission.UNMASK, profile) is not None
        found.append(Meant(row.kind, row.subject_id, bar, row.granted, clear, row.subject_id in shared))
    return found


def _asker_with(
    session: Session, archive: Archive, request: AccessRequest, ids: Sequence[str], permissions: frozenset[str]
) -> Actor:
    """The asker as she would be with a grant of all that is meant: what the gate then says is what can be granted."""
    account = session.get(Account, request.account_id)
    today = local_date(archive.clock.now(), archive.zone)
    if account is None:
        return Actor(id=request.account_id, kind="account", name="", organ_id=None)
    supposed = GrantHeld(
        id=request.id,
        request_id=request.id,
        number=request.number,
        permissions=permissions,
        record_ids=frozenset(ids),
        case_file_ids=frozenset(),
        ends_at=None,
    )
    return replace(actor_of(session, account, archive.profile, today), grants=(supposed,))


def _reads_cases(asker: Actor, profile: Profile) -> bool:
    roles = (profile.roles.get(code) for code in asker.role_codes)
    return any(
        one is not None and (Permission.CASE_READ in one.on_grant or Permission.CASE_READ in one.permissions)
        for one in roles
    )


def _in_several(session: Session, record_ids: Sequence[str]) -> frozenset[str]:
    """Those records that stand in more than one case file: a payment sheet tells of every household on it."""
    rows = session.scalars(
        select(CaseRecord.record_id)
        .where(CaseRecord.record_id.in_(record_ids))
        .group_by(CaseRecord.record_id)
        .having(func.count() > 1)
    )
    return frozenset(rows)


def require_seat(actor: Actor, request: AccessRequest, profile: Profile) -> None:
    """``Forbidden`` unless the request is this person's to decide: never her own, never somebody else's."""
    if actor.id == request.account_id:
        raise Forbidden(
            "request.own",
            zh="不能审批自己提出的申请（职责分离）。请由另一位审批人办理。",
            en="Nobody decides on a request of her own (separation of duties). Another approver has to.",
        )
    if seat_of(actor, request, profile) is None:
        raise Forbidden(
            "request.not_yours",
            zh="这件申请不由您审批。",
            en="This request is not yours to decide.",
        )


def ask_back(session: Session, *, archive: Archive, actor: Actor, request: AccessRequest, said: str) -> None:
    """Put a question to the asker; the request waits for her answer."""
    require_seat(actor, request, archive.profile)
    following, question = next_state(request.state, "question"), words(said)
    if not question:
        raise Invalid("request.question", zh="请写明要问什么。", en="Write the question.")
    request.state = following
    tell(session, archive=archive, actor=actor, request=request, step="questioned", said=question)


def may_name(session: Session, actor: Actor, request: AccessRequest, profile: Profile) -> bool:
    """Whether ``actor`` may say which records an open request means: its approver, or who holds the files."""
    if actor.id == request.account_id or request.state != "submitted" or request.renews is not None:
        return False
    return seat_of(actor, request, profile) is not None or keeps(actor, profile, session, request)


def name_records(
    session: Session, *, archive: Archive, actor: Actor, request: AccessRequest, record_ids: Iterable[str]
) -> int:
    """Say which records a request means (words of a search mean none by themselves); how many were added.

    Only records that ``actor`` may list herself, within the divisions of who decides; others are passed over alike,
    there or not. ``Forbidden`` for who neither decides nor holds the files.
    """
    if not may_name(session, actor, request, archive.profile):
        raise Forbidden(
            "request.not_handled",
            zh="只有保管这些档案的档案员或审批人，在审批之前可以指明档案。",
            en="Only who holds the files or decides may name records, and only before the decision.",
        )
    wanted = list(dict.fromkeys(one for one in record_ids if is_id(one)))[:_MOST_NAMED]
    known = {one.subject_id for one in subjects(session, request.id) if one.kind == "record"}
    seen = records_by_id(session, actor, wanted, archive.profile, permission=Permission.RECORD_LIST)
    fresh = [
        one
        for one in wanted
        if one not in known and one in seen and seen[one].division_code.startswith(request.approver_division)
    ]
    if fresh:
        session.add_all(RequestSubject(request_id=request.id, kind="record", subject_id=one) for one in fresh)
        tell(session, archive=archive, actor=actor, request=request, step="named", facts={"records": len(fresh)})
    return len(fresh)


def decide(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    request: AccessRequest,
    decision: Decision,
    approver: Actor | None = None,
) -> AccessRequest:
    """Grant what is chosen, or refuse.

    ``approver``: on whose order the console enters the decision; otherwise ``actor`` herself. ``Forbidden`` for who may
    not decide it, ``Conflict`` when it was decided or taken back, ``Invalid`` for what cannot be granted or refused so.
    """
    session.refresh(request, with_for_update=True)  # two who decide at once: the second finds it decided
    by = approver if approver is not None and actor.kind == "console" else actor
    require_seat(by, request, archive.profile)
    require(by, Permission.REQUEST_DECIDE, archive.profile)
    facts: dict[str, object] = {"on_order_of": by.id} if by is not actor else {}
    if decision.granted:
        _grant(session, archive, actor, request, decision, by, facts)
    else:
        _refuse(session, archive, actor, request, decision, by, facts)
    return request


def _refuse(
    session: Session,
    archive: Archive,
    actor: Actor,
    request: AccessRequest,
    decision: Decision,
    by: Actor,
    facts: dict[str, object],
) -> None:
    following = next_state(request.state, "refuse")
    kind = requester_of(request.requester, archive.profile)
    can = any(one.bar is None for one in meant(session, archive, request))
    request.refuse_reason = checked_reason(decision.reason, kind, archive.profile, can_be_granted=can)
    said = words(decision.said)
    if request.refuse_reason == "other" and not said:
        raise Invalid(
            "request.reason_words",
            zh="选择“其他”时，请写明不予同意的理由。",
            en="Say why, since the reason is “other”.",
        )
    request.state, request.decision = following, "refused"
    request.decided_by, request.decided_at = by.id, archive.clock.now()
    facts = {"decision": "refused", "reason": request.refuse_reason, **facts}
    tell(session, archive=archive, actor=actor, request=request, step="decided", said=said, facts=facts)


def _grant(
    session: Session,
    archive: Archive,
    actor: Actor,
    request: AccessRequest,
    decision: Decision,
    by: Actor,
    facts: dict[str, object],
) -> None:
    following = next_state(request.state, "approve")
    profile = archive.profile
    form, numbers, days = _narrowed(request, decision, profile)
    sighted = checked_identity(requester_of(request.requester, profile), decision.sighted, profile)
    things = meant(session, archive, request, form=form, numbers=numbers)
    chosen = _chosen(request, things, decision.granted, profile)
    whole = {one.key for one in things} == chosen and "elsewhere" not in request.details
    renewed = grants.of_request(session, request) if request.renews else None
    if request.renews:
        if renewed is None or not whole:
            raise Conflict(
                "request.renewal_whole",
                zh="续借只能整体同意或不同意。",
                en="A renewal is granted whole or refused.",
            )
        grants.extend(session, archive=archive, actor=actor, grant=renewed, days=days)
    for row in subjects(session, request.id):
        row.granted = (row.kind, row.subject_id) in chosen
    request.state, request.decision = following, "whole" if whole else "part"
    request.decided_by, request.decided_at = by.id, archive.clock.now()
    if sighted:
        request.details = {**request.details, "sighted": " ".join(sighted)}
    counts = {"records": sum(kind == "record" for kind, _ in chosen), "days": days, "form": form, "numbers": numbers}
    facts = {"decision": request.decision, **counts, **facts}
    tell(session, archive=archive, actor=actor, request=request, step="decided", said=words(decision.said), facts=facts)
    if not request.renews:
        grants.make(
            session,
            archive=archive,
            actor=actor,
            request=request,
            named=chosen,
            form=form,
            numbers=numbers,
            days=days,
        )


def _narrowed(request: AccessRequest, decision: Decision, profile: Profile) -> tuple[str, str, int]:
    """Form, numbers and days of the grant: as asked, or less; never more."""
    form, numbers, days = (
        decision.form or request.form,
        decision.numbers or request.numbers,
        decision.days or request.days,
    )
    wider = (form == "copy" and request.form != "copy") or (numbers == "full" and request.numbers != "full")
    if wider or form not in ("screen", "copy") or numbers not in ("masked", "full"):
        raise Invalid(
            "request.wider",
            zh="准许的方式不能超过申请的方式。",
            en="No more can be granted than was asked for.",
        )
    if not 1 <= days <= min(request.days, profile.borrowing.max_days):
        raise Invalid(
            "request.days_wider",
            zh=f"准许的天数应为 1 至 {request.days}。",
            en=f"The days granted are 1 to {request.days}, as asked for.",
        )
    return form, numbers, days


def _chosen(request: AccessRequest, things: list[Meant], granted: Collection[Key], profile: Profile) -> set[Key]:
    """What is granted, checked: named by the request, not barred, not too much for one grant."""
    by_key = {one.key: one for one in things}
    chosen = set(granted)
    if not chosen <= set(by_key):
        raise NotFound(
            "request.not_asked_for",
            zh="所选内容中有不属于这件申请的档案。请刷新页面后重新选择。",
            en="Something chosen does not belong to this request. Reload the page and choose again.",
        )
    barred = sorted({bar for key in chosen if (bar := by_key[key].bar) is not None})
    if barred:
        raise Invalid(
            "request.barred",
            zh="所选内容中有不能提供给该申请人的档案，见各件的说明。请去掉后再提交。",
            en="Something chosen cannot be granted to this asker; each record says why. Take it out and send it again.",
            bars=barred,
        )
    most = profile.borrowing.max_files_per_grant
    if Wanted.of_json(request.wanted).kind != "household" and len(chosen) > most:
        raise Invalid(
            "request.too_many_granted",
            zh=f"一次最多准许 {most} 件。请减少所选件数。",
            en=f"At most {most} records are granted at once. Choose fewer.",
            most=most,
        )
    return chosen
