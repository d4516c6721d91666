"""What every step is handed: the archive, the limits, the checks and their pool."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import quarantine
from ingest.limits import IngestLimits, VirusScanner
from ingest.pool import CheckPool
from repository.archive import Archive
from repository.bag.plan import BagPlan, load
from repository.tables import Submission

ALL_CHECKS = frozenset({"bag", "names", "format", "readability", "quality", "text", "duplicates", "empty", "virus"})
"""Checks that may be left out by whoever builds the context; container safety, the deposit list and pins always run."""

_PLAN_BYTES = 32 << 20
"""Tag files and directories of frozen plans that are held for the steps that follow."""
_OPENINGS = 4
_TURN = "turn"
"""In ``submission.counts``: which start of a step may write; the latest."""


class TakenOver(Exception):
    """Another process has begun a step of the submission since: what this one found out no longer counts."""


@dataclass
class Context:
    """One per process, shared by its threads; ``close`` ends the check processes."""

    archive: Archive
    limits: IngestLimits = field(default_factory=IngestLimits)
    processes: int = 0
    checks: frozenset[str] = ALL_CHECKS
    virus: VirusScanner = field(default_factory=VirusScanner)
    bag_profiles: Path | None = None
    shared: CheckPool | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _plans: OrderedDict[Path, BagPlan] = field(default_factory=OrderedDict, repr=False)
    _plan_bytes: int = 0
    _openings: OrderedDict[str, Any] = field(default_factory=OrderedDict, repr=False)
    lists: OrderedDict[str, Any] = field(default_factory=OrderedDict, repr=False)
    _turn: threading.local = field(default_factory=threading.local, repr=False)

    @classmethod
    def open(
        cls,
        archive: Archive,
        limits: IngestLimits | None = None,
        *,
        processes: int = 0,
        checks: frozenset[str] = ALL_CHECKS,
        virus: VirusScanner | None = None,
        bag_profiles: Path | None = None,
        pool: CheckPool | None = None,
    ) -> Context:
        """A context for ``archive``; ``processes`` for checks, 0: one a core. None is started before it is needed.

        ``virus``: where the scanner listens, if there is one. ``bag_profiles``: the folder of BagIt profiles known here.
        ``pool``: check processes that the caller shares between contexts and closes.
        """
        return cls(archive, limits or IngestLimits(), processes, checks, virus or VirusScanner(), bag_profiles, pool)

    @cached_property
    def _pool(self) -> CheckPool:
        return CheckPool(
            self.processes or min(os.cpu_count() or 2, 8),
            memory_bytes=self.limits.check_memory,
            seconds=self.limits.check_seconds,
            batch=self.limits.check_files,
        )

    @property
    def pool(self) -> CheckPool:
        """The standing pool of check processes."""
        if self.shared is not None:
            return self.shared
        with self._lock:
            return self._pool

    def begin_turn(self, submission: Submission, turn: str) -> None:
        """From here on only ``turn``, this thread's, may write about the submission, whose row the caller holds."""
        submission.counts = {**submission.counts, _TURN: turn}
        self._turn.held = submission.id, turn

    def end_turn(self) -> None:
        """This thread's step is over."""
        self._turn.held = None

    @contextmanager
    def writing(self, submission_id: str) -> Iterator[Session]:
        """A transaction of the step under way that holds the submission's row.

        ``TakenOver``: another process has begun since, because this one was thought dead (it stood still, its machine
        slept). Nothing is written then.
        """
        with self.archive.sessions.begin() as session:
            held = select(Submission).where(Submission.id == submission_id).with_for_update()
            mine = getattr(self._turn, "held", None)
            if mine and (submission_id, session.scalars(held).one().counts.get(_TURN)) != mine:
                raise TakenOver
            yield session

    def base(self, submission_id: str) -> Path:
        """The submission's folder in quarantine."""
        return quarantine.folder(self.archive.quarantine, submission_id)

    def keep_plan(self, path: Path, plan: BagPlan) -> None:
        """Hold a frozen plan for the steps that follow, as long as there is room; the file stays the truth.

        The first are kept, not the last: the next step begins with them.
        """
        with self._lock:
            if not self._plans or self._plan_bytes + _own_bytes(plan) <= _PLAN_BYTES:
                self._plans[path] = plan
                self._plan_bytes += _own_bytes(plan)

    def plan(self, path: Path) -> BagPlan:
        """The frozen plan at ``path``."""
        with self._lock:
            held = self._plans.get(path)
        return held if held is not None else load(path)

    def forget_plan(self, path: Path) -> None:
        """The plan is not needed any more."""
        with self._lock:
            plan = self._plans.pop(path, None)
            self._plan_bytes -= _own_bytes(plan) if plan is not None else 0

    def keep_opening(self, submission_id: str, opening: Any) -> None:
        """Hold a container that is being opened for its next batch; what is lost here is read again."""
        with self._lock:
            self._openings[submission_id] = opening
            left = self._openings.popitem(last=False)[1] if len(self._openings) > _OPENINGS else None
        if left is not None:
            left.close()

    def opening(self, submission_id: str) -> Any | None:
        """The container that is being opened, now the caller's to keep or close."""
        with self._lock:
            return self._openings.pop(submission_id, None)

    def close(self) -> None:
        """End the check processes."""
        while self._openings:
            self._openings.popitem()[1].close()
        with self._lock:
            if "_pool" in self.__dict__:
                self._pool.close()
                del self.__dict__["_pool"]
            self._plans.clear()
            self._plan_bytes = 0


def _own_bytes(plan: BagPlan) -> int:
    """Bytes of the bag that are not payload; what a held plan takes in memory follows from them."""
    return plan.object_size - plan.payload_bytes
