"""Acts on holds: place, review, lift. Each with its ledger entry and the hold's whole state in the same transaction."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import require, visible_cases, visible_records
from metadata import idcard
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.identifiers import checked_id, new_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.entities import hold_state
from repository.ledger import access_acts
from repository.revisions import revise_entity
from repository.tables import CaseFile, Hold, Record
from retention.holds import CASE_FILE, RECORD, get_hold, insert_subjects, reached, state_of, subjects_of

MOST_SUBJECTS = 10_000
LONGEST = 200
LONGEST_REASON = 2000
PLACE, LIFT = "place_hold", "lift_hold"
"""Acts of the profile: ``per_object_separation`` says whether one person may do both on one hold."""

_KEPT = "\n\u200c\u200d"  # new lines, and what joins letters and emoji; marks that turn the direction of writing go
_BATCH = 400


@dataclass(frozen=True, slots=True)
class NewHold:
    """What is said of a hold: its name, who demands it and under which number, why, and when it is looked at again."""

    title: str
    authority: str
    reason: str
    reference: str = ""
    review_on: date | None = None


def place(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    told: NewHold,
    record_ids: Sequence[str] = (),
    case_file_ids: Sequence[str] = (),
    hold_id: str | None = None,
) -> Hold:
    """Put records and case files on hold; a case file's later records are held too. It works at once.

    ``hold_id`` names the hold beforehand: a form sent twice places one hold. ``Forbidden`` without ``hold.place``;
    ``NotFound`` when any record or case file is not in its reach; ``Invalid`` for what is said of it.
    """
    profile = archive.profile
    require(actor, Permission.HOLD_PLACE, profile)
    known = _placed_before(session, actor, hold_id)
    if known is not None:
        return known
    told = _checked(told, _today(archive))
    subjects = [(RECORD, one) for one in dict.fromkeys(record_ids)]
    subjects += [(CASE_FILE, one) for one in dict.fromkeys(case_file_ids)]
    _check_subjects(session, actor, profile, subjects)
    hold = Hold(
        id=hold_id or new_id(),
        title=told.title,
        authority=told.authority,
        reference=told.reference,
        reason=told.reason,
        review_on=told.review_on,
        placed_by=actor.id,
        placed_at=archive.clock.now(),
        lift_authority="",
        lift_reason="",
    )
    session.add(hold)
    session.flush()
    insert_subjects(session, hold.id, subjects)
    records = sum(kind == RECORD for kind, _ in subjects)
    access_acts.hold_placed(
        session,
        at=hold.placed_at,
        actor=actor.ref,
        hold_id=hold.id,
        records=records,
        case_files=len(subjects) - records,
    )
    _keep(session, archive, actor, hold)
    return hold


def review(
    session: Session, *, archive: Archive, actor: Actor, hold_id: str, review_on: date, row_version: int | None = None
) -> Hold:
    """The hold was looked at and stands; it is looked at again on ``review_on``.

    ``NotFound`` when ``actor`` may not know of it, ``Forbidden`` without ``hold.place`` over all of it, ``Conflict``
    when somebody else changed it meanwhile.
    """
    hold = get_hold(session, actor, hold_id, archive.profile, to_change=True)
    _require_whole(session, actor, archive.profile, hold, Permission.HOLD_PLACE)
    _check_unchanged(hold, row_version)
    if hold.lift_entry is not None:
        raise _lifted()
    _check_review(review_on, _today(archive))
    hold.review_on = review_on
    hold.row_version += 1
    access_acts.hold_reviewed(session, at=archive.clock.now(), actor=actor.ref, hold_id=hold.id)
    _keep(session, archive, actor, hold)
    return hold


def lift(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    hold_id: str,
    authority: str,
    reason: str,
    row_version: int | None = None,
) -> Hold:
    """End a hold, with the authority and the reason for it; it works when the entry of this act is sealed.

    ``NotFound`` when ``actor`` may not know of it; ``Forbidden`` without ``hold.lift`` over all that it names, and for
    whoever placed it where the profile keeps both apart; ``Conflict`` when it was changed or lifted meanwhile.
    """
    profile = archive.profile
    hold = get_hold(session, actor, hold_id, profile, to_change=True)
    _require_whole(session, actor, profile, hold, Permission.HOLD_LIFT)
    if hold.placed_by == actor.id and _separated(profile):
        raise Forbidden(
            "hold.own",
            zh="冻结须由另一人解除，设置人不能自行解除。请由档案负责人或分管领导办理。",
            en="Somebody else must lift a hold than whoever placed it. Ask the head of archives or of the bureau.",
        )
    if hold.lift_entry is not None:
        if hold.lifted_by == actor.id and state_of(session, hold) == "lifting":
            return hold  # the form was sent twice
        raise _lifted()
    _check_unchanged(hold, row_version)
    hold.lift_authority = _line("authority", authority)
    hold.lift_reason = _text("reason", reason)
    now = archive.clock.now()
    hold.lifted_by, hold.lifted_at = actor.id, now
    hold.lift_entry = access_acts.hold_lifted(session, at=now, actor=actor.ref, hold_id=hold.id)
    hold.row_version += 1
    _keep(session, archive, actor, hold)
    return hold


def may_lift(session: Session, actor: Actor, profile: Profile, hold: Hold) -> bool:
    """Whether ``actor`` could lift it now: a page offers no act that would be refused."""
    if hold.lift_entry is not None or (hold.placed_by == actor.id and _separated(profile)):
        return False
    return _reaches_whole(session, actor, profile, hold, Permission.HOLD_LIFT)


def may_review(session: Session, actor: Actor, profile: Profile, hold: Hold) -> bool:
    """Whether ``actor`` could put off its review."""
    return hold.lift_entry is None and _reaches_whole(session, actor, profile, hold, Permission.HOLD_PLACE)


def _keep(session: Session, archive: Archive, actor: Actor, hold: Hold) -> None:
    session.flush()
    hold.revision = revise_entity(
        session,
        archive=archive,
        actor=actor.ref,
        kind="hold",
        entity_id=hold.id,
        state=hold_state(hold, subjects_of(session, hold.id)),
        after=hold.revision,
    )


def _today(archive: Archive) -> date:
    return local_date(archive.clock.now(), archive.zone)


def _separated(profile: Profile) -> bool:
    return any({one.first, one.second} == {PLACE, LIFT} for one in profile.per_object_separation)


def _placed_before(session: Session, actor: Actor, hold_id: str | None) -> Hold | None:
    if hold_id is None:
        return None
    found = session.scalars(select(Hold).where(Hold.id == checked_id(hold_id))).one_or_none()
    if found is not None and found.placed_by != actor.id:
        raise Conflict(
            "hold.number_taken",
            zh="这张表单的编号已被使用，没有设置冻结。请重新打开表单再试。",
            en="The number of this form is in use; no hold was placed. Open the form anew and try again.",
        )
    return found


def _check_subjects(session: Session, actor: Actor, profile: Profile, subjects: Sequence[tuple[str, str]]) -> None:
    if not 0 < len(subjects) <= MOST_SUBJECTS:
        raise Invalid(
            "hold.subjects",
            zh=f"请选择 1 至 {MOST_SUBJECTS} 件档案或户档。一次太多时，请按户档设置冻结。",
            en=f"Choose 1 to {MOST_SUBJECTS} records or case files. When there are more, put case files on hold.",
            most=MOST_SUBJECTS,
        )
    for kind, column, criterion in (
        (RECORD, Record.id, visible_records(actor, profile, Permission.HOLD_PLACE)),
        (CASE_FILE, CaseFile.id, visible_cases(actor, profile, Permission.HOLD_PLACE)),
    ):
        wanted = [one for of, one in subjects if of == kind]
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            if len(set(session.scalars(select(column).where(column.in_(part), criterion)))) < len(part):
                raise NotFound(
                    "hold.subject_not_found",
                    zh="所选档案或户档中有的不存在，或不在您的冻结权限内，没有设置冻结。请核对。",
                    en="Some of the records or case files are not there, or you may not put them on hold; no hold was placed. Check them.",
                )


def _require_whole(session: Session, actor: Actor, profile: Profile, hold: Hold, permission: Permission) -> None:
    require(actor, permission, profile)
    if not _reaches_whole(session, actor, profile, hold, permission):
        raise Forbidden(
            "hold.not_yours",
            zh="这项冻结须由权限更大的人员办理。请报档案负责人。",
            en="Somebody whose role reaches further must do this. Report it to the head of archives.",
        )


def _reaches_whole(session: Session, actor: Actor, profile: Profile, hold: Hold, permission: Permission) -> bool:
    """A hold is lifted as a whole, so all that it names must lie in the person's reach."""
    return sum(reached(session, actor, profile, hold.id, permission)) == len(subjects_of(session, hold.id))


def _check_unchanged(hold: Hold, row_version: int | None) -> None:
    if row_version is not None and hold.row_version != row_version:
        raise Conflict(
            "hold.changed",
            zh="另有人刚刚更改了这项冻结，您的更改没有保存。请返回查看最新情况后再办理。",
            en="Somebody else changed this hold meanwhile; your change was not saved. Go back, look at it again, then decide.",
        )


def _lifted() -> Conflict:
    return Conflict(
        "hold.lifted_already",
        zh="这项冻结已经解除，没有再做更改。",
        en="This hold was lifted already; nothing was changed.",
    )


def _checked(told: NewHold, today: date) -> NewHold:
    if told.review_on is not None:
        _check_review(told.review_on, today)
    return NewHold(
        title=_line("title", told.title),
        authority=_line("authority", told.authority),
        reason=_text("reason", told.reason),
        reference=_line("reference", told.reference, optional=True),
        review_on=told.review_on,
    )


def _check_review(review_on: date, today: date) -> None:
    if not today <= review_on <= today.replace(year=today.year + 50, day=min(today.day, 28)):
        raise Invalid(
            "hold.review_on",
            zh="复查日期应为今天或以后（50 年内）。请改正。",
            en="The day of review is today or later, within 50 years. Correct it.",
        )


def _line(field: str, text: str, *, optional: bool = False) -> str:
    return _text(field, " ".join(text.split()), longest=LONGEST, optional=optional)


def _text(field: str, text: str, *, longest: int = LONGEST_REASON, optional: bool = False) -> str:
    text = "".join(
        one for one in text if one.isprintable() or one in _KEPT or unicodedata.category(one) == "Zs"
    ).strip()
    if (not text and not optional) or len(text) > longest:
        raise Invalid(
            f"hold.{field}",
            zh=f"此项必须填写，最多 {longest} 字。" if not optional else f"此项最多 {longest} 字。",
            en=f"This must be filled in, with at most {longest} characters."
            if not optional
            else f"At most {longest} characters.",
            most=longest,
        )
    if next(iter(idcard.find_all(text)), None) is not None:
        raise Invalid(
            "hold.id_number",
            zh="此处不要写身份证号码；请写户号或案号。没有保存。",
            en="Write no ID number here, but a household or case number. Nothing was saved.",
            field=field,
        )
    return text
