"""What every kind of container is made of: members, the list of them, the clock over it, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ingest.limits import IngestLimits
from ingest.outcome import Finding
from ingest.walk import Name

_BYTES_IN_TIME = 4 << 30
_ABOUT_ENTRIES = {"container.encrypted", "container.unsupported"}  # their sentences name entry and container


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a container. ``kind``: file, folder, link, special.

    ``offset`` and ``end`` are the bytes that it takes up in the container, where a directory says so. ``raw`` is what
    its own kind of reader needs to find it again.
    """

    name: Name
    kind: str
    size: int
    packed: int
    offset: int = 0
    end: int = 0
    encrypted: bool = False
    supported: bool = True
    raw: Any = None


class Damaged(Exception):
    """The container cannot be read on; ``code`` and ``params`` are those of the finding to be made of it."""

    def __init__(self, code: str = "container.damaged", **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def finding(self, name: str) -> Finding:
        """What is to be said about the container ``name``."""
        inner = {"container": name} if self.code in _ABOUT_ENTRIES else {}
        return Finding(self.code, name, {**self.params, **inner})


class Clock:
    """Seconds spent on one container, counted only while it is worked on; every loop asks it.

    ``container_seconds`` are for 4 GiB; a larger container gets more in proportion, so that size alone is no fault.
    """

    def __init__(self, limits: IngestLimits, size: int, spent: float = 0.0) -> None:
        self.allowed = limits.container_seconds * max(1.0, size / _BYTES_IN_TIME)
        self._spent = spent
        self._since: float | None = None

    @property
    def spent(self) -> float:
        """Seconds so far."""
        running = 0.0 if self._since is None else time.monotonic() - self._since
        return self._spent + running

    @property
    def left(self) -> float:
        """Seconds that remain; never less than a tenth, so that a limit handed on is one."""
        return max(0.1, self.allowed - self.spent)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time inside."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._spent = self.spent
            self._since = None

    def too_slow(self) -> Damaged:
        """What is raised when time is up."""
        return Damaged("container.too_slow", limit=round(self.allowed, 1))

    def check(self) -> None:
        """``Damaged`` when time is up."""
        if self.spent > self.allowed:
            raise self.too_slow()


@dataclass(slots=True)
class Listing:
    """A container looked through: its members in its own order and what is to be said beside.

    ``state`` is what its kind keeps open between listing and taking out; ``close`` ends it.
    """

    kind: str
    members: list[Member]
    clock: Clock
    found: list[Finding] = field(default_factory=list)
    state: Any = None

    def close(self) -> None:
        """Give back what is held; harmless to repeat."""
        if self.state is not None:
            self.state.close()
            self.state = None


class Source(Protocol):
    """The bytes of one member, checked against its size and checksum by the time the end is reached."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` from the front; 0 at the end."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A member on its way out: ``start`` begins reading it, or it lies whole at ``lying`` and is to be moved."""

    member: Member
    start: Callable[[], Source] | None = None
    lying: Path | None = None
