"""Where an index lives: several generations, each a whole index, one of them in use. One port for every engine.

A generation is filled beside the one in use and takes its place in one step (``point_to``); ``sweep`` removes the others
later. Making anew and writing are done under leases by ``search.indexer``; a home only keeps what it is told to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from metadata.identifiers import new_id
from search.engines.base import Engine

ABANDONED_AFTER = 3600.0
"""Seconds after which a generation that is not in use is one that nobody fills any more."""


def new_generation() -> str:
    """A name for a generation."""
    return f"g-{new_id()}"


@dataclass(frozen=True, slots=True)
class Condition:
    """How an index that answers is, with a sentence for whoever looks after it."""

    state: Literal["ok", "degraded"]
    zh: str
    en: str


class IndexHome(Protocol):
    """The place of one site's index; may be used by many threads."""

    @property
    def engine(self) -> str:
        """Name of the engine as the settings know it."""

    @property
    def location(self) -> str:
        """Where the index lies, for people; no secret in it."""

    def live_generation(self) -> str | None:
        """Name of the generation in use; ``None`` when there is none yet. ``Unavailable`` when that cannot be told."""

    def check(self) -> None:
        """``Unavailable`` when this version cannot use what is in use; cheap, as it is asked in every round."""

    def condition(self) -> Condition:
        """How the index in use is; ``Unavailable`` says why it cannot be used."""

    def open_live(self) -> Engine:
        """The index in use, with all that was committed; the caller closes it."""

    def create(self, generation: str) -> Engine:
        """A new and empty index beside the one in use, to be filled; the caller closes it."""

    def point_to(self, generation: str) -> None:
        """Make this generation, which has been filled, the one in use."""

    def drop(self, generation: str) -> None:
        """Remove a generation that is not in use; that it is not there is no error."""

    def sweep(self, abandoned_after: float = ABANDONED_AFTER) -> None:
        """Remove generations that are not in use and have not been touched for so many seconds."""

    def close(self) -> None:
        """Give connections back; engines that were opened from here are closed before."""


class LiveIndex:
    """The index in use for a long-lived process: opened once, opened again after a swap. For one thread at a time."""

    def __init__(self, home: IndexHome) -> None:
        self._home = home
        self._engine: Engine | None = None

    def engine(self) -> Engine:
        """The engine of the live generation, with every commit so far."""
        if self._engine is not None and self._engine.generation == self._home.live_generation():
            return self._engine
        self.close()
        self._engine = self._home.open_live()
        return self._engine

    def close(self) -> None:
        """Let go of it."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
