"""Whether the index holds an entry for every record and case file, and none besides: ids compared, in little memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from repository.archive import Archive
from repository.tables import CaseFile, Outbox, Record
from search.engines.base import Engine

LISTED = 20
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Catalogue against index. ``missing``: entries that the index lacks; ``extra``: those that nothing stands behind.

    Changes on their way (``pending``) count for neither. The first ``LISTED`` of each are named.
    """

    generation: str
    catalogue: int
    entries: int
    missing: int
    extra: int
    pending: int
    missing_ids: list[str]
    extra_ids: list[str]

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing and nothing too much."""
        return not self.missing and not self.extra

    def as_dict(self) -> dict[str, Any]:
        """For output as JSON."""
        return asdict(self)


def compare(archive: Archive, engine: Engine) -> Comparison:
    """Read all ids of both sides; eight bytes of each are held. ``Unavailable`` when the index does not answer."""
    held = _marks(engine.ids())
    with archive.reading() as session:
        waiting = _on_their_way(session)
        missing, missing_ids = _without(_catalogue(session), held, waiting)
        known = _marks(_catalogue(session))
    extra, extra_ids = _without(engine.ids(), known, waiting)
    return Comparison(
        engine.generation, len(known), len(held), missing, extra, len(waiting), sorted(missing_ids), sorted(extra_ids)
    )


def _catalogue(session: Session) -> Iterator[str]:
    """Ids of what has an entry: active records and case files."""
    for wanted in (select(Record.seq, Record.id).where(Record.state == "active"), select(CaseFile.seq, CaseFile.id)):
        seq = wanted.selected_columns.seq
        after = -1
        while rows := session.execute(wanted.where(seq > after).order_by(seq).limit(_BATCH)).all():
            yield from (row.id for row in rows)
            after = rows[-1].seq


def _on_their_way(session: Session) -> set[str]:
    return set(session.scalars(select(Outbox.subject_id).where(Outbox.done_at.is_(None)).limit(100_000)))


def _mark(one: str) -> int:
    return int.from_bytes(blake2b(one.encode(), digest_size=8).digest())


def _marks(ids: Iterable[str]) -> array[int]:
    return array("Q", sorted(array("Q", map(_mark, ids))))


def _without(ids: Iterable[str], others: array[int], waiting: set[str]) -> tuple[int, list[str]]:
    """How many of ``ids`` are not among ``others``, and the first of them."""
    count = 0
    named: list[str] = []
    for one in ids:
        mark = _mark(one)
        place = bisect_left(others, mark)
        if (place == len(others) or others[place] != mark) and one not in waiting:
            count += 1
            if len(named) < LISTED:
                named.append(one)
    return count, named
