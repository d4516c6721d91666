"""Which objects of a replica come next: never checked first, then the one whose last check is oldest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, Table, and_, exists, false, func, or_, select

from repository.db import Sessions
from repository.fixity.reading import Task
from repository.tables import ReplicaObject, StoredObject

PAGE = 4000
_KEYS_AT_ONCE = 400
_placed = cast("Table", ReplicaObject.__table__)
_stored = cast("Table", StoredObject.__table__)
_TOMBSTONED_KINDS = ("bag", "description")


class Selection:
    """The objects of one replica that a run has to read, page by page, in order of need.

    ``mark`` is the moment this run writes: later than every check already recorded, even when the clock was set back,
    so that an object this run has checked never comes up again in it.
    """

    def __init__(
        self,
        reading: Sessions,
        replica: str,
        *,
        now: datetime,
        keys: Sequence[str] | None = None,
        only_new: bool = False,
        older_than: datetime | None = None,
        limit: int | None = None,
        cold: bool = True,
        deep: bool = False,
    ) -> None:
        self._reading = reading
        self.replica = replica
        self._keys = sorted(set(keys)) if keys is not None else None
        self._only_new = only_new
        self._limit = limit
        self._cold = cold
        self._deep = deep
        with reading() as session:
            newest = session.scalar(select(func.max(_placed.c.checked_at)).where(_placed.c.replica == replica))
            self._tombstones = session.scalar(select(exists().where(_stored.c.kind == "tombstone"))) or False
        self.mark = now if newest is None or newest < now else newest + timedelta(microseconds=1)
        self._before = min(self.mark, older_than) if older_than is not None else self.mark

    def total(self) -> tuple[int, int]:
        """How many objects the run has to read, and how many bytes."""
        counted = select(func.count(), func.coalesce(func.sum(_stored.c.size), 0)).select_from(_placed)
        counted = counted.join(_stored, _stored.c.key == _placed.c.key).where(self._mine())
        with self._reading() as session:
            if self._keys is not None:
                parts = [session.execute(counted.where(_placed.c.key.in_(part))).one() for part in _parts(self._keys)]
                return sum(part[0] for part in parts), sum(int(part[1]) for part in parts)
            objects, size = session.execute(counted.where(self._due())).one()
        if self._limit is not None and objects > self._limit:
            return self._limit, int(size) * self._limit // objects
        return objects, int(size)

    def tasks(self) -> Iterator[Task]:
        """Every object to read; rows are fetched in pages, no transaction stays open between them."""
        left = self._limit if self._limit is not None else -1
        for page in self._pages():
            for key, checked_at, kind, record_id, sha256, size, destroyed in page:
                if left == 0:
                    return
                left -= 1
                cold = self._cold and checked_at is None
                yield Task(self.replica, key, kind, record_id, sha256, size, cold, self._deep, bool(destroyed))

    def _pages(self) -> Iterator[Sequence[Row[Any]]]:
        if self._keys is not None:
            for part in _parts(self._keys):
                yield self._page(self._rows().where(_placed.c.key.in_(part)).order_by(_placed.c.key))
            return
        yield from self._never_checked()
        if not self._only_new:
            yield from self._checked_before()

    def _never_checked(self) -> Iterator[Sequence[Row[Any]]]:
        after = ""
        rows = self._rows().where(_placed.c.checked_at.is_(None)).order_by(_placed.c.key).limit(PAGE)
        while page := self._page(rows.where(_placed.c.key > after)):
            yield page
            after = page[-1].key

    def _checked_before(self) -> Iterator[Sequence[Row[Any]]]:
        rows = (
            self._rows()
            .where(_placed.c.checked_at < self._before)
            .order_by(_placed.c.checked_at, _placed.c.key)
            .limit(PAGE)
        )
        page = self._page(rows)
        while page:
            yield page
            at, key = page[-1].checked_at, page[-1].key
            after = or_(_placed.c.checked_at > at, and_(_placed.c.checked_at == at, _placed.c.key > key))
            page = self._page(rows.where(_placed.c.checked_at >= at, after))

    def _mine(self) -> ColumnElement[bool]:
        return and_(_placed.c.replica == self.replica, _placed.c.written_at.is_not(None))

    def _due(self) -> ColumnElement[bool]:
        never = _placed.c.checked_at.is_(None)
        return never if self._only_new else or_(never, _placed.c.checked_at < self._before)

    def _rows(self) -> Select[Any]:
        destroyed: ColumnElement[bool] = false()
        if self._tombstones:
            stone = _stored.alias()
            destroyed = and_(
                _stored.c.kind.in_(_TOMBSTONED_KINDS),
                exists().where(stone.c.kind == "tombstone", stone.c.record_id == _stored.c.record_id),
            )
        return (
            select(
                _placed.c.key,
                _placed.c.checked_at,
                _stored.c.kind,
                _stored.c.record_id,
                _stored.c.sha256,
                _stored.c.size,
                destroyed.label("destroyed"),
            )
            .join(_stored, _stored.c.key == _placed.c.key)
            .where(self._mine())
        )

    def _page(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        with self._reading() as session:
            return session.execute(statement).all()


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[start : start + _KEYS_AT_ONCE]
