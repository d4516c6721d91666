"""Custody: from a source folder to accession on two synced replicas, read back in full, against bagit-python."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bench import other
from bench.corpora import Corpus
from bench.measure import Case, Side
from bench.sites import BenchSite

IN_PLACE = {"small": 3.0, "medium": 1.2, "large": 1.2}
QUARANTINE = {"small": 2.0, "medium": 0.9, "large": 0.9}


def cases(corpora: list[Corpus], work: Path) -> Iterator[Case]:
    """Every way of taking each corpus in."""
    for corpus in corpora:
        yield _case(corpus, work, "custody, one record, in place", in_place=True, floor=IN_PLACE.get(corpus.name))
        yield _case(corpus, work, "custody, one record, quarantine", floor=QUARANTINE.get(corpus.name))
        yield _case(corpus, work, "custody, one record, in place, with all checks", in_place=True, checks=True)
        yield _case(corpus, work, "custody, every file a record, in place", in_place=True, one_record=False)


def household_cases(corpus: Corpus, work: Path) -> Iterator[Case]:
    """Household files by their deposit list: hundreds of records, all checks included and not."""
    yield _case(corpus, work, "custody, deposit list, quarantine", one_record=False)
    yield _case(corpus, work, "custody, deposit list, quarantine, with all checks", one_record=False, checks=True)


def _case(
    corpus: Corpus,
    work: Path,
    name: str,
    *,
    in_place: bool = False,
    one_record: bool = True,
    checks: bool = False,
    floor: float | None = None,
) -> Case:
    held: list[BenchSite] = []

    def prepare() -> None:
        held.append(BenchSite(work / "site", checks=checks))
        if checks:
            held[-1].context.pool  # noqa: B018 - a worker's processes stand before a deposit comes

    def ours() -> None:
        paths = [corpus.root] if corpus.name == "household" else sorted(corpus.root.iterdir())
        held[-1].deposit(paths, one_record=one_record, in_place=in_place)
        held[-1].read_back(everything=False)

    bag, replicas = work / "bag", [work / "copy-a", work / "copy-b"]

    def clean_other() -> None:
        for folder in (bag, *replicas):
            shutil.rmtree(folder, ignore_errors=True)

    def prepare_other() -> None:
        clean_other()
        other.linked_copy(corpus.root, bag)

    many = corpus.size / corpus.files < 1 << 20
    return Case(
        name,
        corpus.label,
        "files/s" if many else "MB/s",
        corpus.files if many else corpus.size / 1e6,
        Side(ours, prepare, lambda: held.pop().close()),
        Side(
            lambda: other.custody(bag, replicas),
            prepare_other,
            clean_other,
        ),
        floor,
    )
