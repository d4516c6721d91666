"""Filing a request and what its asker does with it: file, answer, withdraw, ask for longer.

What is asked for is looked up at once and kept for the approver (``RequestSubject``); the asker is told nothing of it.
A request for something that is not there looks to her like any other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from access import letters
from access.actors import Actor
from access.gate import require
from access.grants import check_renewable, of_request
from access.letters import Letter
from access.request_rules import OPEN, Asking, Wanted, checked, next_state, requester_of, words
from access.requests import tell
from metadata import digests
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.household import division_of
from metadata.identifiers import new_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import (
    AccessRequest,
    Account,
    AccountRole,
    CaseFile,
    CaseRecord,
    Household,
    Organ,
    Record,
    RequestSubject,
)

MOST_OPEN = 50
"""Undecided requests that one person may have: a script must not fill the desk, or the disk with letters."""
_TRIES = 5
Meant = list[tuple[str, str, str]]
"""(kind, id, division code) of what a request means."""


def file(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    asking: Asking,
    letter: Letter | None = None,
    key: str | None = None,
) -> AccessRequest:
    """File a request; with a ``key`` that came before, the request that it made then.

    ``Forbidden`` without the permission to ask; ``RequestFaults`` with all that is missing or wrong.
    """
    _require_person(actor, archive.profile)
    once = _once(actor, key)
    if (known := _known(session, once)) is not None:
        return known
    asking = checked(asking, actor.role_codes, archive.profile, with_letter=letter is not None)
    _refuse_flood(session, actor)
    meant = meaning(session, asking.wanted)
    if (kind := requester_of(asking.requester, archive.profile)) is None:
        raise AssertionError(asking.requester)
    today = local_date(archive.clock.now(), archive.zone)
    division = _seat(session, kind.approver, meant, asking.wanted, today)
    inside = [one for one in meant if one[2].startswith(division)]
    request = _new(archive, actor, asking, division, kind.approver)
    request.idempotency_key = once
    if letter is not None:
        request.letter_id = letters.keep(session, archive=archive, actor=actor, letter=letter)
        request.details = {**request.details, "letter_type": letter.media_type}
    if len(inside) < len(meant):
        request.details = {**request.details, "elsewhere": str(len(meant) - len(inside))}
    if (known := _insert(session, archive, request)) is not None:
        return known
    session.add_all(RequestSubject(request_id=request.id, kind=named, subject_id=one) for named, one, _ in inside)
    tell(session, archive=archive, actor=actor, request=request, step="submitted")
    return request


def _require_person(actor: Actor, profile: Profile) -> None:
    if actor.kind != "account":
        raise Forbidden(
            "request.no_account",
            zh="借阅申请须由本人登录后提出。",
            en="A request is filed by a person who is signed in.",
        )
    require(actor, Permission.REQUEST_FILE, profile)


def _refuse_flood(session: Session, actor: Actor) -> None:
    """``Conflict`` (``request.too_many_open``) for who has as many undecided requests as may be."""
    waiting = select(func.count()).where(AccessRequest.account_id == actor.id, AccessRequest.state.in_(OPEN))
    if (session.scalar(waiting) or 0) >= MOST_OPEN:
        raise Conflict(
            "request.too_many_open",
            zh=f"您已有 {MOST_OPEN} 件申请待审批，请等审批后或撤回一些再提出。",
            en=f"You have {MOST_OPEN} requests that wait for a decision. Wait for some, or withdraw some, before you ask again.",
            most=MOST_OPEN,
        )


def _once(actor: Actor, key: str | None) -> str | None:
    """The key of a form or call as the row keeps it: the actor's own, of one length."""
    return f"{actor.id}:{digests.of_bytes(key.encode())}" if key else None


def _known(session: Session, once: str | None) -> AccessRequest | None:
    if once is None:
        return None
    return session.scalars(select(AccessRequest).where(AccessRequest.idempotency_key == once)).one_or_none()


def _new(archive: Archive, actor: Actor, asking: Asking, division: str, approver: str) -> AccessRequest:
    now = archive.clock.now()
    return AccessRequest(
        id=new_id(),
        number="",
        account_id=actor.id,
        organ_id=actor.organ_id,
        requester=asking.requester,
        purpose=asking.purpose,
        purpose_text=asking.purpose_text,
        form=asking.form,
        numbers=asking.numbers,
        days=asking.days,
        wanted=asking.wanted.as_json(),
        details=dict(asking.details),
        approver_role=approver,
        approver_division=division,
        state="submitted",
        told=[],
        row_version=0,
        revision=0,
        profile_version=archive.profile.label,
        created_at=now,
        updated_at=now,
        submitted_at=now,
    )


def _insert(session: Session, archive: Archive, request: AccessRequest) -> AccessRequest | None:
    """Insert with the next number of the year; the request of the same key when it was filed at the same moment."""
    year = local_date(request.created_at, archive.zone).year
    for _ in range(_TRIES):
        newest = session.scalar(
            select(AccessRequest.number)
            .where(AccessRequest.number.startswith(f"JY{year}-", autoescape=True))
            .order_by(AccessRequest.number.desc())
            .limit(1)
        )
        request.number = f"JY{year}-{int(newest.rpartition('-')[2]) + 1 if newest else 1:06d}"
        try:
            with session.begin_nested():
                session.add(request)
            return None
        except IntegrityError:
            if (known := _known(session, request.idempotency_key)) is not None:
                return known
    raise Conflict(
        "request.busy",
        zh="同一时间提交的申请太多，没有登记成功。请再提交一次。",
        en="Too many requests came in at once and this one was not entered. Send it again.",
    )


def meaning(session: Session, wanted: Wanted) -> Meant:
    """What records and case files are meant, whoever asks; words of a search mean nothing until a person names records."""
    if wanted.kind == "records":
        rows = session.execute(
            select(Record.id, Record.division_code).where(Record.id.in_(wanted.record_ids), Record.state == "active")
        )
        return [("record", one, division) for one, division in rows]
    if wanted.kind == "search":
        return []
    cases = session.execute(
        select(CaseFile.id, CaseFile.division_code)
        .join(Household, Household.id == CaseFile.household_id)
        .where(Household.household_no == wanted.household_no)
    )
    found: Meant = [("case_file", one, division) for one, division in cases]
    records = session.execute(
        select(Record.id, Record.division_code)
        .join(CaseRecord, CaseRecord.record_id == Record.id)
        .where(CaseRecord.case_file_id.in_([one for _, one, _ in found]), Record.state == "active")
        .distinct()
    )
    return found + [("record", one, division) for one, division in records]


def _seat(session: Session, role: str, meant: Meant, wanted: Wanted, today: date) -> str:
    """The divisions of the organ whose holder of ``role`` decides: the narrowest that holds most of what is meant.

    Where nothing is meant, that of the household number, else of the whole bureau. When nobody holds the role the request
    waits for whoever comes to hold it there.
    """
    root = session.scalar(
        select(Organ.division_prefix).where(Organ.division_prefix != "").order_by(Organ.parent_id.is_not(None)).limit(1)
    )
    seats = set(
        session.scalars(
            select(Organ.division_prefix)
            .join(AccountRole, AccountRole.organ_id == Organ.id)
            .join(Account, Account.id == AccountRole.account_id)
            .where(
                Account.active,
                AccountRole.role == role,
                Organ.division_prefix != "",
                or_(AccountRole.starts_on.is_(None), AccountRole.starts_on <= today),
                or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today),
            )
        )
    )
    places = [division for _, _, division in meant]
    if not places and wanted.kind == "household":
        places = [division_of(wanted.household_no)]
    held = Counter(seat for seat in seats for place in places if place.startswith(seat))
    if held:
        return max(held, key=lambda seat: (held[seat], len(seat)))
    bureaus = sorted(seats, key=lambda seat: (len(seat), seat))
    return bureaus[0] if bureaus and not places else (root or "")


def answer(session: Session, *, archive: Archive, actor: Actor, request: AccessRequest, said: str) -> None:
    """The asker answers the approver's question; the request waits for the decision again."""
    _require_asker(actor, request)
    following, answer_words = next_state(request.state, "answer"), words(said)
    if not answer_words:
        raise Invalid("request.answer", zh="请写明答复。", en="Write the answer.")
    request.state = following
    tell(session, archive=archive, actor=actor, request=request, step="answered", said=answer_words)


def withdraw(session: Session, *, archive: Archive, actor: Actor, request: AccessRequest) -> None:
    """The asker takes an undecided request back."""
    _require_asker(actor, request)
    request.state = next_state(request.state, "withdraw")
    tell(session, archive=archive, actor=actor, request=request, step="withdrawn")


def ask_longer(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    request: AccessRequest,
    days: int,
    said: str,
    key: str | None = None,
) -> AccessRequest:
    """Ask for a grant in force to last longer: a request of its own, decided by the same approver.

    ``Conflict`` when the grant is over, was renewed as often as may be, or a renewal waits already.
    """
    _require_asker(actor, request)
    _require_person(actor, archive.profile)
    once = _once(actor, key)
    if (known := _known(session, once)) is not None:
        return known
    original = request.renews or request.id
    check_renewable(of_request(session, request), archive.clock.now(), archive.profile)
    waiting = select(AccessRequest.id).where(AccessRequest.renews == original, AccessRequest.state.in_(OPEN))
    if session.scalars(waiting).first() is not None:
        raise Conflict(
            "request.renewal_waits",
            zh="续借申请已提交，正在等待审批，不用重复提交。",
            en="A renewal was asked for already and waits for its decision.",
        )
    asking = Asking(
        requester=request.requester,
        wanted=Wanted.of_json(request.wanted),
        purpose=request.purpose,
        purpose_text=words(said),
        form=request.form,
        numbers=request.numbers,
        days=days,
        details={name: str(value) for name, value in request.details.items()},
    )
    asking = checked(asking, actor.role_codes, archive.profile, with_letter=request.letter_id is not None)
    made = _new(archive, actor, replace(asking, details=request.details), request.approver_division, "")
    made.approver_role, made.letter_id, made.renews = request.approver_role, request.letter_id, original
    made.idempotency_key = once
    if (known := _insert(session, archive, made)) is not None:
        return known
    granted = select(RequestSubject.kind, RequestSubject.subject_id).where(
        RequestSubject.request_id == original, RequestSubject.granted
    )
    session.add_all(
        RequestSubject(request_id=made.id, kind=kind, subject_id=one) for kind, one in session.execute(granted)
    )
    tell(session, archive=archive, actor=actor, request=made, step="submitted")
    return made


def _require_asker(actor: Actor, request: AccessRequest) -> None:
    """Her own request, and no token that was narrowed from requests: one that may read them acts on none."""
    if actor.id != request.account_id or actor.narrowed_from(Permission.REQUEST_FILE):
        raise NotFound(
            "request.not_found",
            zh="没有这件借阅申请，或您无权查看。请核对编号。",
            en="There is no such request, or you may not see it. Check its number.",
        )
