"""Chunks that bring their own SHA-256, so that several stores writing the same bytes need not each compute it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of an object, in bytes from its beginning, with its SHA-256 in hex."""

    offset: int
    length: int
    sha256: str


class DigestedChunks(ABC, Iterator[bytes]):
    """An iterator of immutable chunks whose SHA-256 is computed elsewhere, once, from the very same objects.

    A store that is given one uses ``sha256`` instead of hashing again. It says what was handed to the file system,
    exactly as a digest computed in the store would; what the disk really holds is proved by the first audit.
    ``size``: bytes of the whole object, where they are known; ``known``: stretches, in their order, whose digests are.
    """

    size: int | None = None
    known: Sequence[Span] = ()

    @abstractmethod
    def sha256(self) -> str:
        """Hex digest of all chunks; only to be asked after the last one."""


class OneChunk(DigestedChunks):
    """Bytes in memory with their digest."""

    def __init__(self, data: bytes, sha256: str | None = None) -> None:
        self._data: bytes | None = data
        self._sha256 = sha256 or hashlib.sha256(data).hexdigest()

    def __next__(self) -> bytes:
        if self._data is None:
            raise StopIteration
        data, self._data = self._data, None
        return data

    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return self._sha256
