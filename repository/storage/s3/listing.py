"""Listing in the order of the keys' bytes, whatever order the store lists in.

S3 promises that order; SeaweedFS lists folder by folder instead, so that ``p/1.0/x`` comes before ``p/1.0.1/x``, and
skips a folder that is named in StartAfter. So no answer's order is relied upon and StartAfter is never sent: what lies
below a prefix is taken into memory and sorted while it is at most ``HELD`` keys, else it is taken folder by folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from repository.storage.base import Stat
from repository.storage.s3 import failures

PAGE = 1000
HELD = 50_000


def objects(client: Any, bucket: str, store: str, prefix: str, after: str) -> Iterator[Stat]:
    """Every object whose key in the bucket begins with ``prefix``, after ``after``, sorted."""
    found: list[Stat] = []
    for answer in _pages(client, bucket, store, Prefix=prefix):
        found.extend(Stat(one["Key"], one["Size"]) for one in answer.get("Contents", ()))
        if len(found) > HELD:
            break
    else:
        yield from sorted((one for one in found if one.key > after), key=lambda one: one.key)
        return
    found.clear()
    yield from _by_folder(client, bucket, store, prefix, after)


def _by_folder(client: Any, bucket: str, store: str, prefix: str, after: str) -> Iterator[Stat]:
    """One level: its own objects, and each folder in its turn."""
    here: list[tuple[str, Stat | None]] = []
    for answer in _pages(client, bucket, store, Prefix=prefix, Delimiter="/"):
        here.extend((one["Key"], Stat(one["Key"], one["Size"])) for one in answer.get("Contents", ()))
        here.extend((one["Prefix"], None) for one in answer.get("CommonPrefixes", ()))
    for name, stat in sorted(here, key=lambda one: one[0]):
        if stat is not None:
            if name > after:
                yield stat
        elif name > after or after.startswith(name):
            yield from objects(client, bucket, store, name, after)


def _pages(client: Any, bucket: str, store: str, **asked: Any) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        more = {"ContinuationToken": token} if token else {}
        with failures.boto(store, asked["Prefix"]):
            answer = client.list_objects_v2(Bucket=bucket, MaxKeys=PAGE, **asked, **more)
        yield answer
        token = answer.get("NextContinuationToken", "")
        if not answer.get("IsTruncated"):
            return
        if not token:  # the rest is there and cannot be asked for: half a listing must not pass for a whole one
            raise failures.said("store.io_error", store, asked["Prefix"], "a listing that breaks off")
