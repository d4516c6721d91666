"""Whether a file can be read (DA/T 70 U4, I7): what its opener could not decode, told once."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.media.medium import Medium
from ingest.outcome import Finding, Outcome

_NOT_CHECKED = frozenset({"readability.too_large", "readability.too_many_pages", "readability.not_checked"})


def run(path: str, medium: Medium) -> Iterable[Finding]:
    """At most one finding about damage: what is wrong first is wrong, the rest follows from it."""
    if medium.problem is not None:
        code = medium.problem.code
        outcome = Outcome.NOT_CHECKED if code in _NOT_CHECKED else None
        yield Finding(code, path, medium.problem.params, outcome)
    if medium.doctype:
        yield Finding("xml.doctype", path)
    if medium.undecodable:
        yield Finding("text.undecodable", path)


def not_run(path: str, reason: str) -> Finding:
    """The finding about a file on which the looking itself broke off."""
    return Finding("readability.not_checked", path, {"reason": reason}, Outcome.NOT_CHECKED)
