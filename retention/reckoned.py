"""What pages ask of the totals again and again, kept by reach until the totals are counted anew."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import permission_terms, require
from metadata.profile import Profile
from metadata.rights import Permission
from retention import due, totals
from retention.due import Total

MOST = 16
"""Answers kept at most, of 4 MB where there are a thousand organs (measured); the one asked for longest ago makes room."""


class Reckoned:
    """For a process: all whose roles reach the same share an answer."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], tuple[Any, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def by_organ(
        self, session: Session, actor: Actor, *, profile: Profile, folded: tuple[int, int]
    ) -> tuple[Total, ...]:
        """``retention.due.totals`` of all organs, the rules of each together; ``Forbidden`` without ``retention.read``."""

        def made() -> tuple[Total, ...]:
            return tuple(due.totals(session, actor, profile=profile, by_rule=False, folded=folded))

        answer: tuple[Total, ...] = self._kept(session, actor, profile, ("by organ", folded), made)
        return answer

    def organs(self, session: Session, actor: Actor, *, profile: Profile) -> frozenset[str]:
        """``retention.due.organs_with_due``; ``Forbidden`` without ``retention.read``."""

        def made() -> frozenset[str]:
            return frozenset(due.organs_with_due(session, actor, profile=profile))

        answer: frozenset[str] = self._kept(session, actor, profile, ("organs",), made)
        return answer

    def _kept(
        self, session: Session, actor: Actor, profile: Profile, what: tuple[Any, ...], make: Callable[[], Any]
    ) -> Any:
        require(actor, Permission.RETENTION_READ, profile)
        counting = totals.counting(session)  # first: what is counted meanwhile is asked for once more, and never missed
        key = (*what, permission_terms(actor, profile, Permission.RETENTION_READ).clauses)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
        if known is None or known[0] != counting:
            known = (counting, make())
            with self._lock:
                self._known[key] = known
                while len(self._known) > MOST:
                    self._known.popitem(last=False)
        return known[1]
