"""Malware (DA/T 70 X1, X2): what the scanner answered about a file, and what its signatures are worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ingest.clamd import Version
from ingest.limits import VirusScanner
from ingest.outcome import Finding, Outcome

CLEAN, FOUND, NOT_CHECKED = "clean", "found", "not_checked"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of scanning one file: ``state`` clean, found or not_checked; the malware's name, or why not."""

    state: str
    name: str = ""
    reason: str = ""


def run(path: str, answer: Answer) -> Iterable[Finding]:
    """``virus.found`` with the malware's name, or ``virus.not_checked`` with the reason; nothing for a clean file."""
    if answer.state == FOUND:
        yield Finding("virus.found", path, {"name": answer.name})
    elif answer.state != CLEAN:
        yield Finding("virus.not_checked", path, {"reason": answer.reason}, Outcome.NOT_CHECKED)


def not_configured() -> Finding:
    """The site has no scanner: one finding a deposit."""
    return Finding("virus.not_configured", None, {}, Outcome.NOT_CHECKED)


def unreachable(reason: str, files: int) -> Finding:
    """The scanner did not answer: one finding for all the files that were not scanned."""
    return Finding("virus.unreachable", None, {"reason": reason, "files": files}, Outcome.NOT_CHECKED)


def signatures(version: Version, configured: VirusScanner, now: datetime) -> Iterable[Finding]:
    """``virus.weak_database`` when the daily database is old, or is not there at all (signatures of one's own only)."""
    age = (now.replace(tzinfo=None) - version.built).days if version.built else None
    if age is None or age > configured.oldest_days:
        told = {"database": version.database or "-", "date": version.built.date().isoformat() if version.built else "-"}
        yield Finding("virus.weak_database", None, told)
