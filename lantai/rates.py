"""How often something happened within a minute: what is slowed, and until when.

Counted in the memory of one process; a restart forgets a minute at most.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

_MINUTE = 60.0
_ROOM = 4096


class Window:
    """At most ``most`` events of a key in a sliding minute; 0: no limit. Keys are kept as digests, at most ``_ROOM``."""

    def __init__(self, most: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = most, now
        self._seen: OrderedDict[bytes, deque[float]] = OrderedDict()
        self._guard = threading.Lock()

    def wait(self, key: str) -> float:
        """Seconds until ``key`` may ask again; 0 when it may now. Counts nothing."""
        with self._guard:
            times = self._seen.get(_digest(key))
            return self._until(times, self._now()) if times else 0.0

    def note(self, key: str) -> None:
        """Count an event."""
        if not self._most:
            return
        with self._guard:
            times = self._seen.setdefault(_digest(key), deque(maxlen=self._most))
            times.append(self._now())
            self._seen.move_to_end(_digest(key))
            while len(self._seen) > _ROOM:
                self._seen.popitem(last=False)

    def take(self, key: str) -> float:
        """Count an event when there is room for it and give 0; else seconds to wait."""
        seconds = self.wait(key)
        if not seconds:
            self.note(key)
        return seconds

    def _until(self, times: deque[float], now: float) -> float:
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        return times[0] + _MINUTE - now if self._most and len(times) >= self._most else 0.0


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "backslashreplace")).digest()
