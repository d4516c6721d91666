"""Looking into files: CPU of all checks against the least anybody must do, and one process against two.

The least is to identify every file once by both tools and to decode every page and frame once with the same libraries at
the same size, in one process, with nothing kept. CPU time is compared, of the processes that do the work.
"""

from __future__ import annotations

import importlib
import os
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from bench import corpora
from bench.measure import Result
from ingest.inspect import FUNCTION, Look
from ingest.limits import IngestLimits
from ingest.media.medium import Bounds
from ingest.pool import CheckPool

COST = round(1 / 1.3, 3)
TWO = 1.6
_CHECKS = frozenset({"readability", "quality", "text"})
_BATCH = 64
_PICTURES = {".jpg", ".tif", ".png"}


def costs(corpus: corpora.Corpus, rounds: int) -> Iterator[Result]:
    """CPU a file, of the least work and of all checks; ratio least / all."""
    looks = _looks(corpus)
    least = _Child("bench.looking", "decode_and_identify")
    ours = _Child("ingest.inspect", "inspect")
    try:
        for child in (least, ours):
            child.cpu(looks[: 2 * _BATCH])  # signatures and libraries are loaded, as a worker's are
        told = [(ours.cpu(looks), least.cpu(looks)) for _ in range(rounds)]
    finally:
        least.stop()
        ours.stop()
    mine, other = (1e3 * median(one[side] for one in told) / len(looks) for side in (0, 1))
    ratio = median(one[1] / one[0] for one in told)
    yield Result("CPU of all checks against decode + identify", corpus.label, mine, other, "ms/file", ratio, COST)


def two(corpus: corpora.Corpus, rounds: int) -> Iterator[Result]:
    """Wall time of one check process and of two, each with a pool of its own; ratio one / two."""
    looks = _looks(corpus)
    pools = [CheckPool(1, memory_bytes=4 << 30, seconds=60, batch=_BATCH) for _ in range(2)]
    try:
        for pool in pools:
            _drain([(pool, looks[:_BATCH])])
        half = [looks[0::2], looks[1::2]]
        told = [(_drain([(pools[0], looks)]), _drain(list(zip(pools, half, strict=True)))) for _ in range(rounds)]
    finally:
        for pool in pools:
            pool.close()
    one, both = (median(pair[side] for pair in told) for side in (0, 1))
    name = "two processes of one check process each against one"
    yield Result(name, corpus.label, len(looks) / both, len(looks) / one, "files/s", one / both, TWO)


def decode_and_identify(looks: Sequence[Look]) -> None:
    """Identify every file once and decode every page and frame of it once."""
    from ingest.identify import identify

    identify([one.path for one in looks])
    for one in looks:
        path = os.fsdecode(one.path)
        if path.endswith(".pdf"):
            _render(path)
        elif Path(path).suffix in _PICTURES:
            _load(path)


def _render(path: str) -> None:
    import pypdfium2

    from ingest.media.pdf import LONG_SIDE

    document = pypdfium2.PdfDocument(path)
    for number in range(len(document)):
        page = document[number]
        page.render(scale=LONG_SIDE / max(page.get_size()), grayscale=True).close()
        page.close()
    document.close()


def _load(path: str) -> None:
    from PIL import Image

    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()


def _looks(corpus: corpora.Corpus) -> list[Look]:
    bounds = Bounds.of(IngestLimits())
    return [
        Look(os.fsencode(path), str(path.relative_to(corpus.root)), path.stat().st_size, bounds, _CHECKS)
        for path in corpus.paths()
    ]


def _drain(work: list[tuple[CheckPool, list[Look]]]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(len(work)) as threads:
        for done in [threads.submit(lambda one: list(one[0].map(FUNCTION, one[1])), one) for one in work]:
            done.result()
    return time.perf_counter() - started


class _Child:
    """A process that runs one function over batches and tells the CPU it took."""

    def __init__(self, module: str, name: str) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, module, name), daemon=True)
        self._process.start()

    def cpu(self, looks: list[Look]) -> float:
        """Seconds of CPU, user and system, for all of ``looks``."""
        self._ours.send(looks)
        return float(self._ours.recv())

    def stop(self) -> None:
        """End the process."""
        self._ours.send(None)
        self._process.join()


def _serve(connection: Connection, module: str, name: str) -> None:
    work: Any = getattr(importlib.import_module(module), name)
    while (looks := connection.recv()) is not None:
        before = resource.getrusage(resource.RUSAGE_SELF)
        for start in range(0, len(looks), _BATCH):
            work(looks[start : start + _BATCH])
        after = resource.getrusage(resource.RUSAGE_SELF)
        connection.send(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
