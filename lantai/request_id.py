"""The number of the request that a piece of work came from: in the answer, on error pages, in the log, and with the jobs
that it leaves behind.

It tells log lines of one request apart from others and says nothing about who asked. A number given from outside is
believed only from a trusted proxy, and only in a form that cannot break a log line or a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_current: ContextVar[str] = ContextVar("lantai_request_id", default="")


def current() -> str:
    """The number of the request in whose course this runs; empty when there is none."""
    return _current.get()


@contextmanager
def bound(number: str) -> Iterator[None]:
    """What runs inside belongs to the request ``number`` (empty: to none)."""
    token = _current.set(number)
    try:
        yield
    finally:
        _current.reset(token)


def well_formed(text: str) -> bool:
    """Whether a number from outside may be taken over: 8 to 64 letters, digits, dots, dashes and underscores."""
    return _FORM.fullmatch(text) is not None
