"""Read models of the site itself: parts that must answer, figures, ledger, accounts, jobs."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from access.ledger_reading import LogEntry, about_account
from lantai import i18n
from lantai.site import Site
from lantai.watch import troubles
from lantai.web import display
from lantai.web.visit import Visit
from lantai.worker import living
from metadata.errors import Forbidden, LantaiError
from metadata.rights import Permission
from repository.holding import check_marker
from repository.ledger.acts import STREAMS
from repository.tables import Counter, LedgerBlock, LedgerEntry, LedgerPending, Outbox, ProfileVersion

_LEAST_FREE = 64 << 20

_JOBS_LOOKED_AT = 400
_JOBS_SHOWN = 40
_BY_CLOCK = re.compile(r"sched-([a-z-]+?)-\d")
_ENDS_WELL = frozenset({"SUCCESS", "ENQUEUED", "DELAYED", "PENDING"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the site: whether it answers, and in words."""

    code: str
    ok: bool
    zh: str
    en: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class PartLine:
    """A part as a page shows it."""

    name: str
    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One stream of the ledger."""

    name: str
    blocks: int
    entries: int
    pending: int
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job; what is done by the clock has no number of its own to ask for."""

    id: str
    name: str
    state: str
    created_at: datetime
    updated_at: datetime


def health(site: Site) -> list[Part]:
    """Database, every replica, index and workers; none of them is asked for more than a glance."""
    return [
        _database(site),
        *(_replica(site, name) for name in site.archive.replicas.names),
        _index(site),
        _workers(site),
        *_watched(site),
    ]


def _database(site: Site) -> Part:
    try:
        with site.archive.reading() as session:
            session.execute(text("SELECT 1"))
    except (SQLAlchemyError, LantaiError):
        return Part("database", False, "数据库没有应答。", "The database does not answer.")
    return Part("database", True, "数据库正常。", "The database answers.")


def _replica(site: Site, name: str) -> Part:
    """Whether a replica is the one it should be and could take more: a full or read-only disk is found before a deposit."""
    code, store = f"replica {name}", site.archive.replicas.store(name)
    try:
        check_marker(store, site.archive.holding_id)
    except LantaiError as error:
        return Part(code, False, error.zh, error.en)
    root = getattr(store, "root", None)
    if isinstance(root, Path):
        try:
            free = shutil.disk_usage(root).free
        except OSError:
            return Part(
                code, False, f"副本 {name} 的目录无法访问。", f"The folder of replica {name} cannot be reached."
            )
        if free < _LEAST_FREE:
            return Part(code, False, f"副本 {name} 空间不足。", f"Replica {name} is full.")
        return Part(code, True, f"可用空间 {display.size(free)}。", f"{display.size(free)} free.")
    return Part(code, True, f"副本 {name} 正常。", f"Replica {name} answers.")


def _index(site: Site) -> Part:
    try:
        engine = site.search_engine()
        try:
            count = engine.count()
        finally:
            engine.close()
    except LantaiError as error:
        return Part("index", False, error.zh, error.en)
    return Part("index", True, f"{count} 条。", f"{count} entries.")


def _workers(site: Site) -> Part:
    try:
        alive = len(living(site.archive.sessions, site.settings.worker_ttl_seconds))
    except (SQLAlchemyError, LantaiError):
        alive = 0
    if not alive:
        return Part(
            "worker",
            False,
            "没有工作进程在运行：移交会排队等待。",
            "No worker is running: deposits wait.",
            needed=False,
        )
    return Part("worker", True, f"{alive} 个工作进程。", f"{alive} running.", needed=False)


def _watched(site: Site) -> list[Part]:
    """Every watched folder that cannot be used; the number is its place in the settings."""
    places = {one.path: number for number, one in enumerate(site.settings.watched, 1)}
    try:
        return [Part(f"watched {places[one.path]}", False, one.zh, one.en, needed=False) for one in troubles(site)]
    except (SQLAlchemyError, LantaiError):
        return []  # the database's own line says it


def health_lines(visit: Visit) -> list[PartLine]:
    """The parts of the site for a page."""
    _ = i18n.translations(visit.language).gettext
    names = {"database": _("Database"), "index": _("Search index"), "worker": _("Workers")}
    return [
        PartLine(
            name=names.get(one.code)
            or (_("Watched folder %(name)s") if one.code.startswith("watched ") else _("Replica %(name)s"))
            % {"name": one.code.rpartition(" ")[2]},
            ok=one.ok,
            words=one.en if visit.language == "en" else one.zh,
        )
        for one in health(visit.site)
    ]


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
    """State of the streams: blocks sealed, entries, what waits for the next block."""
    made = []
    for stream in STREAMS:
        blocks, sealed_at = session.execute(
            select(func.count(), func.max(LedgerBlock.sealed_at)).where(LedgerBlock.stream == stream)
        ).one()
        entries = session.scalar(select(func.count()).select_from(LedgerEntry).where(LedgerEntry.stream == stream))
        pending = session.scalar(select(func.count()).select_from(LedgerPending).where(LedgerPending.stream == stream))
        made.append(LedgerLine(stream, blocks, entries or 0, pending or 0, sealed_at))
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
        (_("Organs"), "/system/organs", keeps),
        (_("Accounts"), "/system/accounts", keeps or grants),
        (_("Roles"), "/system/roles", grants),
        (_("Sessions"), "/system/sessions", keeps),
        (_("Log"), "/system/log", visit.may(Permission.LEDGER_READ)),
        (_("Rules"), "/system/profile", True),
    )
    here = visit.request.url.path
    return [(name, path, path == here) for name, path, opens in parts if opens]


def profile_versions(session: Session) -> list[ProfileVersion]:
    """Versions of profiles that were in force here, newest first."""
    return list(session.scalars(select(ProfileVersion).order_by(ProfileVersion.first_used_at.desc())))


def jobs(site: Site) -> list[JobLine]:
    """The newest jobs; of what is done by the clock only the last run of each kind, and what did not end well."""
    shown: list[JobLine] = []
    seen: set[str] = set()
    for one in site.jobs.list(limit=_JOBS_LOOKED_AT):
        by_clock = _BY_CLOCK.match(one.id)
        name = f"care.{by_clock[1]}" if by_clock else one.name
        if by_clock and name in seen and one.state in _ENDS_WELL:
            continue
        seen.add(name)
        shown.append(
            JobLine(
                id="" if by_clock else one.id,
                name=name,
                state=one.state,
                created_at=datetime.fromtimestamp(one.created_ms / 1000, UTC),
                updated_at=datetime.fromtimestamp(one.updated_ms / 1000, UTC),
            )
        )
    return shown[:_JOBS_SHOWN]
