"""Opening what is large: memory of worker and check process, and when the first finding can be read.

A ZIP of many files and a scan of many pages are taken in with all checks by a process of its own, once small and once ten
times as large. Memory must not grow with either, and the first fault must be told long before the last file is read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import psutil
from sqlalchemy import func, select

from bench.measure import Result
from bench.sites import BenchSite
from lantai.sample import pictures
from lantai.sample.county import chance
from repository.tables import Finding

FLAT = 0.833
EARLY = 0.5
_LOOK_SECONDS = 0.05


def results(folder: Path, work: Path, *, quick: bool) -> Iterator[Result]:
    """Peak memory at two sizes (ratio small / large), and the part of the time before the first finding."""
    files = 1_000 if quick else 10_000
    yield from _pair("ZIP of small files", [_zip(folder, files // 10), _zip(folder, files)], work, f"{files:,} files")
    pages = 60 if quick else 300
    yield from _pair("scan in one TIFF", [_scan(folder, pages // 10), _scan(folder, pages)], work, f"{pages} pages")


def _pair(name: str, paths: list[Path], work: Path, size: str) -> Iterator[Result]:
    small, large = (_measured(path, work / "opening") for path in paths)
    growth = small["peak"] / large["peak"]
    yield Result(f"peak memory, {name}", f"a tenth of, and {size}", large["peak"], small["peak"], "MiB", growth, FLAT)
    if large["first"] is not None:
        told = f"{name}: part of the time before the first finding"
        yield Result(told, size, large["first"], None, "of 1", None, EARLY)


def _measured(path: Path, work: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench", "--one-deposit", str(path), "--work", str(work)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def take_one_deposit_in(path: Path, work: Path) -> dict[str, float | None]:
    """Take ``path`` in with all checks: peak MiB of this process and its children together, part before a finding."""
    site = BenchSite(work, checks=True)
    watch = _Watch(site)
    try:
        watch.start()
        started = time.perf_counter()
        site.deposit([path], one_record=False, in_place=False)
        took = time.perf_counter() - started
        watch.stop()
        first = None if watch.first is None else round((watch.first - started) / took, 3)
        return {"peak": round(watch.peak / (1 << 20), 1), "first": first, "seconds": round(took, 2)}
    finally:
        site.close()


class _Watch(threading.Thread):
    """Looks at memory and findings while the deposit is taken in."""

    def __init__(self, site: BenchSite) -> None:
        super().__init__(daemon=True)
        self._site = site
        self._ended = threading.Event()
        self.peak = 0
        self.first: float | None = None

    def run(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(_LOOK_SECONDS):
            held = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    held += process.memory_info().rss
                except psutil.Error:  # it ended between the two looks
                    continue
            self.peak = max(self.peak, held)
            if self.first is None and self._told():
                self.first = time.perf_counter()

    def _told(self) -> bool:
        with self._site.archive.reading() as session:
            return bool(session.scalar(select(func.count()).select_from(Finding).where(Finding.path.is_not(None))))

    def stop(self) -> None:
        """End the looking."""
        self._ended.set()
        self.join()


def _zip(folder: Path, files: int) -> Path:
    """Small texts in folders of their own; the third holds a telephone number, which is a notice."""
    path = folder / f"opening-{files}.zip"
    if not path.exists():
        rng = Random(files)
        with zipfile.ZipFile(path.with_suffix(".part"), "w", zipfile.ZIP_DEFLATED) as out:
            for number in range(files):
                words = "".join(rng.choices("低保申请收入证明入户调查审批停发通知", k=600))
                out.writestr(f"{number:05d}/材料.txt", ("电话 13800138000 " if number == 2 else "") + words)
        path.with_suffix(".part").rename(path)
    return path


def _scan(folder: Path, pages: int) -> Path:
    path = folder / f"opening-{pages}.tif"
    if not path.exists():
        rng = chance("bench", pages)
        sheet = pictures.Sheet(
            "入户调查表", (("户主", "张伟"),), ("家庭情况如下。",), "测试局", pictures.date(2024, 3, 5)
        )
        made = pictures.pages(sheet, islice(iter(lambda: ("家庭人口三人，无固定收入。",), None), pages - 1), rng)
        path.write_bytes(pictures.tiff(made))
    return path
