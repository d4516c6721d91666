"""The question for lines of the use register, made of which filters say something; what they say is bound when it is asked.

So a question can be kept with a reader (``access.reach.kept``): to make it anew costs as much as to ask it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from access.register_scope import name_masked
from repository.ledger import acts
from repository.tables import Account, LedgerEntry, Organ

STEPS = ("request.", "grant.")
"""Acts that are no looks but steps of a request; they stand in the register beside the looks they lead to."""
_LEEWAY = timedelta(days=1)
_LAST_SEQ = 2**62
_BY_DAYS = frozenset({"since", "long_since", "until", "long_until", "after", "most"})


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted; what is empty says nothing. Days are those of the bureau's zone, both included."""

    record_id: str | None = None
    case_file_id: str | None = None
    actor_id: str | None = None
    organ_id: str | None = None
    act: str | None = None
    form: str | None = None
    request_id: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class UseEntry:
    """One line of the register; ``actor_name`` and ``organ_name`` are as known today, never part of the ledger."""

    seq: int
    id: str
    at: datetime
    act: str
    actor_id: str
    actor_name: str
    organ_id: str | None
    organ_name: str
    record_id: str | None
    case_file_id: str | None
    file_id: str | None
    reason: str
    form: str
    request_id: str | None
    count: int | None = None
    page: int | None = None
    permission: str | None = None


def read(
    session: Session,
    question: Select[Any],
    values: Mapping[str, Any],
    named: Mapping[str, str] | None = None,
    own: str = "",
) -> list[UseEntry]:
    """The answer to ``question``. ``named``: organs whose people are called by name, beside the account ``own``; None: all."""
    found = []
    for entry in session.execute(question, values):
        body: dict[str, Any] = json.loads(entry.body)
        name = entry.actor_name or entry.actor_id
        if named is not None and entry.actor_name and entry.actor_id != own and entry.organ_id not in named:
            name = name_masked(entry.actor_name)
        found.append(
            UseEntry(
                seq=entry.seq,
                id=entry.id,
                at=entry.at,
                act=entry.act,
                actor_id=entry.actor_id,
                actor_name=name,
                organ_id=entry.organ_id,
                organ_name=entry.organ_name or "",
                record_id=entry.record_id,
                case_file_id=entry.case_file_id,
                file_id=body.get("file_id"),
                reason=body.get("reason", ""),
                form=body.get("form", ""),
                request_id=body.get("request_id"),
                count=body.get("count"),
                page=body.get("page"),
                permission=body.get("permission"),
            )
        )
    return found


def values_of(filters: Filters, zone: str, after: int | None, limit: int) -> dict[str, Any]:
    """What the filters say, by the names that ``lines`` binds; what they say nothing about is left out."""
    given = {one.name: getattr(filters, one.name) for one in fields(filters)}
    values = {name: value for name, value in given.items() if value is not None}
    if filters.since is not None:
        values["since"] = _midnight(filters.since, zone)
        values["long_since"] = values["since"] - _LEEWAY
    if filters.until is not None:
        values["until"] = _midnight(filters.until + timedelta(days=1), zone)
        values["long_until"] = values["until"] + _LEEWAY
    return values | ({"after": after} if after else {}) | {"most": limit}


def lines(asked: frozenset[str], stream: str = acts.USE) -> Select[Any]:
    """Lines of the register that the filters named in ``asked`` leave, newest first; ``values_of`` says what they are."""
    wanted = (
        select(
            *(LedgerEntry.seq, LedgerEntry.id, LedgerEntry.at, LedgerEntry.act, LedgerEntry.actor_id),
            *(LedgerEntry.organ_id, LedgerEntry.record_id, LedgerEntry.case_file_id, LedgerEntry.body),
            *(Account.display_name.label("actor_name"), Organ.name_zh.label("organ_name")),
        )
        .select_from(LedgerEntry)
        .outerjoin(Account, Account.id == LedgerEntry.actor_id)
        .outerjoin(Organ, Organ.id == LedgerEntry.organ_id)
        .order_by(LedgerEntry.seq.desc())
        .limit(bindparam("most", type_=Integer()))
    )
    if asked <= _BY_DAYS:
        wanted = wanted.where(LedgerEntry.stream == stream)
    else:  # coalesce keeps the database from walking the whole stream where an index of the filter leads to a few
        wanted = wanted.where(func.coalesce(LedgerEntry.stream, "") == stream)
    for name in ("record_id", "case_file_id", "actor_id", "organ_id", "act", "form", "request_id"):
        if name in asked:
            column = getattr(LedgerEntry, name)
            wanted = wanted.where(column == bindparam(name, type_=column.type))
    if "act" in asked and stream == acts.USE:  # looks have a form, and an index of those alone
        wanted = wanted.where(LedgerEntry.form.is_not(None))
    moment = func.coalesce(LedgerEntry.at, LedgerEntry.at)  # read in the order of seq, never sorted
    if "since" in asked:
        wanted = wanted.where(moment >= _bound("since"), LedgerEntry.seq >= _first_seq(stream, _bound("long_since")))
    if "until" in asked:
        wanted = wanted.where(moment < _bound("until"), LedgerEntry.seq < _first_seq(stream, _bound("long_until")))
    if stream == acts.ACTS:
        wanted = wanted.where(
            LedgerEntry.request_id.is_not(None), or_(*(LedgerEntry.act.startswith(one) for one in STEPS))
        )
    return (
        wanted.where(LedgerEntry.seq < bindparam("after", type_=LedgerEntry.seq.type)) if "after" in asked else wanted
    )


def _bound(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=LedgerEntry.at.type)


def _first_seq(stream: str, moment: BindParameter[datetime]) -> ColumnElement[int]:
    """The first entry from ``moment`` on, or beyond the last. Entries stand in the order they were made but for transactions side by side,
    which ``_LEEWAY`` covers by far."""
    other = aliased(LedgerEntry)
    found = (
        select(other.seq)
        .where(other.stream == stream, other.at >= moment)
        .order_by(other.at, other.seq)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(found, _LAST_SEQ)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
