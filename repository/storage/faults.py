"""Faults of stores that this process met, counted for whoever watches it: by store and stable code, nothing else."""

from __future__ import annotations

import threading
from collections import Counter

_guard = threading.Lock()
_met: Counter[tuple[str, str]] = Counter()


def met(store: str, code: str) -> None:
    """Count a read or write that ``store`` refused or failed; ``code`` as of the error that tells of it."""
    with _guard:
        _met[store, code] += 1


def counted() -> dict[tuple[str, str], int]:
    """How often each fault was met since the process began."""
    with _guard:
        return dict(_met)
