"""Entries that the engine would not have: kept in sight, tried again now and then, told to who runs the site.

They stand in a row of ``index_state``, as the outbox row that asked for them is done: an entry that is refused for good
must not hold up the others.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from repository import outbox
from repository.clock import stamp
from repository.tables import IndexState
from search.engines.base import Refused

log = logging.getLogger(__name__)

_ROW = "records-refused"
_MOST = 5_000
_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A record or case file (``kind`` as in the outbox) that is not in the index; ``reason`` is the engine's word."""

    id: str
    kind: str
    reason: str
    at: str


def listed(session: Session) -> list[RefusedEntry]:
    """What was refused and not taken since, the longest known first."""
    return [RefusedEntry(one, *told) for one, told in _known(session).items()]


def note(
    session: Session, refused: Iterable[Refused], taken: Collection[str], cases: Collection[str], now: datetime
) -> None:
    """Take in what became of a commit: ``taken`` entries are refused no more. ``cases``: which of them are case files."""
    before = _known(session)
    known = {one: told for one, told in before.items() if one not in taken}
    for one in refused:
        log.warning("the index refuses entry %s: %s", one.id, one.reason)
        kind = outbox.CASE_FILE if one.id in cases else outbox.RECORD
        if len(known) < _MOST:
            known[one.id] = [kind, one.reason, stamp(now)]
    if known != before:
        _keep(session, known)


def forget(session: Session) -> None:
    """Begin with none, as an index made anew does."""
    if _known(session):
        _keep(session, {})


def bring_back(session: Session, now: datetime) -> int:
    """Put those that have waited long enough into the outbox once more; how many."""
    known = _known(session)
    due = [one for one, (_, _, at) in known.items() if at <= stamp(now - _AGAIN)]
    for kind in (outbox.RECORD, outbox.CASE_FILE):
        outbox.enqueue(session, kind, [one for one in due if known[one][0] == kind], now)
    if due:
        _keep(session, known | {one: [*known[one][:2], stamp(now)] for one in due})
    return len(due)


def _known(session: Session) -> dict[str, list[str]]:
    row = session.get(IndexState, _ROW)
    found: Any = row.detail.get("entries") if row is not None else None
    return dict(found) if isinstance(found, Mapping) else {}


def _keep(session: Session, known: Mapping[str, list[str]]) -> None:
    session.merge(IndexState(name=_ROW, generation="", built_at=None, detail={"entries": dict(known)}))
