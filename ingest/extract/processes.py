"""The standing processes that parse foreign bytes for derivatives, ended with this one."""

from __future__ import annotations

import atexit
from functools import cache

from ingest.pool import CheckPool

BATCH = 8
_SECONDS = 45.0
_MEMORY = 4 << 30


@cache
def pool() -> CheckPool:
    """Two processes for text and pictures. They never load pygfried: extractous and it must not share a process."""
    made = CheckPool(2, memory_bytes=_MEMORY, seconds=_SECONDS, batch=BATCH)
    atexit.register(made.close)
    return made
