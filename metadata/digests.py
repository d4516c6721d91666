"""Digests: sha256, sha512 and sm3, several at once over one read of the bytes.

Clauses: RFC 8493 section 2.4 (sha256 and sha512 must be supported); GB/T 32905-2016 (SM3). ``hashlib`` has SM3 only
where Python's OpenSSL has it; ``cryptography`` brings its own OpenSSL and serves elsewhere.
Measured on two cores (docs/reference/benchmarks.md): sha256 about 1.7 GB/s, sha512 0.8, sm3 0.36, crc32 4 GB/s a core;
hashlib releases the GIL, so a second thread pays as soon as chunks are large.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from metadata.errors import Invalid

KNOWN = ("sha256", "sha512", "sm3", "md5", "sha1")
"""Algorithms that bags may carry; md5 and sha1 are read in old bags and never written."""

WRITTEN = ("sha256", "sha512", "sm3")
LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "sm3": 64}
CHUNK = 1 << 20
_THREADED_FROM = 256 << 10


class Hash(Protocol):
    """What ``hashlib`` and the SM3 fallback have in common."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Feed more bytes."""

    def hexdigest(self) -> str:
        """The digest as lower-case hex."""


class _CryptographySm3:
    def __init__(self) -> None:
        from cryptography.hazmat.primitives import hashes  # only where OpenSSL lacks SM3

        self._hash = hashes.Hash(hashes.SM3())

    def update(self, data: bytes | memoryview, /) -> None:
        self._hash.update(bytes(data))

    def hexdigest(self) -> str:
        return self._hash.copy().finalize().hex()


def new(algorithm: str) -> Hash:
    """A fresh hash of ``algorithm``; ``Invalid`` for a name that is not in ``KNOWN``."""
    if algorithm not in KNOWN:
        raise Invalid(
            "digest.unknown_algorithm",
            zh=f"不认识的摘要算法：{algorithm}。可用：{'、'.join(KNOWN)}。",
            en=f"Unknown digest algorithm {algorithm}; known are {', '.join(KNOWN)}.",
            algorithm=algorithm,
        )
    if algorithm == "sm3" and "sm3" not in hashlib.algorithms_available:
        return _CryptographySm3()
    return hashlib.new(algorithm, usedforsecurity=False)


class MultiDigest:
    """Several digests, a CRC-32 and the size of one stream of bytes.

    Large chunks are hashed with one thread per digest beyond the first when an ``executor`` is given; the caller must
    not reuse a chunk's buffer before the next ``update`` or ``result``.
    """

    def __init__(self, algorithms: Iterable[str], executor: ThreadPoolExecutor | None = None) -> None:
        self._hashes = {name: new(name) for name in algorithms}
        self._executor = executor
        self._running: list[Future[None]] = []
        self.size = 0
        self.crc32 = 0

    @property
    def feeds(self) -> list[Callable[[bytes | memoryview], None]]:
        """What must be given every chunk in its order instead of ``update``; each may live in a thread of its own."""
        first, *others = self._hashes.values()

        def first_and_crc(chunk: bytes | memoryview) -> None:
            first.update(chunk)
            self._count(chunk)

        return [*(one.update for one in others), first_and_crc]

    def update(self, chunk: bytes | memoryview) -> None:
        """Feed one chunk to every digest."""
        self._wait()
        hashes = list(self._hashes.values())
        if self._executor is not None and len(chunk) >= _THREADED_FROM and len(hashes) > 1:
            self._running = [self._executor.submit(one.update, chunk) for one in hashes[1:]]
            hashes[0].update(chunk)
        else:
            for one in hashes:
                one.update(chunk)
        self._count(chunk)

    def _count(self, chunk: bytes | memoryview) -> None:
        self.crc32 = zlib.crc32(chunk, self.crc32)
        self.size += len(chunk)

    def _wait(self) -> None:
        for future in self._running:
            future.result()
        self._running = []

    def result(self) -> dict[str, str]:
        """Algorithm -> lower-case hex digest of all bytes fed so far."""
        self._wait()
        return {name: one.hexdigest() for name, one in self._hashes.items()}


def through(chunks: Iterable[bytes], digest: MultiDigest) -> Iterator[bytes]:
    """Pass ``chunks`` on unchanged while ``digest`` sees each of them."""
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def of_bytes(data: bytes, algorithm: str = "sha256") -> str:
    """Hex digest of ``data``."""
    one = new(algorithm)
    one.update(data)
    return one.hexdigest()
