"""The audit of replicas against one-pass SHA-256 of the same bytes and against bagit-python's validation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import bagit

from bench import other
from bench.corpora import Corpus
from bench.measure import Case, Side
from bench.sites import BenchSite

ONE_PASS = 0.85
VALIDATE = {"small": 8.0, "medium": 1.5, "large": 1.5}
RECORDS = {"small": 200, "medium": 20, "large": 2}


class AuditedSite:
    """A site whose replicas hold the corpus in some records; made when first needed, used by several cases."""

    def __init__(self, corpus: Corpus, folder: Path, records: int) -> None:
        self.corpus = corpus
        self.folder = folder
        self.records = records
        self._made: BenchSite | None = None

    @property
    def site(self) -> BenchSite:
        """The site itself."""
        if self._made is None:
            self._made = BenchSite(self.folder)
            paths = self.corpus.paths()
            for part in _parts(paths, self.records):
                self._made.deposit(part, one_record=self.records < len(paths), in_place=True)
            self._made.read_back()
        return self._made

    def objects(self, replica: str) -> list[Path]:
        """Every object of one replica, in the order of the keys."""
        store = self.site.archive.replicas.store(replica)
        root = self.folder / "replicas" / replica
        return [root / stat.key for stat in store.list()]

    def close(self) -> None:
        """Remove it."""
        if self._made is not None:
            self._made.close()
            self._made = None


def _parts(paths: Sequence[Path], parts: int) -> Iterator[Sequence[Path]]:
    if parts >= len(paths):
        yield paths
        return
    size = -(-len(paths) // parts)
    for start in range(0, len(paths), size):
        yield paths[start : start + size]


def cases(corpus: Corpus, work: Path) -> Iterator[Case]:
    """Cases of one corpus; the site is removed after the last."""
    records = min(RECORDS[corpus.name], corpus.files)
    for count, label, floor in ((records, f"{records} records", ONE_PASS), (corpus.files, "every file a record", None)):
        if count == records and label.startswith("every"):
            continue
        held = AuditedSite(corpus, work / "audited", count)
        try:
            yield _against_one_pass(held, label, floor)
            if count == records:
                yield _against_bagit(held, work / "bag")
        finally:
            held.close()


def _against_one_pass(held: AuditedSite, label: str, floor: float | None) -> Case:
    objects: list[Path] = []

    def prepare() -> None:
        objects[:] = held.objects("a")

    return Case(
        f"audit of a replica, {label}, against one-pass SHA-256",
        held.corpus.label,
        "MB/s",
        held.corpus.size / 1e6,
        Side(lambda: held.site.read_back(replicas=["a"]), prepare),
        Side(lambda: other.sha256_of(objects), prepare),
        floor,
    )


def _against_bagit(held: AuditedSite, bag: Path) -> Case:
    def prepare() -> None:
        if not bag.exists():
            other.linked_copy(held.corpus.root, bag)
            bagit.make_bag(str(bag), processes=2, checksums=["sha256", "sha512"])

    case = Case(
        "audit of a replica against bagit validate",
        held.corpus.label,
        "MB/s",
        held.corpus.size / 1e6,
        Side(lambda: held.site.read_back(replicas=["a"]), lambda: held.site),
        Side(lambda: other.validate(bag), prepare, lambda: None),
        VALIDATE.get(held.corpus.name),
    )
    shutil.rmtree(bag, ignore_errors=True)
    return case
