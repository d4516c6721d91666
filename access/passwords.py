"""Passwords: Argon2id (RFC 9106), random ones, and a slow-down for guessing that locks nobody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from metadata.errors import Invalid

SHORTEST = 10
LONGEST = 256
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: it is read from paper and typed
_HASHER = PasswordHasher()  # Argon2id, 64 MiB, three passes: RFC 9106's second recommendation


def random_password() -> str:
    """A fresh password of 80 bits in four groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def folded(text: str) -> str:
    """``text`` in one Unicode form, so that every keyboard types the same password or user name."""
    return unicodedata.normalize("NFKC", text)


def hashed(password: str, username: str) -> str:
    """The Argon2id hash of ``password``; ``Invalid`` (``password.weak``) when it is too short or is the user name."""
    plain = folded(password)
    if not SHORTEST <= len(plain) <= LONGEST or plain.casefold() == username or len(set(plain)) < 5:
        raise Invalid(
            "password.weak",
            zh=f"口令太弱：至少 {SHORTEST} 个字符，至少 5 种不同字符，且不能与帐号相同。请换一个。",
            en=f"Too weak: at least {SHORTEST} characters, 5 of them different, and not the user name. Choose another.",
        )
    return _HASHER.hash(plain)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def matches(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one whose hash is ``stored``.

    Without a hash (unknown user, account without password) the same work is done and the answer is no, so that the
    time taken does not tell who exists.
    """
    plain = folded(password[:LONGEST])
    try:
        right = _HASHER.verify(stored or _nobody(), plain)
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def outdated(stored: str) -> bool:
    """Whether ``stored`` was made with older parameters and should be made anew."""
    return _HASHER.check_needs_rehash(stored)


class SlowDown:
    """Makes repeated failures of one user name slower and slower, up to ``longest`` seconds a try.

    Nobody is ever refused by it, so a stranger who guesses cannot lock the owner out; at most ``places`` callers wait
    at once, so waiting cannot use up the server's threads either. Names are kept as digests, known or unknown alike,
    at most ``room`` of them, for ``forget`` seconds after the last failure.
    """

    def __init__(
        self,
        *,
        free: int = 4,
        first: float = 0.25,
        longest: float = 4.0,
        forget: float = 900.0,
        room: int = 4096,
        places: int = 8,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free, self._first, self._longest = free, first, longest
        self._forget, self._room = forget, room
        self._places = threading.BoundedSemaphore(places)
        self._pause, self._now = pause, now
        self._failures: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._guard = threading.Lock()

    @staticmethod
    def _name(username: str) -> bytes:
        return hashlib.sha256(username.encode()).digest()

    def seconds(self, username: str) -> float:
        """How long the next try for ``username`` waits."""
        with self._guard:
            failures, last = self._failures.get(self._name(username), (0, 0.0))
        if failures < self._free or self._now() - last > self._forget:
            return 0.0
        return min(self._first * 2.0 ** min(failures - self._free, 16), self._longest)

    def wait(self, username: str) -> None:
        """Wait as ``seconds`` says, unless too many wait already."""
        seconds = self.seconds(username)
        if seconds and self._places.acquire(blocking=False):
            try:
                self._pause(seconds)
            finally:
                self._places.release()

    def note(self, username: str, *, success: bool) -> None:
        """Count a failure; a success forgets them."""
        name, now = self._name(username), self._now()
        with self._guard:
            failures, last = self._failures.pop(name, (0, 0.0))
            if success:
                return
            self._failures[name] = (1 if now - last > self._forget else failures + 1, now)
            while len(self._failures) > self._room:
                self._failures.popitem(last=False)


SLOW_DOWN = SlowDown()
"""The one of this process."""
