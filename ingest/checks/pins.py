"""Sources read in place must still be what was pinned: same size, same time of change (DA/T 70 A1).

The bytes themselves are compared with their digests when the bag is packed; this is the early look at all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ingest import quarantine
from ingest.files import FileRow
from ingest.outcome import Finding


def run(base: Path, rows: Iterable[FileRow]) -> Iterable[Finding]:
    """``source.changed`` and ``source.missing`` for files that are read where they lie."""
    for row in rows:
        if not quarantine.is_in_place(row.source):
            continue
        try:
            found = os.lstat(quarantine.locate(base, row.source))
        except OSError:
            yield Finding("source.missing", row.path)
            continue
        if (found.st_size, found.st_mtime_ns) != (row.size, row.modified_ns):
            yield Finding("source.changed", row.path)
