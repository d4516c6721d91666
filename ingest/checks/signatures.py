"""Electronic signatures and seals (DA/T 70 A1): listed here, verified by nobody yet, which is not a pass."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.media.medium import Medium
from ingest.outcome import Finding, Outcome


def run(path: str, medium: Medium) -> Iterable[Finding]:
    """``signature.listed`` with how many there are."""
    if medium.signatures:
        yield Finding("signature.listed", path, {"count": len(medium.signatures)}, Outcome.NOT_CHECKED)
