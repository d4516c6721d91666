"""Counts of use, and the alarms they raise: too much looked at or taken out, refusals, failed sign-ins (domain S58).

Everything is counted in the transaction of the look it belongs to (``UseCount``), so that small steps add up and a look
costs the same after a year. The profile's ``bulk_alarm`` holds every number. An alarm about a kind and a person is
raised once in an hour or day. Whoever has taken out more than a day's share waits before each further export, longer every time:
she is told so at once and no worker waits for her.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from access.actors import Actor
from metadata.errors import Unavailable
from metadata.profile import Profile
from repository.alarms import AlarmKind, raise_alarm
from repository.archive import Archive
from repository.clock import local_date
from repository.db import insert_or
from repository.tables import LedgerEntry, UseCount

VIEWS, EXPORTS = AlarmKind.VIEWS, AlarmKind.EXPORTS
REFUSALS, SIGN_INS = AlarmKind.REFUSALS, AlarmKind.SIGN_INS
KINDS = (VIEWS, EXPORTS, REFUSALS, SIGN_INS)
SLOWED = "export.slowed"
NOBODY = "unknown"
"""Whom a failed sign-in is counted for when no account has the name that was typed."""

_LOOKS = frozenset({"record.viewed", "case.viewed", "file.viewed", "page.viewed", "page.printed", "numbers.unmasked"})
_TAKEN = frozenset({"file.downloaded", "record.exported", "list.exported", "register.exported"})
_FETCHED = frozenset({"file.viewed", "search.performed"})
_LOOKED_BACK = 50
_LAST = select(UseCount.subject).where(
    UseCount.account_id == bindparam("account_id"),
    UseCount.kind == VIEWS,
    UseCount.window == bindparam("hour"),
)
"""Asked at every look, so it is made once."""


def is_export(act: str, form: str) -> bool:
    """Whether a look takes something out: a download, a package, a list, or what a program fetches."""
    return act in _TAKEN or form == "export" or (form == "api" and act in _FETCHED)


def _is_page(act: str, form: str) -> bool:
    """Whether it is a page of a list that a program goes through: its rows count, the asking does not."""
    return form == "api" and act in {"list.exported", "search.performed"}


def count_look(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    act: str,
    form: str,
    record_id: str | None,
    case_file_id: str | None,
    file_id: str | None,
    rows: int | None,
) -> None:
    """Count a look that is about to be entered, and raise an alarm when it is one too many.

    ``Unavailable`` (``export.slowed``, with ``wait_seconds``) for an export before its time. The program itself is not
    counted; the console is counted but not slowed: whoever sits there holds the site's files anyway.
    """
    if actor.kind == "system":
        return
    if act == "access.refused":
        limit = archive.profile.borrowing.bulk_alarm.refusals_per_hour
        amount = _add(session, actor.id, REFUSALS, _hour(archive.clock.now()), "", archive.clock.now())
        if amount > limit:
            _raise(session, archive, REFUSALS, actor.id, amount, limit)
    elif is_export(act, form):
        whole = not _is_page(act, form)
        _count_export(session, archive, actor, file_id or record_id or "", rows or 0, acts=1 if whole else 0)
    elif act in _LOOKS:
        _count_view(session, archive, actor, record_id, case_file_id, file_id)


def _count_view(
    session: Session,
    archive: Archive,
    actor: Actor,
    record_id: str | None,
    case_file_id: str | None,
    file_id: str | None,
) -> None:
    """A thing looked at in this hour counts once, however often its pages are turned."""
    now = archive.clock.now()
    subject = record_id or case_file_id or file_id or ""
    window = _hour(now)
    last = session.connection().scalar(_LAST, {"account_id": actor.id, "hour": window})
    if last == subject or (last is not None and _seen_this_hour(session, actor.id, record_id, case_file_id, now)):
        return
    amount = _add(session, actor.id, VIEWS, window, subject, now)
    limit = archive.profile.borrowing.bulk_alarm.views_per_hour
    if amount > limit:
        _raise(session, archive, VIEWS, actor.id, amount, limit)


def _seen_this_hour(
    session: Session, actor_id: str, record_id: str | None, case_file_id: str | None, now: datetime
) -> bool:
    if record_id is None and case_file_id is None:
        return False
    about = LedgerEntry.record_id == record_id if record_id else LedgerEntry.case_file_id == case_file_id
    latest = (
        select(LedgerEntry.actor_id, LedgerEntry.at, LedgerEntry.act)
        .where(about)
        .order_by(LedgerEntry.seq.desc())
        .limit(_LOOKED_BACK)
        .subquery()
    )
    since = now.replace(minute=0, second=0, microsecond=0)
    found = select(latest.c.act).where(
        latest.c.actor_id == actor_id, latest.c.at >= since, latest.c.act.in_(sorted(_LOOKS))
    )
    return session.execute(found.limit(1)).first() is not None


def _count_export(session: Session, archive: Archive, actor: Actor, subject: str, rows: int, *, acts: int) -> None:
    rules = archive.profile.borrowing.bulk_alarm
    now = archive.clock.now()
    window = local_date(now, archive.zone).isoformat()
    known = session.execute(
        select(UseCount.amount, UseCount.rows, UseCount.subject, UseCount.at)
        .where(*_one(actor.id, EXPORTS, window))
        .with_for_update()
    ).one_or_none()
    if known is not None:
        if subject and known.subject == subject and now - known.at < timedelta(minutes=10):
            return  # the parts of one file that a broken line or a player asks for
        over = max(
            known.amount - rules.exports_per_day + 1,
            known.rows // rules.rows_per_day if rules.rows_per_day else 0,
        )
        if over > 0 and actor.kind == "account":
            wait = min(rules.longest_wait_seconds, rules.wait_seconds * 2 ** min(over - 1, 20))
            left = wait - (now - known.at).total_seconds()
            if left > 0:
                raise _too_much(int(left) + 1)
    amount = _add(session, actor.id, EXPORTS, window, subject, now, rows, acts=acts)
    taken = (known.rows if known is not None else 0) + rows
    if amount > rules.exports_per_day or taken > rules.rows_per_day:
        _raise(session, archive, EXPORTS, actor.id, amount, rules.exports_per_day, rows=taken)


def _too_much(seconds: int) -> Unavailable:
    minutes = -(-seconds // 60)
    return Unavailable(
        SLOWED,
        zh=f"您今天导出、下载的数量已超过规定，请 {minutes} 分钟后再试。此情况已登记并通知安全审计员；如工作需要，请与档案负责人联系。",
        en=f"You have taken out more today than is provided for. Try again in {minutes} min. This is entered in the use "
        "register and told to the auditor; if your work needs it, speak to the head of archives.",
        wait_seconds=seconds,
    )


def export_put_off(session: Session, *, archive: Archive, actor: Actor) -> None:
    """Raise the alarm for an export that was put off; in a transaction of its own, since the export's left nothing."""
    window = local_date(archive.clock.now(), archive.zone).isoformat()
    known = session.execute(
        select(UseCount.amount, UseCount.rows).where(*_one(actor.id, EXPORTS, window))
    ).one_or_none()
    if known is not None:
        limit = archive.profile.borrowing.bulk_alarm.exports_per_day
        _raise(session, archive, EXPORTS, actor.id, known.amount, limit, rows=known.rows)


def sign_in_failed(session: Session, *, archive: Archive, account_id: str | None) -> None:
    """Count a sign-in with a wrong password; ``None``: for a name that no account has. The caller commits."""
    now = archive.clock.now()
    whom = account_id or NOBODY
    amount = _add(session, whom, SIGN_INS, _hour(now), "", now)
    limit = archive.profile.borrowing.bulk_alarm.sign_ins_per_hour
    if amount > limit:
        _raise(session, archive, SIGN_INS, whom, amount, limit)


def limit_of(profile: Profile, kind: str) -> int:
    """From which number an alarm of this kind is raised, as the profile says."""
    rules = profile.borrowing.bulk_alarm
    return {
        VIEWS: rules.views_per_hour,
        EXPORTS: rules.exports_per_day,
        REFUSALS: rules.refusals_per_hour,
        SIGN_INS: rules.sign_ins_per_hour,
    }[AlarmKind(kind)]


def _hour(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%HZ")


def _one(account_id: str, kind: str, window: str) -> tuple[Any, ...]:
    return (UseCount.account_id == account_id, UseCount.kind == kind, UseCount.window == window)


def _add(
    session: Session,
    account_id: str,
    kind: str,
    window: str,
    subject: str,
    now: datetime,
    rows: int = 0,
    *,
    acts: int = 1,
) -> int:
    """One more; the amount now. The first of a window clears the account's earlier ones away."""
    values = {"account_id": account_id, "kind": kind, "window": window, "subject": subject, "at": now}
    statement = insert_or(session, UseCount).values(**values, amount=acts, rows=rows)
    statement = statement.on_conflict_do_update(
        index_elements=[UseCount.account_id, UseCount.kind, UseCount.window],
        set_={
            "amount": UseCount.amount + acts,
            "rows": UseCount.rows + rows,
            "subject": statement.excluded.subject,
            "at": statement.excluded.at,
        },
    )
    amount = int(session.execute(statement.returning(UseCount.amount)).scalar_one())
    if amount == 1:
        session.execute(
            delete(UseCount).where(UseCount.account_id == account_id, UseCount.kind == kind, UseCount.window < window)
        )
    return amount


def _raise(
    session: Session,
    archive: Archive,
    kind: AlarmKind,
    account_id: str,
    count: int,
    limit: int,
    rows: int | None = None,
) -> None:
    """An alarm of this kind about this person, raised once in an hour or day."""
    now = archive.clock.now()
    window = local_date(now, archive.zone).isoformat() if kind is EXPORTS else _hour(now)
    detail: dict[str, str | int | None] = {"count": count, "limit": limit}
    if rows is not None:
        detail["rows"] = rows
    raise_alarm(session, archive=archive, kind=kind, subject=account_id, detail=detail, window=window)
