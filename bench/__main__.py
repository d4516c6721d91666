"""``python -m bench [--quick] [--only TEXT] [--rounds N]``: a JSON line a case, then a table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    audits,
    corpora,
    costs,
    custody,
    elastic,
    filtering,
    gate,
    looking,
    opening,
    pages,
    postgres,
    register,
    s3,
    search,
    viewer,
)
from bench.measure import Case, Result, run, table
from lantai import collecting

SMALL, MEDIUM, LARGE = 8 * corpora.KIB, 5 * corpora.MIB, corpora.GIB


def main() -> None:
    """Run what was asked for; results on standard output, rounds on standard error."""
    collecting.seldom()  # as every command of the program
    given = _arguments()
    if given.one_file is not None:
        sys.stdout.write(f"{costs.take_one_file_in(given.one_file, given.work)}\n")
        return
    if given.one_deposit is not None:
        sys.stdout.write(json.dumps(opening.take_one_deposit_in(given.one_deposit, given.work)) + "\n")
        return
    folder: Path = given.folder
    work = Path(tempfile.mkdtemp(prefix="work-", dir=_made(folder)))
    results: list[Result] = []
    try:
        for result in _results(folder, work, quick=given.quick, rounds=given.rounds, only=given.only):
            sys.stdout.write(result.line() + "\n")
            sys.stdout.flush()
            results.append(result)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.stdout.write(f"\n{_machine()}\n\n{table(results)}\n")


def _results(folder: Path, work: Path, *, quick: bool, rounds: int, only: str) -> Iterator[Result]:
    alone = {  # needs none of the corpora
        "search": search.results,
        "search filter": filtering.results,
        "elasticsearch": elastic.results,
        "gate": gate.results,
        "use register": register.results,
        "viewer": viewer.results,
        "pages": pages.results,
        "s3": s3.results,
        "postgres": postgres.results,
    }
    if only in alone:
        yield from alone[only](folder, quick=quick)
        return
    for case in _cases(folder, work, quick=quick):
        if only in case.name + case.corpus:
            yield run(case, rounds)
    if only in "peak memory":
        yield costs.memory(folder, work, 100 * corpora.MIB, corpora.GIB if quick else 10 * corpora.GIB)
    if only in "opening what is large":
        yield from opening.results(folder, work, quick=quick)
    if only in "looking into files":
        corpus = corpora.household(folder, 10 if quick else 200)
        yield from looking.costs(corpus, rounds)
        yield from looking.two(corpus, rounds)
    if not only:
        for results in alone.values():
            yield from results(folder, quick=quick)
    if only in "cost per file":
        yield from costs.growth(folder, work, 500 if quick else 1_000, 5_000 if quick else 100_000)


def _cases(folder: Path, work: Path, *, quick: bool) -> Iterator[Case]:
    chosen = [
        corpora.made(folder, "small", 2_000 if quick else 10_000, SMALL),
        corpora.made(folder, "medium", 20 if quick else 200, MEDIUM),
        corpora.made(folder, "large", 1 if quick else 2, LARGE // 4 if quick else LARGE),
    ]
    yield from custody.cases(chosen, work)
    to_read = [  # enough to read for a measure
        corpora.made(folder, "small", 20_000 if quick else 40_000, SMALL),
        corpora.made(folder, "medium", 100 if quick else 200, MEDIUM),
        chosen[2],
    ]
    for corpus in to_read:
        yield from audits.cases(corpus, work)
    household = corpora.household(folder, 10 if quick else 200)
    yield from custody.household_cases(household, work)
    yield from costs.identification(household, work)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small corpora, under ten minutes")
    parser.add_argument("--only", default="", help="cases whose name or corpus contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="where corpora are kept")
    parser.add_argument("--one-file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one-deposit", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _machine() -> str:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration), Path("/proc/cpuinfo").open() as lines:
        name = next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    today = datetime.now(UTC).date().isoformat()
    return f"{today}, {os.cpu_count()} cores, {name}, {platform.system()} {platform.release()}, Python {sys.version.split()[0]}"


if __name__ == "__main__":
    main()
