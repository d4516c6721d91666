"""What a check of one object can end in, and what a whole audit or inventory found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Outcome of one fixity check; a check that could not run is never a pass."""

    INTACT = "intact"
    """The bytes read have the recorded digest."""
    DAMAGED = "damaged"
    """Bytes were read and are not the recorded ones."""
    MISSING = "missing"
    """The replica answers and has no such object."""
    UNREADABLE = "unreadable"
    """The replica answers and cannot give the object's bytes: an I/O error, no permission, its volume is gone."""
    UNEXPECTED = "unexpected"
    """The replica has an object that nobody registered and no work in progress explains."""
    STALE = "stale"
    """The replica is behind: an object is there that a tombstone forbids, or one is still to be written."""
    NOT_CHECKED = "not_checked"
    """Nothing can be said: the replica was busy, did not answer, or is not the one it should be; the next run looks again."""


FAULTS = frozenset({Outcome.DAMAGED, Outcome.MISSING, Outcome.UNREADABLE, Outcome.UNEXPECTED, Outcome.STALE})
_LISTED = 10_000
_NAMED = 5


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One object that is not intact. ``key`` is ``-`` when a replica as a whole could not be checked.

    ``detail`` says what is known: ``members`` (paths in the bag), ``structure`` (the container around them),
    ``first_difference`` (offset), sizes, digests, error codes.
    """

    replica: str
    key: str
    outcome: Outcome
    record_id: str | None = None
    incident_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """What is damaged, in few words for a line on the screen."""
        if sentence := self.detail.get("zh"):
            return f"{sentence} {self.detail.get('en', '')}".strip()
        members = list(self.detail.get("members", ()))
        words = members[:_NAMED] + ([f"… (+{len(members) - _NAMED})"] if len(members) > _NAMED else [])
        if self.detail.get("structure"):
            words.append("容器结构 container structure")
        if "first_difference" in self.detail:
            words.append(f"@{self.detail['first_difference']}")
        if "recorded_size" in self.detail and self.detail["recorded_size"] != self.detail.get("size"):
            words.append(f"{self.detail.get('size')} ≠ {self.detail['recorded_size']} bytes")
        words += [f"{one['code']} {one['path'] or ''}".strip() for one in self.detail.get("findings", ())[:_NAMED]]
        if "error" in self.detail:
            words.append(str(self.detail["error"]))
        return ", ".join(words)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"outcome": str(self.outcome), "note": self.note}


@dataclass(slots=True)
class Run:
    """One run over one replica. ``kind``: audit, deep_audit or inventory; ``seconds`` of wall time.

    ``outcomes`` counts objects by outcome; an inventory also counts ``listed`` and ``stray`` (objects of deposits that
    are still on their way).
    """

    run_id: str
    replica: str
    kind: str
    objects: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: str, number: int = 1) -> None:
        """Add ``number`` objects with ``outcome``."""
        self.outcomes[str(outcome)] = self.outcomes.get(str(outcome), 0) + number


class AuditResults(list[AuditResult]):
    """The objects that are not intact (the first of them: all stand in the incidents), and the totals of each run.

    Intact objects are only counted, so that an audit of millions of objects does not keep them all in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def note_fault(self, result: AuditResult) -> None:
        """List one object that is not intact, while there is room."""
        if len(self) < _LISTED:
            self.append(result)

    @property
    def checked(self) -> int:
        """How many objects were looked at."""
        return sum(run.objects for run in self.runs)

    @property
    def bytes_read(self) -> int:
        """How many bytes were read."""
        return sum(run.bytes_read for run in self.runs)

    def total(self, *outcomes: str) -> int:
        """How many objects had one of ``outcomes``."""
        return sum(run.outcomes.get(str(outcome), 0) for run in self.runs for outcome in outcomes)

    @property
    def exit_code(self) -> int:
        """0 when everything is intact, 1 when there is a fault, 2 when there is none but something was not checked."""
        if self.total(*FAULTS):
            return 1
        return 2 if self.total(Outcome.NOT_CHECKED) else 0
