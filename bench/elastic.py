"""The engine on a cluster against the same asked of the server directly: the same bodies, the same documents.

A server of its own is started for it. Both sides take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, helpers

from bench import search
from bench.measure import Result
from metadata.identifiers import new_id
from search.cluster import ClusterHome, Reach
from search.engines import elastic_mapping, elastic_query
from search.engines.base import FACETS, IndexDocument, is_ranked
from search.engines.elastic import ElasticEngine
from search.home import new_generation
from search.query import Query, parse
from tests.services.elastic import Elastic

QUERY_RATIO = 1 / 1.3
BULK_RATIO = 0.8
_BATCH = 1_000


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """Writing, then searching, on one node."""
    del folder
    count = 4_000 if quick else 40_000
    server = Elastic(heap_megabytes=512, quick=False)
    server.start()
    try:
        entries = [search.entry(paper)[0] for paper in islice(search.papers(count), count)]
        label = f"county ({count:,} records)"
        home = ClusterHome(Reach((server.url,), "bench", "bench", replicas=0, seconds=120))
        client = Elasticsearch(server.url, request_timeout=120)
        yield _writing(home, client, entries, label, rounds=2 if quick else 3)
        generation = new_generation()
        engine = home.create(generation)
        _ours(engine, entries)
        home.point_to(generation)
        yield from _searching(home.open_live(), client, label, count, 40 if quick else 200)
        client.close()
        home.close()
    finally:
        server.close()


def _writing(
    home: ClusterHome, client: Elasticsearch, entries: list[IndexDocument], label: str, *, rounds: int
) -> Result:
    made = [(entry.id, json.loads(elastic_mapping.document(entry))) for entry in entries]
    spent: dict[str, list[float]] = {"ours": [], "raw": []}
    for number in range(rounds + 1):
        generation = new_generation()
        engine = home.create(generation)
        began = time.perf_counter()
        _ours(engine, entries)
        ours = time.perf_counter() - began
        home.drop(generation)
        name = f"raw-{new_id()}"
        client.indices.create(
            index=name, settings=elastic_mapping.settings(1), mappings=elastic_mapping.mappings("bench")
        )
        began = time.perf_counter()
        acts = ({"_index": name, "_id": one, "_source": source} for one, source in made)
        for ok, _ in helpers.parallel_bulk(client, acts):
            assert ok
        raw = time.perf_counter() - began
        client.indices.delete(index=name)
        sys.stderr.write(f"   ours {ours:.1f} s, raw {raw:.1f} s\n")
        if number:  # the first round warms the server
            spent["ours"].append(ours)
            spent["raw"].append(raw)
    ours, raw = (len(entries) / statistics.median(spent[side]) for side in ("ours", "raw"))
    return Result("elasticsearch: bulk indexing", label, ours, raw, "records/s", ours / raw, BULK_RATIO)


def _ours(engine: ElasticEngine, entries: list[IndexDocument]) -> None:
    for start in range(0, len(entries), _BATCH):
        engine.apply(entries[start : start + _BATCH], [])


def _searching(engine: ElasticEngine, client: Elasticsearch, label: str, count: int, wanted: int) -> Iterator[Result]:
    names = search.names_of(random.Random(5), count, min(wanted, count // 40))
    words = ["低保", "最低生活保障", "申请", "调查", "收入证明", "县民政局", "情况", "医疗", "家庭", "公示"] * (
        wanted // 10
    )
    for case, texts, facets in (
        ("names", names, False),
        ("common words", words, False),
        ("seven facets, common words", words, True),
    ):
        ours: list[float] = []
        raw: list[float] = []
        for text in (*texts[:10], *texts):
            query = parse(text, search.BLIND)
            body = _body(query, facets=facets)
            for side in random.sample((ours, raw), 2):
                began = time.perf_counter()
                if side is ours:
                    engine.search(query, search.PERMISSION, limit=20, facets=FACETS if facets else ())
                else:
                    client.search(index="bench", **body)
                side.append((time.perf_counter() - began) * 1000)
        mine, other = statistics.median(ours[10:]), statistics.median(raw[10:])
        yield Result(f"elasticsearch: {case}", label, mine, other, "ms (p50)", other / mine, QUERY_RATIO)


def _body(query: Query, *, facets: bool) -> dict[str, Any]:
    """The same as the engine asks, for the client's own ``search``."""
    permitted = elastic_query.permitted(search.PERMISSION)
    assert permitted is not None
    ranked = is_ranked(query)
    body: dict[str, Any] = {
        "query": elastic_query.body(query, permitted, {}, ranked=ranked),
        "sort": elastic_query.order_of("relevance", ranked=ranked),
        "size": 21,
        "track_total_hits": True,
        "stored_fields": "_none_",
        "docvalue_fields": ["key", "kind"],
    }
    if facets:
        body["aggs"] = elastic_query.counting(FACETS, {}, 1)
    return body
