"""The storage port. Every backend keeps this contract; ``tests/contracts/test_store.py`` is the proof.

Keys are ASCII, ``/`` between parts, no empty, ``.`` or ``..`` part, no backslash or control character, a part at most
255 bytes, a key at most 1,024; never both a key and the beginning of another at a part boundary. ``checked_key``
refuses everything else with ``Invalid`` before any backend sees it. That no key begins another is the caller's duty
(storage format 1 has no such keys): a folder refuses one with ``Conflict``, object storage cannot tell.

Objects are written once, whole, and never overwritten. There is no rename, no append, no delete: destruction is a port
of its own (``destroy.Destroyer``) that only ``retention.disposal`` may import.

Errors: ``NotFound`` (no such key), ``Conflict`` (key exists with other bytes), ``Unavailable`` (store down, full,
read-only, timed out; nothing half-written is visible; the sentence says which store and why), ``Invalid`` (bad key).
Reads are never trusted: callers compare what they read with the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from metadata.errors import Invalid

CHUNK = 1 << 20
_KEY = re.compile(r"[A-Za-z0-9._~-][A-Za-z0-9._~ -]{0,254}(/[A-Za-z0-9._~-][A-Za-z0-9._~ -]{0,254})*\Z")


@dataclass(frozen=True, slots=True)
class Stat:
    """A key and the size of its object in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a store confirms after a create: digest of the bytes it wrote, and whether they were there already."""

    key: str
    size: int
    sha256: str
    existed: bool = False


class Store(Protocol):
    """One place that keeps objects under keys."""

    name: str
    kind: str

    @property
    def location(self) -> str:
        """Where it is, for people; never with a secret in it."""

    def failure_domain(self) -> str:
        """What fails together with this store (a device, a service); ``Unavailable`` while it is away."""

    def prepare(self) -> None:
        """Make the place of a new replica, or prove that it is there and fit; errors as ``check``."""

    def check(self) -> int:
        """Prove that the store can be used, and sweep what broken-off writes left; how many leftovers went.

        ``Unavailable``: it is away, or may not be written now. ``Invalid``: it can never be what the settings ask for.
        """

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        """Write a whole new object, atomically and durably, never over another.

        The object is visible only when every byte is on stable storage. ``expect`` is the SHA-256 that the bytes must
        have (hex): other bytes are refused with ``Conflict`` and nothing becomes visible. When the key exists with the
        same bytes the call succeeds (``existed=True``), so a retry is harmless; with other bytes it is ``Conflict``.
        An exception from ``chunks`` passes through and leaves nothing.
        """

    def read(self, key: str) -> Iterator[bytes]:
        """All bytes in chunks of about ``CHUNK``; ``NotFound`` before the first chunk."""

    def read_range(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``offset``, fewer at the object's end, in chunks."""

    def head(self, key: str) -> Stat:
        """Size of one object, or ``NotFound``."""

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stat]:
        """Every object whose key begins with ``prefix``, sorted by the bytes of the key, streaming; after ``after``."""

    def set_aside(self, key: str, evidence_key: str) -> None:
        """Move a damaged object to ``evidence_key`` (below ``evidence/``) so that the key is free again.

        Used by repair only. Repeating it after a crash is harmless: when the key is gone and the evidence is there the
        call succeeds. Where the store moves by copying and the object cannot be read at all, the key is freed and no
        evidence comes to be.
        """


def checked_key(key: str) -> str:
    """``key`` itself when every backend can hold it, else ``Invalid``."""
    if len(key) > 1024 or not _KEY.match(key) or any(part in {".", ".."} for part in key.split("/")):
        raise Invalid(
            "store.bad_key",
            zh=f"存储键不合规：{key!r}。",
            en=f"Not a storage key: {key!r}.",
            key=key,
        )
    return key
