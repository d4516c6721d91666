"""The parts that a site is made of, and how each of them is now: what answers, what is behind, what is away since when.

Every part is asked by a probe of its own (``lantai.probes``), side by side and with little patience: one that hangs is
told as down and is not asked again before its answer has come. While the database hangs, what hangs beside it is not
checked: it may be well, and nobody can say. What was found is kept some seconds, so that pages, ``/readyz`` and
``/metrics`` may ask as often as they like.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from repository.clock import Clock

log = logging.getLogger("lantai.parts")

KEPT_SECONDS = 5.0
LONGEST_KEPT_SECONDS = 60.0
PATIENCE_SECONDS = 4.0
_THREADS = 12
_DATABASE = "database"


class State(StrEnum):
    """How a part is. ``degraded``: it answers, and something waits or is missing; ``not_checked``: nobody could say."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the site.

    ``name``: ``database``, ``replica b``, ``index``, ``scanner``, ``workers`` and so on, without places and hosts.
    ``zh`` and ``en``: a sentence for who runs the site; it may name folders and hosts. ``since``: from when it has been
    so, as far as is known; none for a part that is well. ``needed``: without it nobody can be served. ``late``: what is new
    is not in it yet, or not wholly. ``failed``: it is not checked because the look itself broke off.
    """

    name: str
    state: State
    zh: str
    en: str
    since: datetime | None = None
    needed: bool = False
    late: bool = False
    failed: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is well, as far as anybody can say; a look that broke off says nothing good."""
        return self.state is State.OK or (self.state is State.NOT_CHECKED and not self.failed)

    def sentence(self, language: str) -> str:
        """What is said of it in ``language``."""
        return self.en if language.startswith("en") else self.zh


Probe = Callable[[], Part | None]
"""How one part is; none when the site has no such part now."""


def ready(parts: list[Part]) -> bool:
    """Whether the site can serve: every part that is needed answers."""
    return not any(one.needed and one.state is State.DOWN for one in parts)


class Parts:
    """The parts of one site as this process sees them.

    ``probes`` gives a probe for each name; it is asked at every look, because replicas come and go, and must not wait for
    anything: whatever may hang is for the probes.
    """

    def __init__(
        self,
        probes: Callable[[], Mapping[str, Probe]],
        clock: Clock,
        *,
        kept: float = KEPT_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._probes, self._clock = probes, clock
        self._kept, self._patience = kept, patience
        self._guard = threading.Lock()
        self._asking = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._hanging: dict[str, Future[Part | None]] = {}
        self._since: dict[str, tuple[State, datetime]] = {}
        self._found: list[Part] = []
        self._until = 0.0

    def look(self, *, anew: bool = False) -> list[Part]:
        """Every part, in the order of the probes; ``anew``: whatever was found a moment ago."""
        with self._guard:
            if anew or time.monotonic() >= self._until:
                self._found = self._ask()
                self._until = time.monotonic() + self._kept
            return list(self._found)

    def glance(self) -> list[Part]:
        """What is known, for a page that must not wait: asked anew behind its back when that is some seconds old."""
        if not self._found or time.monotonic() >= self._until + LONGEST_KEPT_SECONDS:
            return self.look()
        if time.monotonic() >= self._until and self._asking.acquire(blocking=False):
            threading.Thread(target=self._refresh, name="parts", daemon=True).start()
        return list(self._found)

    def _refresh(self) -> None:
        try:
            self.look()
        finally:
            self._asking.release()

    def close(self) -> None:
        """Let go of the threads; probes that hang are left to themselves."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self) -> list[Part]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "part")
        asked: dict[str, Future[Part | None]] = {}
        for name, probe in self._probes().items():
            before = self._hanging.get(name)
            asked[name] = self._threads.submit(probe) if before is None or before.done() else before
        wait(asked.values(), timeout=self._patience)
        asked = {name: one for name, one in asked.items() if not one.cancelled()}  # closed meanwhile
        self._hanging = {name: one for name, one in asked.items() if not one.done()}
        answers = (self._answer(name, one) for name, one in asked.items())
        return [self._timed(one) for one in answers if one is not None]

    def _answer(self, name: str, asked: Future[Part | None]) -> Part | None:
        if not asked.done():
            if name != _DATABASE and _DATABASE in self._hanging:
                return Part(
                    name, State.NOT_CHECKED, "数据库没有应答，无法得知。", "The database, which knows, is away."
                )
            seconds = f"{self._patience:g}"
            return Part(
                name,
                State.DOWN,
                f"{seconds} 秒内没有应答。",
                f"No answer within {seconds} seconds.",
                needed=name == _DATABASE,
            )
        error = asked.exception()
        if error is None:
            return asked.result()
        log.error("the probe of part %s failed", name, exc_info=error)
        return Part(
            name,
            State.NOT_CHECKED,
            f"无法检查（{type(error).__name__}）。请查看系统日志。",
            f"It could not be looked at ({type(error).__name__}). Look into the log of the program.",
            failed=True,
        )

    def _timed(self, part: Part) -> Part:
        """``part`` with the moment from which it has been so, where it does not say so itself."""
        if part.state is State.NOT_CHECKED:  # what was known of it before may still be so
            return part
        if part.state is State.OK:
            self._since.pop(part.name, None)
            return part
        state, since = self._since.get(part.name, (part.state, self._clock.now()))
        if state is not part.state:
            since = self._clock.now()
        self._since[part.name] = (part.state, since)
        return part if part.since is not None else replace(part, since=since)
