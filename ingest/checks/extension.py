"""The ending of a name against the content (DA/T 70 A9)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from ingest.identify import Identified
from ingest.outcome import Finding
from metadata.formats import OFD_PUID


def run(path: str, size: int, found: Identified) -> Iterable[Finding]:
    """``format.extension_mismatch`` for a file that is not what its name says. A name without an ending says nothing."""
    suffix = PurePath(path).suffix.lower()
    if size == 0 or found.puid is None or not suffix or suffix != suffix.strip():
        return  # ".txt " is no ending: a blank at the end of a name is told by the check of names
    if found.mismatch or (found.puid == OFD_PUID and suffix != ".ofd"):
        yield Finding("format.extension_mismatch", path, {"format": found.name, "puid": found.puid})
