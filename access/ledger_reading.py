"""Reading the ledger's acts for those who audit: filtered, newest first, within their reach.

An entry holds ids, codes and counts only; who an id is, is looked up when a person reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import require
from access.organs import within_reach
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger.acts import ACTS
from repository.tables import Account, LedgerEntry, Organ

MOST = 200
_HEAD = frozenset({"format", "id", "stream", "at", "act", "actor"})


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What is asked for: an act's code (or its beginning with a dot at the end), a user name, an organ's code, days."""

    act: str = ""
    person: str = ""
    organ: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One act: when, what, who, of which organ, and its facts as they stand in the ledger."""

    seq: int
    id: str
    at: datetime
    act: str
    actor_id: str
    who: str
    organ: str
    facts: dict[str, Any] = field(default_factory=dict)


def log(
    session: Session,
    actor: Actor,
    *,
    archive: Archive,
    wanted: LogFilter | None = None,
    before: int = 0,
    limit: int = 50,
) -> list[LogEntry]:
    """Acts newest first, before the sequence number ``before``; ``Forbidden`` without ``ledger.read``.

    An auditor reads what was done by her own organs and those below, by the program and at the console.
    """
    asked = wanted or LogFilter()
    query = select(LedgerEntry).where(LedgerEntry.stream == ACTS)
    if actor.kind == "account":
        require(actor, Permission.LEDGER_READ, archive.profile)
        mine = select(Organ.id).where(within_reach(actor, Permission.LEDGER_READ, archive.profile))
        query = query.where(or_(LedgerEntry.organ_id.is_(None), LedgerEntry.organ_id.in_(mine)))
    if asked.act:
        query = query.where(
            LedgerEntry.act.startswith(asked.act, autoescape=True)
            if asked.act.endswith(".")
            else LedgerEntry.act == asked.act
        )
    if asked.person:
        ids = [asked.person, *session.scalars(select(Account.id).where(Account.username == asked.person.lower()))]
        query = query.where(or_(LedgerEntry.actor_id.in_(ids), LedgerEntry.account_id.in_(ids)))
    if asked.organ:
        query = query.where(LedgerEntry.organ_id.in_(select(Organ.id).where(Organ.code == asked.organ)))
    zone = ZoneInfo(archive.zone)
    if asked.since is not None:
        query = query.where(LedgerEntry.at >= datetime.combine(asked.since, time(), zone))
    if asked.until is not None:
        query = query.where(LedgerEntry.at <= datetime.combine(asked.until, time.max, zone))
    if before:
        query = query.where(LedgerEntry.seq < before)
    rows = session.scalars(query.order_by(LedgerEntry.seq.desc()).limit(min(max(limit, 1), MOST))).all()
    return _named(session, list(rows))


def about_account(session: Session, account_id: str, *, limit: int = 50) -> list[LogEntry]:
    """What was done with an account, newest first; the caller has asked the reach."""
    rows = session.scalars(
        select(LedgerEntry).where(LedgerEntry.account_id == account_id).order_by(LedgerEntry.seq.desc()).limit(limit)
    ).all()
    return _named(session, list(rows))


def _named(session: Session, rows: list[LedgerEntry]) -> list[LogEntry]:
    people = {one.actor_id for one in rows} | {one.account_id for one in rows if one.account_id}
    organs = {one.organ_id for one in rows if one.organ_id}
    names = dict(session.execute(select(Account.id, Account.username).where(Account.id.in_(people))).tuples().all())
    codes = dict(session.execute(select(Organ.id, Organ.code).where(Organ.id.in_(organs))).tuples().all())
    found = []
    for one in rows:
        facts = {name: value for name, value in json.loads(one.body).items() if name not in _HEAD}
        if one.account_id in names:
            facts["account"] = names[one.account_id]
        found.append(
            LogEntry(
                seq=one.seq,
                id=one.id,
                at=one.at,
                act=one.act,
                actor_id=one.actor_id,
                who=names.get(one.actor_id, one.actor_id),
                organ=codes.get(one.organ_id or "", ""),
                facts=facts,
            )
        )
    return found
