"""Locks (DA/T 70 U7): passwords, and rights that were withheld."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.media.medium import Medium
from ingest.outcome import Finding


def run(path: str, medium: Medium) -> Iterable[Finding]:
    """``encryption.password`` where nothing can be read without one, ``encryption.restricted`` where rights are missing."""
    if medium.password:
        yield Finding("encryption.password", path)
    elif medium.restricted:
        yield Finding("encryption.restricted", path)
