"""The engine on a cluster: Elasticsearch 9, any number of readers and writers on any machines.

The same documents and conditions as the embedded engine (``elastic_mapping``, ``elastic_query``), with the server's own
means: exact totals, facets in the same request, ``search_after`` to any depth. A list by score is read at a point in time
from its second page on, because scores change when the server merges; the other orders sort by keys that do not.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from metadata.errors import Unavailable
from search.engines import elastic_faults as faults
from search.engines import elastic_paging as paging
from search.engines import elastic_query as dsl
from search.engines.base import (
    Counts,
    Hit,
    Hits,
    IndexDocument,
    PermissionFilter,
    Refused,
    Sort,
    is_ranked,
)
from search.engines.elastic_bulk import Bulk, Line
from search.engines.elastic_mapping import document
from search.engines.elastic_paging import Place
from search.query import Query

VERSION_BITS = 20
"""Versions are milliseconds of the database's clock with so many bits below, in which commits are counted."""

_JSON = "application/vnd.elasticsearch+json; compatible-with=9"
_HEADERS = {"accept": _JSON, "content-type": _JSON}
_WANTED = "hits.total.value,hits.hits.sort,hits.hits.fields,hits.hits._score,aggregations,_shards.failed,timed_out"
_MOMENT = "3m"  # how long a point in time waits for the next page
_AGAIN = 9_000  # hits that are read again to find a place; the server gives 10,000 at once
_LAST_DOC = 1 << 62  # after every hit of equal sort values


@dataclass(frozen=True, slots=True)
class Reached:
    """A cluster that can be asked: ``reading`` gives up after ``search.seconds``, ``writing`` waits longer."""

    reading: Elasticsearch
    writing: Elasticsearch
    refresh: str
    patience: float


class ElasticEngine:
    """One index: read behind the alias ``target``, also after a swap; written behind ``own``, its own alias, so that a
    late writer never meets the next generation. ``filling``: it is made anew and nobody reads it yet."""

    def __init__(
        self, cluster: Reached, target: str, own: str, generation: str, *, shards: int = 1, filling: bool = False
    ) -> None:
        self.generation = generation
        self._cluster = cluster
        self._target = target
        self._own = own
        self._shards = shards
        self._filling = filling
        self._version = 0
        refresh = "false" if filling or cluster.refresh == "true" else cluster.refresh
        patience = cluster.patience * (20 if filling else 1)
        self._bulk = Bulk(cluster.writing, own, refresh, patience, outlasts=filling)

    # --- writing ------------------------------------------------------------------------------------------------------

    def apply(
        self, upserts: Sequence[IndexDocument], deletes: Sequence[str], *, version: int | None = None
    ) -> Sequence[Refused]:
        """See ``Engine.apply``. Without a version, the clock's."""
        written = {entry.id: entry for entry in upserts}  # the last of an id wins, should a batch hold two
        gone = [Line(one, None) for one in dict.fromkeys(deletes) if one not in written]
        lines = itertools.chain(gone, (Line(entry.id, document(entry)) for entry in written.values()))
        self._version = version or max(self._version + 1, time.time_ns() // 1_000_000 << VERSION_BITS)
        refused = self._bulk.write(lines, self._version)
        if (gone or written) and not self._filling and self._cluster.refresh == "true":
            self._show()
        return refused

    def _show(self) -> None:
        with faults.told():
            self._cluster.writing.indices.refresh(index=self._own)

    # --- reading ------------------------------------------------------------------------------------------------------

    def search(
        self,
        query: Query,
        permission: PermissionFilter,
        *,
        limit: int,
        after: str | None = None,
        sort: Sort = "relevance",
        filters: Mapping[str, Sequence[str]] | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """See ``Engine.search``."""
        place = paging.read(after, sort) if after is not None else None
        permitted = dsl.permitted(permission)
        if permitted is None:
            return Hits(0, (), None, dict.fromkeys(facets, ()))
        ranked = sort == "relevance" and limit > 0 and is_ranked(query)
        asked = self._asked(query, permitted, filters or {}, facets, ranked=ranked)
        asked |= {"size": limit + 1 if limit > 0 else 0, "sort": dsl.order_of(sort, ranked=ranked)}
        if ranked and place is not None:
            return self._ranked_page(asked, place, limit, facets)
        if place is not None:
            asked["search_after"] = _fitting(place, ranked=False)
        return _page(self._ask(asked, ranked=ranked), place or Place(sort, ()), limit, facets)

    def _asked(
        self,
        query: Query,
        permitted: dsl.Dsl,
        filters: Mapping[str, Sequence[str]],
        facets: Sequence[str],
        *,
        ranked: bool,
    ) -> dsl.Dsl:
        """Filters of attributes that are counted stand outside the query, so that each count can leave its own out."""
        narrowed = dsl.narrowing(filters)
        outside = {name: condition for name, condition in narrowed.items() if name in facets}
        inside = {name: condition for name, condition in narrowed.items() if name not in facets}
        made: dsl.Dsl = {
            "query": dsl.body(query, permitted, inside, ranked=ranked),
            "track_total_hits": True,
            "stored_fields": "_none_",
            "docvalue_fields": ["key", "kind"],
        }
        if outside:
            made["post_filter"] = {"bool": {"filter": list(outside.values())}}
        if facets:
            made["aggs"] = dsl.counting(facets, outside, self._shards)
        return made

    def _ranked_page(self, asked: dsl.Dsl, place: Place, limit: int, facets: Sequence[str]) -> Hits:
        """A later page by score, at the point in time that the place names.

        Where there is none yet, or it is over, a new one is begun; what was shown is read again there, as far as that
        goes, so that the page begins after the last hit shown even when scores have moved.
        """
        after = _fitting(place, ranked=True)
        if place.moment:
            try:
                found = self._ask(asked | {"search_after": after, "pit": _pit(place.moment)}, ranked=True)
            except NotFoundError:
                pass  # it is over
            except BadRequestError as error:
                raise paging.bad() from error
            else:
                return self._kept(_page(found, place, limit, facets), place.moment)
        moment = self._begin()
        place = Place(place.sort, place.values, place.passed, moment)
        if place.passed + limit >= _AGAIN:
            found = self._ask(asked | {"search_after": after, "pit": _pit(moment)}, ranked=True)
            return self._kept(_page(found, place, limit, facets), moment)
        found = self._ask(asked | {"size": place.passed + limit + 1, "pit": _pit(moment)}, ranked=True)
        hits = found["hits"].get("hits", [])
        keys = [one["sort"][1] for one in hits]
        last = keys.index(after[1]) + 1 if after[1] in keys else place.passed
        found["hits"]["hits"] = hits[last : last + limit + 1]
        return self._kept(_page(found, place, limit, facets), moment)

    def _kept(self, page: Hits, moment: str) -> Hits:
        """The page; a point in time that no page follows on is given back."""
        if page.next is None:
            with faults.told():
                self._cluster.reading.options(ignore_status=404).close_point_in_time(id=moment)
        return page

    def _begin(self) -> str:
        with faults.told():
            return str(self._cluster.reading.open_point_in_time(index=self._target, keep_alive=_MOMENT)["id"])

    def _ask(self, asked: dsl.Dsl, *, ranked: bool = False) -> dict[str, Any]:
        """The server's answer, whole or not at all. ``NotFoundError`` and ``BadRequestError`` at a point in time."""
        at_moment = "pit" in asked
        path = "/_search" if at_moment else f"/{self._target}/_search"
        path += f"?filter_path={_WANTED}&allow_partial_search_results=false"
        if ranked and self._shards > 1:
            path += "&search_type=dfs_query_then_fetch"  # one measure of rarity for all shards
        packed = json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")
        try:
            with faults.told():
                answer = self._cluster.reading.perform_request("POST", path, headers=_HEADERS, body=packed)
        except Unavailable as error:
            if at_moment and isinstance(error.__cause__, NotFoundError | BadRequestError):
                raise error.__cause__ from None
            raise
        found: dict[str, Any] = answer.body
        if found.get("timed_out") or found.get("_shards", {}).get("failed"):
            raise faults.incomplete()
        return found

    def words(self, prefixes: Sequence[str], permission: PermissionFilter, *, limit: int) -> Counts:
        """See ``Engine.words``."""
        permitted = dsl.permitted(permission)
        begins = list(dict.fromkeys(prefixes))
        if permitted is None or not begins:
            return ()
        found = self._ask(dsl.near(begins, permitted, limit=limit, shards=self._shards))
        counts = [(str(one["key"]), int(one["doc_count"])) for one in found["aggregations"]["words"]["buckets"]]
        return tuple(sorted(counts, key=lambda one: (-one[1], one[0]))[:limit])

    def count(self) -> int:
        """See ``Engine.count``."""
        if self._filling:
            self._show()
        with faults.told():
            return int(self._cluster.reading.count(index=self._target)["count"])

    def ids(self) -> Iterable[str]:
        """See ``Engine.ids``."""
        after: list[Any] = []
        moment = self._begin()
        asked: dsl.Dsl = {
            "size": _AGAIN,
            "query": dsl.EVERYTHING,
            "sort": [{"_shard_doc": "asc"}],
            "track_total_hits": False,
            "stored_fields": "_none_",
            "docvalue_fields": ["key"],
        }
        while True:
            try:
                found = self._ask(asked | {"pit": _pit(moment)} | ({"search_after": after} if after else {}))
            except ApiError as error:
                raise faults.fault(error) from error
            hits = found.get("hits", {}).get("hits", [])
            if not hits:
                break
            yield from (str(one["fields"]["key"][0]) for one in hits)
            after = hits[-1]["sort"]
        with faults.told():
            self._cluster.reading.options(ignore_status=404).close_point_in_time(id=moment)

    def refresh(self) -> None:
        """Nothing to do: what others have committed is shown by the server."""

    def close(self) -> None:
        """Nothing to let go of: connections belong to the home."""


def _pit(moment: str) -> dsl.Dsl:
    return {"id": moment, "keep_alive": _MOMENT}


def _fitting(place: Place, *, ranked: bool) -> list[Any]:
    """The values of the place, when they are those of the order asked for."""
    if len(place.values) != (2 if ranked else 1):
        raise paging.bad()
    return [*place.values, _LAST_DOC] if ranked else list(place.values)


def _page(found: Mapping[str, Any], place: Place, limit: int, facets: Sequence[str]) -> Hits:
    """An answer as a page; ``place`` is what it follows on."""
    rows = found["hits"].get("hits", [])
    hits = tuple(_hit(row, place.passed + n) for n, row in enumerate(rows[:limit]))
    following = None
    if limit > 0 and len(rows) > limit:
        values = rows[limit - 1]["sort"]
        kept = values[:2] if len(values) > 1 else values
        following = Place(place.sort, tuple(kept), place.passed + limit, place.moment).text()
    counts = found.get("aggregations", {})
    total = int(found["hits"]["total"]["value"])
    return Hits(total, hits, following, {name: dsl.counted(counts[name]) for name in facets})


def _hit(row: Mapping[str, Any], number: int) -> Hit:
    fields, values = row["fields"], row["sort"]
    score = 1.0 if len(values) < 2 else float(values[0])
    place = values[1] if len(values) > 1 else values[0]
    return Hit(str(fields["key"][0]), score, place if isinstance(place, int) else number, str(fields["kind"][0]))
