"""Passwords: Argon2id (RFC 9106), what a site asks of them, random ones, and a slow-down that locks nobody out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from metadata.errors import Invalid

SHORTEST = 10
LONGEST = 256
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: it is read from paper and typed
_HASHER = PasswordHasher()  # Argon2id, 64 MiB, three passes: RFC 9106's second recommendation
_COMMON = frozenset(
    """
    0123456789 1234567890 0987654321 12345678910 123456789a a123456789 a1234567890 aa123456789 abc1234567 abcd123456
    abc123456789 q123456789 z123456789 qq123456789 wang123456 zhang123456 woaini1314 woaini520 woaini5201314 5201314520
    1314520520 qwertyuiop qwerty123456 qwerty12345 qwer123456 asdfghjkl1 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y zaq12wsxcde3
    qazwsxedc1 password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123 admin12345 admin123456 adminadmin1
    administrator letmein1234 welcome123 welcome1234 iloveyou123 changeme123 test123456 abcdefghij abcdefghijk
    dibao123456 minzheng123 dangan12345 lantai12345 lantai123456 mima123456 huanying123 zhongguo123 china123456
    """.split()  # noqa: SIM905  a block of words is read and added to more easily
)
"""What guessers try first and is long enough to pass for a password otherwise."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What a site asks: at least ``shortest`` characters, none of the last ``remembered``, a new one after ``days`` (0: never).

    Forced change by age is off by default: it makes people write passwords down (NIST SP 800-63B 5.1.1.2).
    """

    shortest: int = SHORTEST
    remembered: int = 5
    days: int = 0


RULES = PasswordRules()


def random_password() -> str:
    """A fresh password of 80 bits in four groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def halves(password: str) -> tuple[str, str]:
    """The two halves of a random password, 40 bits each, for two administrators."""
    return password[:9], password[10:]


def folded(text: str) -> str:
    """``text`` in one Unicode form, so that every keyboard types the same password or user name."""
    return unicodedata.normalize("NFKC", text)


def hashed(password: str, username: str, rules: PasswordRules = RULES) -> str:
    """The Argon2id hash of ``password``.

    ``Invalid``: ``password.weak`` when it is too short or is the user name, ``password.common`` when guessers try it first.
    """
    plain = folded(password)
    shortest = max(rules.shortest, 8)
    if not shortest <= len(plain) <= LONGEST or plain.casefold() == username or len(set(plain)) < 5:
        raise Invalid(
            "password.weak",
            zh=f"口令太弱：至少 {shortest} 个字符，至少 5 种不同字符，且不能与帐号相同。请换一个。",
            en=f"Too weak: at least {shortest} characters, 5 of them different, and not the user name. Choose another.",
        )
    bare = plain.casefold().strip("!.@#*_- ")
    if bare in _COMMON or (username and bare.removeprefix(username).strip("0123456789@._-") == "" != bare):
        raise Invalid(
            "password.common",
            zh="这个口令太常见，猜口令的人最先试它。请换一个，例如四个不相干的词。",
            en="This password is too common: it is what guessers try first. Choose another, such as four unrelated words.",
        )
    return _HASHER.hash(plain)


def used_before(past: Sequence[str], password: str) -> bool:
    """Whether ``password`` is one of those whose hashes are ``past``."""
    return any(matches(one, password) for one in past)


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


def known_device(stored: str | None, device: str, *, name: str) -> bool:
    """Whether ``device`` is the mark that ``device_mark`` gave a browser after a right sign-in to this account."""
    nonce, _, given = device.partition(".")
    right = _device_code(stored or _nobody(), nonce, name)
    return hmac.compare_digest(right, given[:64].encode("ascii", "replace").decode()) and stored is not None


def device_mark(stored: str, *, name: str) -> str:
    """A mark for the browser that signed in: worth nothing but that strangers' failures do not slow it down.

    It is made with the password's hash, so a new password makes it worthless.
    """
    nonce = secrets.token_urlsafe(12)
    return f"{nonce}.{_device_code(stored, nonce, name)}"


def _device_code(stored: str, nonce: str, name: str) -> str:
    return hmac.new(
        stored.encode(), f"device:{name}:{nonce}".encode("utf-8", "backslashreplace"), hashlib.sha256
    ).hexdigest()


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
"""The one of this process, by user name; a browser that knew the password before counts by itself (``known_device``)."""
BY_ADDRESS = SlowDown(free=30, first=0.25, longest=2.0)
"""The one of this process, by network address: wide, for an office may sit behind one."""
