"""Objects larger than one PUT: uploaded in parts, each with its SHA-256, and never finished over an existing key.

Memory stays bounded: the part that is being filled and those under way, ``IN_FLIGHT`` of them or one where a part is
large. The first thousand parts have 16 MiB, later ones grow (``part_size``), so that an object of unknown size may reach
S3's 5 TiB within its 10,000 parts: 64 MiB are held for an object of up to 16 GiB, 0.9 GiB where the first TiB is passed.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

from metadata.errors import LantaiError
from repository.storage import failures as local_failures
from repository.storage.digested import Span
from repository.storage.s3 import failures
from repository.storage.s3.options import S3Options

MIB = 1 << 20
PART = 16 * MIB
PARTS = 10_000
LARGEST = 5 << 40
IN_FLIGHT = 3
_IN_FLIGHT_BYTES = IN_FLIGHT * PART
_SMALLEST = 5 * MIB  # of S3, for every part but the last
_LEVEL = 1_000  # parts of one size before they grow
_GROWS_EVERY = 7  # parts, by 1 MiB
_AGAIN = 2


def part_size(number: int) -> int:
    """Bytes of part ``number`` (from 1); all 10,000 hold more than 5 TiB, and none passes S3's 5 GiB."""
    return PART + max(0, number - _LEVEL) // _GROWS_EVERY * MIB


def lock_fields(options: S3Options, until: datetime | None) -> dict[str, Any]:
    """What a new object is asked to have: encryption, and a lock until ``until``."""
    fields: dict[str, Any] = {}
    if options.sse:
        fields["ServerSideEncryption"] = options.sse
    if options.sse_key:
        fields["SSEKMSKeyId"] = options.sse_key
    if until is not None:
        fields["ObjectLockMode"] = options.lock.upper()
        fields["ObjectLockRetainUntilDate"] = until
    return fields


def cuts(known: Iterable[Span] = ()) -> Iterator[tuple[int, str | None]]:
    """Length of each part and its SHA-256 where it is ``known``; goes on for ever, the object's end cuts the last.

    The first thousand parts begin and end with the stretches whose digests are known, as far as no part becomes smaller
    than S3 allows or larger than ``PART``; what lies between is cut evenly.
    """
    number, at = 1, 0
    for span in known:
        between = span.offset - at
        if between < 0 or 0 < between < _SMALLEST or not _SMALLEST <= span.length <= PART:
            continue
        pieces = -(-between // PART)
        if number + pieces > _LEVEL:
            break
        for left in range(pieces, 0, -1):
            length = -(-between // left)
            yield length, None
            between -= length
        yield span.length, span.sha256
        number, at = number + pieces + 1, span.offset + span.length
    for further in range(number, PARTS + 1):
        yield part_size(further), None


def parts_of(
    chunks: Iterable[bytes | memoryview], known: Iterable[Span] = ()
) -> Iterator[tuple[bytes | bytearray, str | None]]:
    """Chunks put together into parts as ``cuts`` says, with the digest of a part that is known; the last may be shorter.

    Buffers of at most ``PART`` go round, because fresh memory costs more than copying into it: a part may be used until
    ``IN_FLIGHT`` more have been asked for, which is as long as ``Upload.add`` needs it.
    """
    ring = deque(bytearray() for _ in range(IN_FLIGHT + 1))
    sizes = cuts(known)
    part, filled, sha256 = bytearray(), 0, None
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            if not filled:
                size, sha256 = next(sizes)
                ring.rotate(-1)
                part = _sized(ring[0], size) if size <= PART else bytearray(size)
            taken = min(len(part) - filled, len(rest))
            part[filled : filled + taken] = rest[:taken]
            filled += taken
            rest = rest[taken:]
            if filled == len(part):
                filled = 0
                yield part, sha256
    if filled:
        yield bytes(memoryview(part)[:filled]), None


def _sized(buffer: bytearray, size: int) -> bytearray:
    """The same buffer with this length; what it held does not matter."""
    if len(buffer) > size:
        del buffer[size:]
    else:
        buffer.extend(bytes(size - len(buffer)))
    return buffer


class Upload:
    """One upload in parts. ``finish`` makes it an object; leaving the ``with`` block otherwise aborts it."""

    def __init__(self, client: Any, options: S3Options, *, store: str, key: str, fields: dict[str, Any]) -> None:
        self._client = client
        self._options = options
        self._store = store
        self._key = key
        self._fields = fields
        self._id = ""
        self._parts: list[dict[str, Any]] = []
        self._pool = ThreadPoolExecutor(IN_FLIGHT, "s3-part")
        self._running: deque[Future[dict[str, Any]]] = deque()
        self._finished = False

    def __enter__(self) -> Upload:
        with failures.boto(self._store, self._key):
            answer = self._client.create_multipart_upload(
                Bucket=self._options.bucket,
                Key=self._options.folder + self._key,
                ChecksumAlgorithm="SHA256",
                ContentType="application/octet-stream",
                **self._fields,
            )
        self._id = answer["UploadId"]
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._finished:
            return
        with suppress(LantaiError), failures.boto(self._store, self._key):  # what stays is swept later
            self._client.abort_multipart_upload(**self._named())

    def _named(self) -> dict[str, Any]:
        return {"Bucket": self._options.bucket, "Key": self._options.folder + self._key, "UploadId": self._id}

    def add(self, part: bytes | bytearray, sha256: str | None = None) -> None:
        """Send one part, with its digest where it is known; waits while enough are under way, raises what one met."""
        allowed = max(1, min(IN_FLIGHT, _IN_FLIGHT_BYTES // len(part)))
        while len(self._running) >= allowed:
            self._parts.append(self._running.popleft().result())
        self._running.append(self._pool.submit(self._send, len(self._parts) + len(self._running) + 1, part, sha256))

    def _send(self, number: int, part: bytes | bytearray, sha256: str | None) -> dict[str, Any]:
        digest = bytes.fromhex(sha256) if sha256 is not None else hashlib.sha256(part).digest()
        checksum = base64.b64encode(digest).decode()
        for left in range(_AGAIN, -1, -1):
            try:
                with failures.boto(self._store, self._key):
                    answer = self._client.upload_part(
                        **self._named(), PartNumber=number, Body=part, ChecksumSHA256=checksum
                    )
                return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}
            except LantaiError as error:
                if error.code != failures.BAD_DIGEST or not left:
                    raise
        raise AssertionError("unreachable")

    def finish(self) -> bool:
        """Make the parts one object; False when the key was taken (also by our own lost answer).

        ``conditional_multipart`` off: the key is looked at first, and its versions are counted by the caller after.
        """
        while self._running:
            self._parts.append(self._running.popleft().result())
        condition = {"IfNoneMatch": "*"} if self._options.conditional_multipart else {}
        try:
            with failures.boto(self._store, self._key):
                if not condition and self._taken():
                    return False
                self._client.complete_multipart_upload(
                    **self._named(), MultipartUpload={"Parts": self._parts}, **condition
                )
        except LantaiError as error:
            if error.code == "store.conflict" or failures.is_over(error):
                return False
            raise
        self._finished = True
        return True

    def _taken(self) -> bool:
        try:
            with failures.boto(self._store, self._key):
                self._client.head_object(Bucket=self._options.bucket, Key=self._options.folder + self._key)
        except LantaiError as error:
            if error.code != local_failures.not_found(self._store, self._key).code:
                raise
            return False
        return True
