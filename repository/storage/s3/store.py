"""The store in a bucket of S3 object storage: conditional creates, every body checked by the store (the storage port).

An object of at most ``ONE_PUT`` bytes is one conditional PUT with its SHA-256, which the store compares before the key
becomes visible; a larger one goes in parts (``multipart``). A key that is taken is compared, so that a lost answer and a
repeated call are successes. What is read is never trusted: callers compare it with the catalogue, and a body that ends
early is an error here.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from metadata.errors import Conflict, Invalid, LantaiError, NotFound, Unavailable
from repository.storage import failures as said
from repository.storage.base import CHUNK, Stat, Written, checked_key
from repository.storage.digested import DigestedChunks
from repository.storage.s3 import checks, failures, listing, multipart
from repository.storage.s3.ahead import ahead, in_turn
from repository.storage.s3.client import Clients
from repository.storage.s3.options import S3Options

Held = list[bytes | memoryview]
ONE_PUT = 64 << 20
SMALL = 4 << 20
RANGE = 32 << 20
_AGAIN = 2
_PAUSE = 0.1


class S3Store:
    """One bucket, or the part of it below a prefix, as a store (the port of ``storage.base``)."""

    kind = "s3"

    def __init__(self, name: str, options: S3Options) -> None:
        self.name = name
        self.options = options
        self.clients = Clients(options)

    @property
    def location(self) -> str:
        """Endpoint, bucket and prefix."""
        return self.options.location

    def failure_domain(self) -> str:
        """The endpoint, or what the settings say; ``Unavailable`` when it does not answer."""
        checks.answers(self)
        return self.options.failure_domain

    def prepare(self) -> None:
        """Prove that the bucket is there and fit for a replica; it is never made here."""
        self.check()

    def check(self) -> int:
        """Prove that the bucket can be used as the settings say; abort uploads that were broken off; how many.

        ``Unavailable``: it does not answer or may not be written now. ``Invalid``: it is not what the settings ask for.
        """
        return checks.prove(self)

    # -- the port ------------------------------------------------------------------------------------------------

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        """Write a whole new object, never over another (``storage.base.Store.create``)."""
        self.full_key(key)
        source = iter(chunks)
        if isinstance(chunks, DigestedChunks) and (chunks.size or 0) > ONE_PUT:
            return self._in_parts(key, chunks, [], source, expect)
        held, size, ended = _held(source)
        if not ended:
            return self._in_parts(key, chunks, held, source, expect)
        sha256 = chunks.sha256() if isinstance(chunks, DigestedChunks) else _digest(held)
        if expect is not None and sha256 != expect:
            raise said.not_as_expected(self.name, key, expect, sha256)
        body = b"".join(held) if len(held) != 1 else held[0]
        return self._until_settled(key, size, sha256, lambda: self._put(key, body, sha256))

    def read(self, key: str) -> Iterator[bytes]:
        """All bytes in chunks."""
        return self._pieces(key, None)

    def read_range(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``offset``, fewer at the object's end."""
        if offset < 0 or length < 0:
            raise ValueError("a range begins and reaches forward")
        return self._pieces(key, (offset, offset + length))

    def head(self, key: str) -> Stat:
        """Size of one object."""
        with failures.rust(self.name, key):
            return Stat(key, self.clients.reading.head(self.full_key(key))["size"])

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stat]:
        """Every object below ``prefix`` in the order of the keys' bytes."""
        above = self.options.folder
        found = listing.objects(
            self.clients.control, self.options.bucket, self.name, above + prefix, above + after if after else ""
        )
        for one in found:
            key = one.key[len(above) :]
            if not key.startswith(f"{checks.RESERVED}/"):
                yield Stat(key, one.size)

    def set_aside(self, key: str, evidence_key: str) -> None:
        """Copy a damaged object to ``evidence_key``, then free its key; repeating it after a crash is harmless.

        In a bucket with versions the damaged version stays below a delete marker, until disposal takes every version.
        Of an object that the service cannot read there is nothing to copy: then the key is freed all the same.
        """
        full = self.full_key(key)
        self.full_key(evidence_key)
        try:
            self.head(key)
        except LantaiError as error:
            if error.code == "store.not_found":
                self._there(evidence_key, missing=key)
                return
            if error.code not in failures.LOST:
                raise
        unreadable = ""

        def there() -> Iterator[bytes]:
            nonlocal unreadable
            try:
                yield from self.read(key)
            except LantaiError as error:
                unreadable = error.code
                raise

        try:
            self.create(evidence_key, there())
        except LantaiError:
            if unreadable not in failures.LOST:
                raise
        with failures.boto(self.name, key):
            self.clients.control.delete_object(Bucket=self.options.bucket, Key=full)

    # -- writing -------------------------------------------------------------------------------------------------

    def full_key(self, key: str) -> str:
        """``key`` as it stands in the bucket; ``Invalid`` for a key that no store can hold."""
        full = self.options.folder + checked_key(key)
        if key.partition("/")[0] == checks.RESERVED or len(full) > 1024:
            raise Invalid("store.bad_key", zh=f"存储键不合规：{key!r}。", en=f"Not a storage key: {key!r}.", key=key)
        return full

    def _put(self, key: str, body: bytes | memoryview, sha256: str) -> bool:
        """One conditional PUT; False when the key is taken. A body that changed on its way is sent again."""
        for left in range(_AGAIN, -1, -1):
            try:
                if len(body) <= SMALL:
                    with failures.rust(self.name, key):
                        self.clients.writing(len(body)).put(
                            self.full_key(key), body, mode="create", use_multipart=False
                        )
                else:  # boto3 takes the digest that is known; obstore would compute it again
                    with failures.boto(self.name, key):
                        self.clients.parts.put_object(
                            Bucket=self.options.bucket,
                            Key=self.full_key(key),
                            Body=body,
                            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                            IfNoneMatch="*",
                            **multipart.lock_fields(self.options, self.clients.lock_until()),
                        )
                return True
            except Conflict:
                return False
            except Unavailable as error:
                if error.code != failures.BAD_DIGEST or not left:
                    raise
        raise AssertionError("unreachable")

    def _in_parts(
        self,
        key: str,
        chunks: Iterable[bytes | memoryview],
        held: Held,
        rest: Iterator[bytes | memoryview],
        expect: str | None,
    ) -> Written:
        own = None if isinstance(chunks, DigestedChunks) else hashlib.sha256()
        size = 0

        def counted() -> Iterator[bytes | memoryview]:
            nonlocal size
            held.reverse()
            while held:
                yield held.pop()
            yield from rest

        before = checks.versions(self, key)
        fields = multipart.lock_fields(self.options, self.clients.lock_until())
        with multipart.Upload(self.clients.parts, self.options, store=self.name, key=key, fields=fields) as upload:
            known = chunks.known if isinstance(chunks, DigestedChunks) else ()
            for part, part_sha256 in multipart.parts_of(counted(), known):
                if own is not None:
                    own.update(part)
                size += len(part)
                upload.add(part, part_sha256)
            sha256 = own.hexdigest() if own is not None else chunks.sha256()  # type: ignore[attr-defined]  # DigestedChunks
            if expect is not None and sha256 != expect:
                raise said.not_as_expected(self.name, key, expect, sha256)
            written = self._until_settled(key, size, sha256, upload.finish)
        if not written.existed:
            checks.only_version(self, key, before)
        return written

    def _until_settled(self, key: str, size: int, sha256: str, make: Callable[[], bool]) -> Written:
        """Make the object, or confirm the one whose key is taken; again where what took the key came to nothing.

        Two that write one key at once may both be refused, or the one that was first breaks off.
        """
        for attempt in range(_AGAIN + 1):
            if make():
                return Written(key, size, sha256)
            try:
                return self._confirm(key, size, sha256)
            except NotFound:
                time.sleep(_PAUSE * 2**attempt)
        raise failures.said("store.busy", self.name, key, "another writer of the same key")

    def _confirm(self, key: str, size: int, sha256: str) -> Written:
        """The key is taken: the same bytes are a success, others a conflict."""
        with failures.boto(self.name, key):
            there = self.clients.control.head_object(
                Bucket=self.options.bucket, Key=self.full_key(key), ChecksumMode="ENABLED"
            )
        if there["ContentLength"] != size:
            raise said.other_bytes(self.name, key)
        recorded = str(there.get("ChecksumSHA256", ""))
        if recorded and "-" not in recorded:
            same = base64.b64decode(recorded).hex() == sha256
        else:
            same = _digest(self.read(key)) == sha256
        if not same:
            raise said.other_bytes(self.name, key)
        return Written(key, size, sha256, existed=True)

    # -- reading -------------------------------------------------------------------------------------------------

    def _there(self, evidence_key: str, *, missing: str) -> None:
        try:
            self.head(evidence_key)
        except LantaiError as error:
            if error.code == "store.not_found":
                raise said.not_found(self.name, missing) from error
            raise

    def _pieces(self, key: str, span: tuple[int, int] | None) -> Iterator[bytes]:
        full = self.full_key(key)
        if span is not None:
            size = self.head(key).size
            span = (span[0], min(span[1], size))
            if span[0] >= span[1]:
                return
        with failures.rust(self.name, key):
            found = self.clients.reading.get(full, options={"range": span} if span is not None else None)
        wanted = found.range[1] - found.range[0]
        if span is not None and wanted != span[1] - span[0]:
            raise failures.said("store.io_error", self.name, key, "another range than asked for")
        if wanted > RANGE:
            whole, tag = found.range, found.meta["e_tag"]
            del found  # its connection ends here
            yield from self._in_ranges(key, whole, tag)
            return
        pieces = self._streamed(key, found, wanted)
        yield from pieces if wanted <= SMALL else ahead(pieces)

    def _in_ranges(self, key: str, span: tuple[int, int], tag: str | None) -> Iterator[bytes]:
        """A large body in ranges, two on their way at once: one connection gives what one core of the store can.

        All are of the object that ``tag`` names, where the store gives tags. By boto3, whose pieces are copied once (obstore's
        three times, which cost a tenth of the time).
        """
        ranges = ((start, min(start + RANGE, span[1])) for start in range(span[0], span[1], RANGE))
        yield from in_turn((self._range(key, *one, tag) for one in ranges), RANGE // CHUNK)

    def _range(self, key: str, start: int, end: int, tag: str | None) -> Iterator[bytes]:
        """One range of an object; asked for again from where it broke off."""
        condition = {"IfMatch": tag} if tag else {}
        left = _AGAIN
        while start < end:
            try:
                with failures.boto(self.name, key):
                    found = self.clients.control.get_object(
                        Bucket=self.options.bucket,
                        Key=self.full_key(key),
                        Range=f"bytes={start}-{end - 1}",
                        **condition,
                    )
                if found["ContentLength"] != end - start:
                    raise failures.said("store.io_error", self.name, key, "another range than asked for")
                for piece in self._body(key, found["Body"]):
                    start += len(piece)
                    yield piece
                if start < end:
                    raise failures.said("store.down", self.name, key, f"{end - start} bytes too few")
            except Unavailable as error:
                if error.code != "store.down" or not left:
                    raise
                left -= 1

    def _body(self, key: str, body: Any) -> Iterator[bytes]:
        """What boto3 reads of an answer; one that ends early is an error."""
        with closing(body):
            while True:
                with failures.boto(self.name, key):
                    piece: bytes = body.read(CHUNK)
                if not piece:
                    return
                yield piece

    def _streamed(self, key: str, found: Any, wanted: int) -> Iterator[bytes]:
        """The body of an answer; one that ends early is an error."""
        stream = iter(found.stream(min_chunk_size=CHUNK // 2))
        got = 0
        while True:
            with failures.rust(self.name, key):
                piece = next(stream, None)
            if piece is None:
                break
            got += len(piece)
            yield from _cut(bytes(piece))
        if got != wanted:
            raise failures.said("store.down", self.name, key, f"{got} of {wanted} bytes")


def _held(source: Iterator[bytes | memoryview]) -> tuple[Held, int, bool]:
    """Chunks up to what one PUT takes, their size, and whether that is all of the source."""
    held: Held = []
    size = 0
    for chunk in source:
        held.append(chunk)
        size += len(chunk)
        if size > ONE_PUT:
            return held, size, False
    return held, size, True


def _digest(chunks: Iterable[bytes | memoryview]) -> str:
    own = hashlib.sha256()
    for chunk in chunks:
        own.update(chunk)
    return own.hexdigest()


def _cut(piece: bytes) -> Iterator[bytes]:
    if len(piece) <= CHUNK:
        yield piece
        return
    for start in range(0, len(piece), CHUNK):
        yield piece[start : start + CHUNK]
