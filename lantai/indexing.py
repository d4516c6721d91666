"""The search index as an operator meets it: how far it is behind, when it was made, and making it anew.

A rebuild tells how far it is in a row of ``index_state`` of its own, so that every process can show it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lantai.site import Site
from metadata.errors import Unavailable
from repository.clock import stamp
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.tables import IndexState, Lease
from search import checking, refusals
from search.checking import Comparison
from search.indexer import NAME, REBUILD_LEASE, UNUSABLE, RebuildInfo, lag
from search.indexer import rebuild as rebuild_beside
from search.refusals import RefusedEntry

_PROGRESS = "records-rebuild"
_TOLD_EVERY = 1.0
_LEASE_ENDS = 25.0  # longer than a dead rebuild's lease

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """How far a rebuild that runs now has come: entries, and when it began."""

    done: int
    total: int
    began_at: str | None


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How far the index is.

    ``engine``: its name in the settings; ``generation``: which of its indices is in use. ``refused``: entries that the
    engine would not have (``search.refusals``). ``pending``: changes of the catalogue that it does not show yet, the oldest from ``oldest_at``, ``oldest_seconds``
    ago. ``documents`` is none while it cannot be used. ``built_at``, ``built_documents`` and ``built_seconds``: the last
    rebuild, none before the first.
    """

    engine: str
    usable: bool
    pending: int
    oldest_at: datetime | None
    oldest_seconds: int
    generation: str | None
    documents: int | None
    built_at: datetime | None
    built_documents: int | None
    built_seconds: int | None
    rebuilding: Rebuilding | None
    refused: list[RefusedEntry]

    def as_dict(self) -> dict[str, Any]:
        """For output as JSON; times in UTC."""
        times = {name: stamp(at) if (at := getattr(self, name)) else None for name in ("oldest_at", "built_at")}
        return asdict(self) | times


def report(session: Session, site: Site) -> IndexReport:
    """The state of the index, read from the catalogue and the index folder."""
    behind = lag(session, site.index)
    now = site.archive.clock.now()
    built = session.get(IndexState, NAME)
    known = built is not None and built.generation == behind.generation
    detail = built.detail if built is not None and known else {}
    return IndexReport(
        engine=site.index.engine,
        usable=behind.documents is not None,
        pending=behind.pending,
        oldest_at=behind.oldest_at,
        oldest_seconds=max(0, int((now - behind.oldest_at).total_seconds())) if behind.oldest_at else 0,
        generation=behind.generation,
        documents=behind.documents,
        built_at=built.built_at if built is not None and known else None,
        built_documents=detail.get("documents"),
        built_seconds=detail.get("seconds"),
        rebuilding=_rebuilding(session, now),
        refused=refusals.listed(session),
    )


def outage(site: Site) -> Unavailable | None:
    """Why nothing can be brought into the index now; None when it can, or when it only has to be made anew."""
    try:
        site.index.check()
    except Unavailable as error:
        return None if error.code in UNUSABLE else error
    return None


def _rebuilding(session: Session, now: datetime) -> Rebuilding | None:
    lease = session.scalar(select(Lease).where(Lease.name == REBUILD_LEASE, Lease.expires_at > now))
    if lease is None:
        return None
    row = session.get(IndexState, _PROGRESS)
    told = row.detail if row is not None else {}
    return Rebuilding(int(told.get("done", 0)), int(told.get("total", 0)), told.get("began_at"))


def compare(site: Site) -> Comparison:
    """Catalogue against the index in use, id by id; errors as ``search.checking.compare``."""
    engine = site.search_engine()
    try:
        return checking.compare(site.archive, engine)
    finally:
        engine.close()


def rebuild(site: Site, actor: ActorRef, progress: Progress | None = None) -> RebuildInfo:
    """Make the index anew beside the live one, swap, and enter the act; errors as ``search.indexer.rebuild``."""
    archive = site.archive
    began = stamp(archive.clock.now())
    told_at = 0.0

    def tell(done: int, total: int | None = None) -> None:
        nonlocal told_at
        if progress is not None:
            progress(done, total)
        if time.monotonic() - told_at >= _TOLD_EVERY:
            told_at = time.monotonic()
            detail = {"done": done, "total": total or done, "began_at": began}
            with archive.sessions.begin() as session:
                session.merge(IndexState(name=_PROGRESS, generation="", built_at=None, detail=detail))

    try:
        info = rebuild_beside(archive, site.index, tell)
    finally:
        if told_at:
            with archive.sessions.begin() as session:
                session.execute(delete(IndexState).where(IndexState.name == _PROGRESS))
    with archive.sessions.begin() as session:
        state = session.get(IndexState, NAME)
        if state is not None and state.generation == info.generation:
            state.detail = {**state.detail, "seconds": info.seconds}
        acts.index_rebuilt(
            session,
            at=archive.clock.now(),
            actor=actor,
            generation=info.generation,
            documents=info.documents,
        )
    return info


def rebuild_once(site: Site, actor: ActorRef, progress: Progress | None = None) -> int:
    """``rebuild`` for a job: the number of entries, or 0 when another process is at it and goes on.

    A job that begins again after its worker died waits until the dead one's lease has ended.
    """
    until = time.monotonic() + _LEASE_ENDS
    while True:
        try:
            return rebuild(site, actor, progress).documents
        except Unavailable as error:
            if error.code != "lease.held":
                raise
            if time.monotonic() > until:
                return 0
        time.sleep(1.0)
