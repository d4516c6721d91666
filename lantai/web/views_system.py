"""Read models of the site itself: figures, ledger, accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import alarms
from access.ledger_reading import LogEntry, about_account
from lantai import i18n
from lantai.web import display
from lantai.web.visit import Visit
from metadata.errors import Forbidden
from metadata.rights import Permission
from repository.alarms import AlarmArea
from repository.ledger.acts import STREAMS
from repository.tables import Counter, LedgerBlock, LedgerPending, Outbox, ProfileVersion


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One stream of the ledger."""

    name: str
    blocks: int
    entries: int
    pending: int
    sealed_at: datetime | None


def figures(session: Session, visit: Visit) -> list[tuple[str, str]]:
    """Totals that are kept by the acts that change them."""
    _ = i18n.translations(visit.language).gettext
    counted = dict(session.execute(select(Counter.name, Counter.value)).tuples().all())
    waiting = session.scalar(select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None))) or 0
    return [
        (_("Records"), display.number(counted.get("records", 0))),
        (_("Versions"), display.number(counted.get("versions", 0))),
        (_("Files"), display.number(counted.get("files", 0))),
        (_("Content"), display.size(counted.get("bytes", 0))),
        (_("Changes the index does not show yet"), display.number(waiting)),
    ]


def ledger(session: Session) -> list[LedgerLine]:
    """State of the streams: blocks sealed, entries (every one is in a block or waits), what waits for the next block."""
    made = []
    for stream in STREAMS:
        counted = (func.count(), func.coalesce(func.sum(LedgerBlock.entries), 0), func.max(LedgerBlock.sealed_at))
        blocks, sealed, sealed_at = session.execute(select(*counted).where(LedgerBlock.stream == stream)).one()
        waiting = select(func.count()).select_from(LedgerPending).where(LedgerPending.stream == stream)
        pending = session.scalar(waiting) or 0
        made.append(LedgerLine(stream, blocks, int(sealed) + pending, pending, sealed_at))
    return made


def history(session: Session, account_id: str) -> list[LogEntry]:
    """What was done with an account, newest first."""
    return about_account(session, account_id)


_OPENS = (Permission.STATUS_READ, Permission.ACCOUNT_WRITE, Permission.GRANT_WRITE, Permission.LEDGER_READ)


def require_room(visit: Visit) -> None:
    """``Forbidden`` unless one of the person's roles opens a part of the room System."""
    if not any(visit.may(one) for one in _OPENS):
        raise Forbidden(
            "access.forbidden",
            zh="您的角色没有这项权限。如工作需要，请向安全保密管理员申请。",
            en="None of your roles permits this. Ask the security administrator if your work needs it.",
        )


def tabs(visit: Visit) -> list[tuple[str, str, bool]]:
    """The parts of the room that this administrator has, as links: name, address, whether it is this one."""
    _ = i18n.translations(visit.language).gettext
    keeps, grants = visit.may(Permission.ACCOUNT_WRITE), visit.may(Permission.GRANT_WRITE)
    parts = (
        (_("State"), "/system", True),
        (_("Jobs"), "/system/jobs", visit.may(Permission.STATUS_READ)),
        (_("Organs"), "/system/organs", keeps),
        (_("Accounts"), "/system/accounts", keeps or grants),
        (_("Roles"), "/system/roles", grants),
        (_("Sessions"), "/system/sessions", keeps),
        (_("Log"), "/system/log", visit.may(Permission.LEDGER_READ)),
        (
            _("Alarms"),
            "/alarms?area=system",
            AlarmArea.SYSTEM in alarms.areas(visit.person, visit.site.archive.profile),
        ),
        (_("Rules"), "/system/profile", True),
    )
    here = visit.request.url.path
    return [(name, path, path == here) for name, path, opens in parts if opens]


def profile_versions(session: Session) -> list[ProfileVersion]:
    """Versions of profiles that were in force here, newest first."""
    return list(session.scalars(select(ProfileVersion).order_by(ProfileVersion.first_used_at.desc())))
