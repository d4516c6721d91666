"""Costs that have no other side: format identification, peak memory, cost per file as a deposit grows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import corpora
from bench.measure import Case, Result, Side
from bench.sites import BenchSite

IDENTIFIED = 500.0
MEMORY = 1 / 1.2
GROWTH = 1 / 1.15


def identification(corpus: corpora.Corpus, work: Path) -> Iterator[Case]:
    """PUID and MIME of every file, by the standing pool of check processes."""
    paths = [os.fsencode(path) for path in corpus.paths()]
    site = BenchSite(work / "identification", checks=True)
    pool = site.context.pool

    def identify() -> None:
        for _ in pool.map("ingest.identify:identify", paths):
            pass

    try:
        for _ in pool.map("ingest.identify:identify", paths[:128]):
            pass  # the processes have started and loaded their signatures, as a worker's have
        yield Case(
            "format identification, both tools", corpus.label, "files/s", corpus.files, Side(identify), None, IDENTIFIED
        )
    finally:
        site.close()


def memory(folder: Path, work: Path, small: int, large: int) -> Result:
    """Peak memory of a process that takes one file in and audits it, at two sizes; ratio small / large."""
    peaks = []
    for size in (small, large):
        corpus = corpora.made(folder, f"one-{size}", 1, size)
        command = [sys.executable, "-m", "bench", "--one-file", str(corpus.paths()[0]), "--work", str(work / "memory")]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        peaks.append(int(told.stdout.split()[-1]) / 1024)
    name = f"{small >> 20} MiB against {large >> 20} MiB"
    return Result(
        "peak memory of the worker, one file", name, peaks[1], peaks[0], "MiB", peaks[0] / peaks[1], round(MEMORY, 3)
    )


def take_one_file_in(path: Path, work: Path) -> int:
    """Take ``path`` in with all checks and audit it; this process's peak memory in KiB."""
    site = BenchSite(work, checks=True)
    try:
        site.deposit([path], one_record=True, in_place=True)
        site.read_back()
        return _peak()
    finally:
        site.close()


def _peak() -> int:
    """Peak resident memory in KiB since this program began; ``ru_maxrss`` would count the process it came from."""
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def growth(folder: Path, work: Path, few: int, many: int) -> Iterator[Result]:
    """Cost per file, every file a record, as the number of files grows a hundredfold; ratio few / many."""
    costs = []
    for count in (few, many):
        corpus = corpora.made(folder, "tiny", count, 2 << 10)
        seconds = []
        for _ in range(3 if count == few else 1):
            site = BenchSite(work / "growth")
            try:
                started = time.perf_counter()
                site.deposit(sorted(corpus.root.iterdir()), one_record=False, in_place=True)
                seconds.append(time.perf_counter() - started)
            finally:
                site.close()
        costs.append(1e3 * sorted(seconds)[len(seconds) // 2] / count)
    label = f"tiny (2 KiB), {few:,} against {many:,} files"
    yield Result(
        "cost per file, every file a record",
        label,
        costs[1],
        costs[0],
        "ms/file",
        costs[0] / costs[1],
        round(GROWTH, 3),
    )
