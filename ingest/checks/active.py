"""Content that acts or reaches out (DA/T 70 X2, U7): macros, scripts, files inside the file, things outside it."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.media.medium import Medium
from ingest.outcome import Finding


def run(path: str, medium: Medium) -> Iterable[Finding]:
    """One finding for each kind that the opener met."""
    if medium.active["macro"]:
        yield Finding("active.macro", path)
    if medium.active["script"]:
        yield Finding("active.script", path)
    if medium.active["external"]:
        yield Finding("active.external", path)
    if count := medium.active["attachment"]:
        yield Finding("active.attachment", path, {"count": count})
