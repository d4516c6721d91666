"""Events of a case (停保、重新受理 …): entering and withdrawing them, and what follows for retention at once.

An event entered wrongly is withdrawn by a new revision: the file's history keeps both, and why. The assignments of the
whole file follow in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import allowed_at, get_case
from metadata.errors import Conflict, Forbidden, Invalid
from metadata.profile import Profile
from metadata.rights import Permission
from repository import cases, outbox
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import CaseFile
from retention.schedules import settle_case
from retention.triggers import case_events, triggered

EARLIEST = date(1949, 10, 1)
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class CaseClock:
    """What happened in a case, what was taken back (``{"event", "on", "note"}`` each), and the day the benefit stopped."""

    case_file_id: str
    row_version: int
    stopped_on: date | None
    events: tuple[dict[str, str], ...]
    withdrawn: tuple[dict[str, str], ...]


def clock_of(case: CaseFile) -> CaseClock:
    """The events of a case as plain values; notes may hold names and are masked by whoever shows them."""

    def read(name: str) -> tuple[dict[str, str], ...]:
        return tuple(
            {"event": str(one["event"]), "on": str(one["on"])[:10], "note": str(one.get("note") or "")}
            for one in case.state.get(name, [])
        )

    return CaseClock(case.id, case.row_version, case.stopped_on, read("events"), read("withdrawn"))


def may_enter(actor: Actor, profile: Profile, case: CaseFile) -> bool:
    """Whether ``actor`` may say what happened in this case: whoever describes in its division."""
    return allowed_at(actor, Permission.DESCRIBE, profile, division_code=case.division_code, organ_id=case.organ_id)


def enter(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    case_file: str,
    event: str,
    on: date,
    note: str = "",
    row_version: int | None = None,
) -> CaseFile:
    """Something happened in the case on a day; the retention of its records follows.

    ``case_file``: id or household number. ``NotFound`` when the case is not in the actor's reach, ``Forbidden``
    without ``describe`` there, ``Invalid`` for an event that nobody enters by hand, a day to come or a note too long,
    ``Conflict`` for the same event twice or a file that somebody else changed meanwhile.
    """
    case = case_to_enter(session, archive, actor, case_file, row_version, to_change=True)
    kind = archive.profile.events.get(event)
    if kind is None or not kind.entered:
        raise Invalid(
            "case.event_unknown",
            zh="没有这种可登记的事件。请从列表中选择。",
            en="There is no such event to be entered. Choose one from the list.",
            event=event[:40],
        )
    today = local_date(archive.clock.now(), archive.zone)
    if not EARLIEST <= on <= today:
        raise Invalid(
            "case.event_day",
            zh=f"日期应在 {EARLIEST} 与今天（{today}）之间。请改正。",
            en=f"The day lies between {EARLIEST} and today ({today}). Correct it.",
        )
    _not_before_the_case(archive.profile, case, event, on)
    note = _words("case.event_note", note)
    fresh = {"event": event, "on": on.isoformat(), "note": note}
    _set_days(archive.profile, case, [*case.state.get("events", []), fresh])
    cases.record_event(session, archive=archive, actor=actor.ref, case=case, event=event, on=on, note=note)
    return _followed(session, archive, case)


def withdraw(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    case_file: str,
    event: str,
    on: date,
    reason: str,
    row_version: int | None = None,
) -> CaseFile:
    """An event that was entered wrongly counts no more; file and retention are as if it had not been entered.

    Errors as ``enter``; ``Conflict`` when it does not stand in the file (any more), ``Invalid`` without a reason.
    """
    case = case_to_enter(session, archive, actor, case_file, row_version, to_change=True)
    reason = _words("case.withdraw_reason", reason, needed=True)
    left = [
        one
        for one in case.state.get("events", [])
        if (one.get("event"), str(one.get("on"))[:10]) != (event, on.isoformat())
    ]
    _set_days(archive.profile, case, left)
    cases.withdraw_event(session, archive=archive, actor=actor.ref, case=case, event=event, on=on, reason=reason)
    return _followed(session, archive, case)


def case_to_enter(
    session: Session,
    archive: Archive,
    actor: Actor,
    number: str,
    row_version: int | None = None,
    *,
    to_change: bool = False,
) -> CaseFile:
    """The case file (id or household number) in which ``actor`` may enter events; errors as ``enter``.

    ``to_change``: as it stands now, and nobody else changes it before this transaction ends.
    """
    case = get_case(session, actor, number, archive.profile)
    if to_change:
        session.refresh(case, with_for_update=True)
    if not may_enter(actor, archive.profile, case):
        raise Forbidden(
            "access.forbidden",
            zh="您的角色没有这项权限。如工作需要，请向安全保密管理员申请。",
            en="None of your roles permits this. Ask the security administrator if your work needs it.",
            permission=Permission.DESCRIBE.value,
        )
    if row_version is not None and case.row_version != row_version:
        raise Conflict(
            "case.changed",
            zh="另有人刚刚更改了这个户档，您的登记没有保存。请返回查看最新情况后再登记。",
            en="Somebody else changed this case file meanwhile; nothing was entered. Go back, look at it again, then enter it.",
        )
    return case


def _followed(session: Session, archive: Archive, case: CaseFile) -> CaseFile:
    outbox.enqueue(session, outbox.CASE_FILE, [case.id], archive.clock.now())
    settle_case(session, archive=archive, case_file_id=case.id)
    return case


def _not_before_the_case(profile: Profile, case: CaseFile, event: str, on: date) -> None:
    """No period over a household file begins before the file does: ``Invalid`` for a day mistyped."""
    begins = any(
        event in profile.triggers[rule.trigger].events
        for rule in profile.retention_rules
        if rule.applies_to == "household"
    )
    if begins and case.opened_on is not None and on < case.opened_on:
        raise Invalid(
            "case.event_day",
            zh=f"日期早于立卷日期（{case.opened_on}）。请核对后改正。",
            en=f"The day is before the one on which the file was opened ({case.opened_on}). Compare and correct it.",
        )


def _set_days(profile: Profile, case: CaseFile, events: list[dict[str, str]]) -> None:
    """The day the benefit stopped, as the rule over the household file reads it: none while the household is back."""
    happened = case_events(events)
    for rule in profile.retention_rules:
        trigger = profile.triggers[rule.trigger]
        if (
            rule.applies_to == "household"
            and trigger.kind == "event"
            and rule.programme in {None, case.programme}
            and any(one.event in trigger.events for one in (*happened, *case_events(case.state.get("events", []))))
        ):
            case.stopped_on = triggered(trigger, happened, year=None, dated=None).on
            return


def _words(code: str, text: str, *, needed: bool = False) -> str:
    text = " ".join("".join(one for one in text if one.isprintable() or one.isspace()).split())
    if len(text) > LONGEST_NOTE or (needed and not text):
        raise Invalid(
            code,
            zh=f"{'必须填写，' if needed else ''}最多 {LONGEST_NOTE} 字。请改正。",
            en=f"{'It must be filled in, with at' if needed else 'At'} most {LONGEST_NOTE} characters. Correct it.",
            most=LONGEST_NOTE,
        )
    return text
