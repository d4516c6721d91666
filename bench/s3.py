"""Custody to and audit from one S3 replica, against bagit-python and boto3 file by file, on a SeaweedFS of its own.

The store's folder lies in memory where there is room: it makes nothing durable by itself, and on one disk our commits would
wait for its writing back of the rounds before, from either side.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bagit
import psutil
from pydantic import SecretStr

from bench import corpora, other
from bench.corpora import Corpus
from bench.measure import Case, Result, Side, run
from bench.sites import BenchSite
from lantai.replica_settings import ReplicaSettings
from tests.services.base import NotHere
from tests.services.seaweed import Seaweed

CUSTODY = {"small": 15.0, "medium": 1.6, "large": 1.1}
AUDIT = {"small": 15.0, "medium": 1.8, "large": 1.2}
CPU = 1 / 1.3


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """Every case; nothing where no SeaweedFS can be had."""
    for corpus in (
        corpora.made(folder, "small", 1_000 if quick else 2_000, 8 * corpora.KIB),
        corpora.made(folder, "medium", 20 if quick else 100, 5 * corpora.MIB),
        corpora.made(folder, "large", 1, corpora.GIB // (4 if quick else 1)),
    ):
        try:
            weed = Seaweed(_in_memory(corpus), volume_megabytes=1024).start()
        except NotHere as error:
            sys.stderr.write(f"   s3: {error}\n")
            return
        work, bucket = folder / "s3-work", weed.make_bucket(versioned=False)
        try:
            yield from _of(corpus, work, weed, bucket, rounds=2 if quick else 3)
        finally:
            shutil.rmtree(work, ignore_errors=True)
            weed.close()
            shutil.rmtree(weed.folder, ignore_errors=True)


def _in_memory(corpus: Corpus) -> Path | None:
    """A folder in memory with room for every round of both sides; None where there is none."""
    memory = Path("/dev/shm")
    needed = 2 * corpora.GIB + 10 * corpus.size
    if not memory.is_dir() or min(shutil.disk_usage(memory).free, psutil.virtual_memory().available) < needed:
        return None
    return Path(tempfile.mkdtemp(prefix="lantai-bench-", dir=memory))


def _of(corpus: Corpus, work: Path, weed: Seaweed, bucket: str, *, rounds: int) -> Iterator[Result]:
    one = S3Corpus(corpus, work, weed, bucket)
    yield run(one.custody(), rounds)
    yield _cpu(one)
    yield run(one.audit(), rounds)
    one.close()


class S3Corpus:
    """One corpus taken in by both sides, each below prefixes of its own: a bucket takes whole volumes of the store."""

    def __init__(self, corpus: Corpus, work: Path, weed: Seaweed, bucket: str) -> None:
        self.corpus = corpus
        self.weed = weed
        self.work = work
        self.client = weed.client(weed.writer)
        self.bag = work / "bag"
        self.bucket = bucket
        self.prefix = ""
        self.site: BenchSite | None = None
        many = corpus.size / corpus.files < 1 << 20
        self.unit = "files/s" if many else "MB/s"
        self.amount = corpus.files if many else corpus.size / 1e6

    def prepare(self) -> None:
        """A new site with an empty prefix as its only replica."""
        self.close()
        who = self.weed.writer
        replica = ReplicaSettings(
            name="s",
            kind="s3",
            endpoint=self.weed.endpoint,
            bucket=self.bucket,
            prefix=f"ours-{secrets.token_hex(6)}",
            versioned=False,
            access_key=who.access_key,
            secret_key=SecretStr(who.secret_key),
        )
        self.site = BenchSite(self.work / "site", replicas=[replica])
        self.site.context.pool  # noqa: B018 - a worker's processes stand before a deposit comes

    def ours(self) -> None:
        """Custody by the pipeline: one record, sha256 and sha512, verified by the store."""
        assert self.site is not None
        self.site.deposit(sorted(self.corpus.root.iterdir()), one_record=True, in_place=True)

    def prepare_other(self) -> None:
        """The folder that bagit-python will take, and an empty prefix."""
        other.linked_copy(self.corpus.root, self.bag)
        self.prefix = f"theirs-{secrets.token_hex(6)}/"

    def theirs(self) -> None:
        """``make_bag``, then ``upload_file`` of every file."""
        bagit.make_bag(str(self.bag), processes=1, checksums=["sha256", "sha512"])
        for path in sorted(one for one in self.bag.rglob("*") if one.is_file()):
            self.client.upload_file(str(path), self.bucket, self.prefix + str(path.relative_to(self.bag)))

    def read_back(self) -> None:
        """Our audit of the replica."""
        assert self.site is not None
        self.site.read_back()

    def read_theirs(self) -> None:
        """Get every file with boto3 and hash it, one after another."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        for key in [one["Key"] for page in pages for one in page.get("Contents", ())]:
            hashing = hashlib.sha256()
            for chunk in self.client.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(1 << 20):
                hashing.update(chunk)

    def custody(self) -> Case:
        """Ours against theirs."""
        return Case(
            "custody to one S3 replica, against bagit-python and boto3 upload_file",
            self.corpus.label,
            self.unit,
            self.amount,
            Side(self.ours, self.prepare),
            Side(self.theirs, self.prepare_other),
            CUSTODY[self.corpus.name],
        )

    def audit(self) -> Case:
        """Audit of what the last rounds of custody left."""
        return Case(
            "audit from S3, against boto3 get_object and a hash, file by file",
            self.corpus.label,
            self.unit,
            self.amount,
            Side(self.read_back),
            Side(self.read_theirs),
            AUDIT[self.corpus.name],
        )

    def hash_twice_and_put(self) -> None:
        """The least that custody costs: both digests of every file, and its bytes sent with boto3's plain PUT."""
        for path in self.corpus.paths():
            first, second = hashlib.sha256(), hashlib.sha512()
            with path.open("rb") as source:
                while chunk := source.read(16 << 20):
                    first.update(chunk)
                    second.update(chunk)
                    _put_raw(self.weed, self.bucket, chunk)

    def close(self) -> None:
        """Remove the site."""
        if self.site is not None:
            self.site.close()
            self.site = None


def _put_raw(weed: Seaweed, bucket: str, body: bytes) -> None:
    import obstore
    from obstore.store import S3Store

    store: Any = _RAW.get((weed.endpoint, bucket))
    if store is None:
        store = _RAW[weed.endpoint, bucket] = S3Store(
            bucket,
            endpoint=weed.endpoint,
            region="us-east-1",
            access_key_id=weed.writer.access_key,
            secret_access_key=weed.writer.secret_key,
            unsigned_payload=True,
            client_options={"allow_http": True},
        )
    obstore.put(store, os.urandom(8).hex(), body, use_multipart=False)


_RAW: dict[tuple[str, str], Any] = {}


def _spent(work: Callable[[], object]) -> float:
    """CPU seconds of this process that ``work`` took; the server is another process."""
    before = os.times()
    work()
    after = os.times()
    return (after.user - before.user) + (after.system - before.system)


def _cpu(one: S3Corpus) -> Result:
    """CPU seconds a GB of ours against hashing twice and the raw client's PUT."""
    gigabytes = one.corpus.size / 1e9
    one.prepare()
    ours = _spent(one.ours) / gigabytes
    theirs = _spent(one.hash_twice_and_put) / gigabytes
    return Result(
        "CPU seconds a GB of custody to S3, against hashing twice and a raw PUT (ratio: theirs / ours)",
        one.corpus.label,
        ours,
        theirs,
        "CPU s/GB",
        theirs / ours,
        CPU if one.corpus.name != "small" else None,
    )
