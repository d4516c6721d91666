"""Running cases: both sides in turns, several rounds, the median of each."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lantai import collecting

_TICKS = 100.0
_QUIET = 0.08


@dataclass(frozen=True, slots=True)
class Side:
    """One way to do the work: ``prepare`` is not timed, ``work`` is, ``clean`` is not. ``prepare`` hands to both."""

    work: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    clean: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Case:
    """``amount`` of ``unit`` is done by each side; ``floor`` is the ratio ours / other that is wanted, if any."""

    name: str
    corpus: str
    unit: str
    amount: float
    ours: Side
    other: Side | None = None
    floor: float | None = None


@dataclass(slots=True)
class Result:
    """What a case gave: amounts per second, or values as the case itself measured them."""

    case: str
    corpus: str
    ours: float
    other: float | None
    unit: str
    ratio: float | None
    floor: float | None
    spread: tuple[float, ...] = field(default=())

    def line(self) -> str:
        """One JSON line."""
        ratio = None if self.ratio is None else round(self.ratio, 3)
        other = None if self.other is None else round(self.other, 2)
        return json.dumps(
            {
                "case": self.case,
                "corpus": self.corpus,
                "ours": round(self.ours, 2),
                "other": other,
                "unit": self.unit,
                "ratio": ratio,
                "floor": self.floor,
            },
            ensure_ascii=False,
        )


def run(case: Case, rounds: int) -> Result:
    """Ours, other, ours, other, ...; the medians, and every round on standard error."""
    ours: list[float] = []
    other: list[float] = []
    for number in range(rounds):
        ours.append(_timed(case.ours))
        if case.other is not None:
            other.append(_timed(case.other))
        told = f"{ours[-1]:.3f} s" + (f" / {other[-1]:.3f} s" if other else "")
        sys.stderr.write(f"   {case.name} [{case.corpus}] round {number + 1}: {told}\n")
        sys.stderr.flush()
    mine = case.amount / statistics.median(ours)
    theirs = case.amount / statistics.median(other) if other else None
    return Result(
        case.name,
        case.corpus,
        mine,
        theirs,
        case.unit,
        mine / theirs if theirs else None,
        case.floor,
        tuple(ours),
    )


def _timed(side: Side) -> float:
    side.prepare()
    try:
        collecting.settled()  # both sides work in a process that stays, as ``lantai worker`` is
        _wait_until_quiet()
        started = time.perf_counter()
        side.work()
        return time.perf_counter() - started
    finally:
        gc.unfreeze()
        side.clean()


def _busy() -> float:
    with Path("/proc/stat").open() as stat:
        values = [int(value) for value in stat.readline().split()[1:]]
    return (sum(values[:3]) + sum(values[5:7])) / _TICKS


def _wait_until_quiet(seconds: float = 3.0) -> None:
    """Wait a little for other work on the machine to pause, where the system tells."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            before = _busy()
        except OSError:
            return
        time.sleep(0.2)
        if _busy() - before < _QUIET:
            return


def table(results: Iterable[Result]) -> str:
    """The results as a Markdown table."""
    rows = ["| case | corpus | ours | other | unit | ratio | floor |", "|---|---|---:|---:|---|---:|---:|"]
    for one in results:
        other = "–" if one.other is None else f"{one.other:,.1f}"
        ratio = "–" if one.ratio is None else f"{one.ratio:.2f}"
        floor = "–" if one.floor is None else f"{one.floor:g}"
        rows.append(f"| {one.case} | {one.corpus} | {one.ours:,.1f} | {other} | {one.unit} | {ratio} | {floor} |")
    return "\n".join(rows)
