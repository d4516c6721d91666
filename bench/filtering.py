"""What the permission filter adds to a search at the size of a county, over the index of ``bench.search``."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measure import Result
from bench.search import BLIND, COUNTY, building, names_of, pieces
from search.engines.base import PermissionFilter, Scope
from search.engines.embedded import TantivyEngine
from search.query import Names, parse

ADDED = round(1 / 1.15, 3)
"""Unfiltered / filtered: the filter adds at most 15 %."""
_LEVELS = ("open", "internal", "restricted")
_EVERYTHING = PermissionFilter((Scope(("",), _LEVELS),))
_COMMON = ("低保", "申请", "调查", "收入证明", "县民政局", "情况", "医疗", "家庭", "公示", "核对")


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """Names, common words and words cut at random, for who reads the county, 30 townships, one."""
    count = 50_000 if quick else 1_000_000
    root, label = folder / f"search-{count}", f"county ({count:,} records)"
    yield from building(root, count, label)
    engine = TantivyEngine(root / "index")
    asked = {
        "names": names_of(random.Random(5), count, 200),
        "common words": list(_COMMON) * 5,
        "words cut at random": pieces(root, count, 150, (2, 3, 4), 7),
    }
    try:
        for kind, texts in asked.items():
            for who, permission in _readers().items():
                yield _added(engine, label, f"{kind}, {who}", texts, permission)
    finally:
        engine.close()


def _readers() -> dict[str, PermissionFilter]:
    towns = tuple(f"{COUNTY}{100 + number:03d}" for number in range(60))
    return {
        "the county": PermissionFilter((Scope((COUNTY,), _LEVELS),)),
        "30 townships": PermissionFilter((Scope(towns[::2], _LEVELS),)),
        "a township": PermissionFilter((Scope(towns[:1], _LEVELS),)),
    }


def _added(engine: TantivyEngine, label: str, name: str, texts: Sequence[str], permission: PermissionFilter) -> Result:
    """Mean milliseconds of processor time of a query with the filter, and with one that lets everything through."""
    known, spent = Names(), {True: list[float](), False: list[float]()}
    for text in (*texts[:5], *texts):
        for filtered in (True, False):
            query, began = parse(text, BLIND, known), time.process_time()
            engine.search(query, permission if filtered else _EVERYTHING, limit=20)
            spent[filtered].append((time.process_time() - began) * 1000)
    ours, other = (statistics.mean(spent[filtered][5:]) for filtered in (True, False))
    sys.stderr.write(f"   {name}: {ours:.2f} ms, without {other:.2f} ms\n")
    return Result(f"search with filter: {name}", label, ours, other, "ms", other / ours, ADDED)
