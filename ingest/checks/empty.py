"""A deposit without a file, and files without a byte (DA/T 70 I1, I7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.files import FileRow
from ingest.outcome import Finding


def run(rows: Sequence[FileRow]) -> Iterable[Finding]:
    """``deposit.empty`` when nothing is to be kept, ``file.empty`` for each file of no bytes.

    A package that stays shut has its own finding; that nothing came out of it is no second fault.
    """
    payload = [row for row in rows if row.role == "payload"]
    if not payload and not any(row.role == "closed" for row in rows):
        yield Finding("deposit.empty")
    for row in payload:
        if row.size == 0:
            yield Finding("file.empty", row.path)
