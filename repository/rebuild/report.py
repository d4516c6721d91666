"""What a rebuild tells: as of which block, what it made, what did not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.errors import LantaiError
from repository.ledger.problems import Problem
from repository.ledger.verify import Head

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how many (0 when that is not known)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An object that could not be taken over, and why."""

    key: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that only one side knows: ``side`` is ``replica`` or ``catalogue``; ``kind`` a table's name."""

    kind: str
    id: str
    side: str


@dataclass
class RebuildReport:
    """The outcome of a rebuild.

    ``unconfirmed``: records whose accession no sealed block names. ``missing``: objects that the ledger or the newest
    checkpoint names and no reachable replica holds. ``elsewhere``: keys that only other replicas hold and that nothing
    on this one vouches for. ``remains``: objects of destroyed records that were found and left alone. ``unsealed``:
    households whose ID number the site's keys cannot open. ``made_up``: organs that only records name. ``unfinished``:
    submissions that were opened and had not ended; what they brought is still in quarantine, to be deposited again.
    """

    replica: str
    as_of: Mapping[str, Head] = field(default_factory=dict)
    sealed_at: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    unconfirmed: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    elsewhere: dict[str, list[str]] = field(default_factory=dict)
    unreachable: list[str] = field(default_factory=list)
    made_up: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    unsealed: int = 0
    ledger_problems: tuple[Problem, ...] = ()
    differences: list[Difference] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything that the ledger names was taken over without a fault."""
        return not (self.faults or self.missing or self.ledger_problems or self.unsealed or self.made_up)

    def fault(self, key: str, error: LantaiError) -> None:
        """Note that the object under ``key`` was left out."""
        self.faults.append(Fault(key, error.code, error.zh, error.en))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "replica": self.replica,
            "as_of": {stream: {"block": head.number, "sha256": head.sha256} for stream, head in self.as_of.items()},
            "sealed_at": self.sealed_at,
            "complete": self.complete,
            **dict(self.counts),
            "unconfirmed": self.unconfirmed,
            "faults": [{"key": one.key, "code": one.code, "zh": one.zh, "en": one.en} for one in self.faults],
            "missing": self.missing,
            "remains": self.remains,
            "unknown": self.unknown,
            "elsewhere": self.elsewhere,
            "unreachable": self.unreachable,
            "made_up_organs": self.made_up,
            "unfinished_submissions": self.unfinished,
            "unsealed_numbers": self.unsealed,
            "ledger_problems": [{"code": one.code, "zh": one.zh, "en": one.en} for one in self.ledger_problems],
            "differences": [{"kind": one.kind, "id": one.id, "side": one.side} for one in self.differences],
        }
