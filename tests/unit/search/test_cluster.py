"""The index on a real cluster: versions, refusals, swaps, and what is said and lost (nothing) when it is away."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import Elasticsearch
from sqlalchemy import update

from access.accounts import Actor
from metadata.errors import Unavailable
from metadata.identifiers import new_id
from repository import outbox
from repository.archive import Archive
from repository.tables import Record
from search import analysis, refusals
from search.checking import compare
from search.cluster import ClusterHome, Reach
from search.engines import elastic_mapping, elastic_paging
from search.engines.base import IndexDocument, PermissionFilter, Scope
from search.home import LiveIndex, new_generation
from search.indexer import follow, lag, rebuild
from search.query import Query, parse
from search.service import search
from tests.services.elastic import Elastic

if TYPE_CHECKING:
    from tests.unit.search.conftest import Shelf

ALL = PermissionFilter((Scope(("",), ("open", "internal", "restricted")),))


@pytest.fixture
def reach(elastic: Elastic) -> Reach:
    return Reach((elastic.url,), f"t-{new_id()}", "our-holding", replicas=0, seconds=60)


@pytest.fixture
def home(reach: Reach) -> Iterator[ClusterHome]:
    made = ClusterHome(reach)
    yield made
    _remove(made, reach)


def _remove(home: ClusterHome, reach: Reach) -> None:
    client = Elasticsearch(list(reach.urls), request_timeout=60)
    for name in client.indices.get(index=f"{reach.index}*").body:
        client.indices.delete(index=name)
    client.close()
    home.close()


@pytest.fixture
def client(elastic: Elastic) -> Iterator[Elasticsearch]:
    made = Elasticsearch(elastic.url, request_timeout=60)
    yield made
    made.close()


def entry(entry_id: str, seq: int, text: str = "低保", **more: Any) -> IndexDocument:
    title, cut = analysis.analyse(analysis.fold("申请书")), analysis.analyse(analysis.fold(text))
    return IndexDocument(entry_id, seq, title, cut, (), "990101001002", "internal", (), **more)


def begin(home: ClusterHome) -> None:
    generation = new_generation()
    home.create(generation)
    home.point_to(generation)


def total(archive: Archive, home: ClusterHome, actor: Actor, text: str) -> int:
    return search(archive, home.open_live(), actor, text, reason="test").total


def code_of(do: Callable[[], object]) -> str:
    with pytest.raises(Unavailable) as caught:
        do()
    return caught.value.code


def test_a_late_writer_never_overwrites_what_is_newer(home: ClusterHome) -> None:
    begin(home)
    engine, late = home.open_live(), home.open_live()
    assert not engine.apply([entry("a", 1), entry("b", 2)], [], version=10)
    assert not engine.apply([entry("a", 1, year=2020)], ["b"], version=20)
    assert code_of(lambda: late.apply([entry("a", 1, year=1999), entry("c", 3)], [], version=19)) == "index.writer_busy"
    assert code_of(lambda: late.apply([entry("b", 2)], [], version=19)) == "index.writer_busy"
    assert code_of(lambda: late.apply([], ["a"], version=19)) == "index.writer_busy"
    hits = engine.search(Query(), ALL, limit=10, facets=("year",))
    assert "b" not in {hit.id for hit in hits.hits}
    assert hits.facets["year"] == (("2020", 1),)
    assert not engine.apply([entry("a", 1, year=2021)], [], version=20)  # repeating one's own turn is harmless
    hits = engine.search(Query(), ALL, limit=10, facets=("year",))
    assert {hit.id for hit in hits.hits} == {"a", "c"}
    assert hits.facets["year"] == (("2021", 1),)


def test_a_late_writer_never_meets_the_next_generation(home: ClusterHome, client: Elasticsearch, reach: Reach) -> None:
    begin(home)
    late = home.open_live()
    begin(home)
    home.sweep(abandoned_after=0.0)
    assert code_of(lambda: late.apply([entry("a", 1)], [], version=9)) == "index.writer_busy"
    assert list(client.indices.get(index=f"{reach.index}*").body) == [
        f"{reach.index}-{home.live_generation()}"
    ]  # none came into being by writing to it
    assert late.count() == 0  # a reader goes on with what is in use now


def test_an_entry_that_is_refused_stops_none_of_the_others(home: ClusterHome) -> None:
    begin(home)
    engine = home.open_live()
    batch = [entry(f"r{n}", n, year=10**12 if n == 300 else 2020) for n in range(600)]
    refused = engine.apply(batch, [])
    assert [(one.id, one.reason) for one in refused] == [("r300", "document_parsing_exception")]
    assert engine.count() == 599
    assert sorted(engine.ids()) == sorted(one.id for one in batch if one.id != "r300")


def test_what_is_refused_is_seen_and_tried_again(
    archive: Archive, shelf: Shelf, home: ClusterHome, console: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.record("题名一", ("a.txt", "甲"))
    odd = shelf.record("题名二", ("a.txt", "甲"), year=10**10)
    assert follow(archive, home, "test") == 1  # there was no index: it is made, without the odd one
    with archive.reading() as session:
        (told,) = refusals.listed(session)
        assert (told.id, told.kind, told.reason) == (odd, "record", "document_parsing_exception")
        assert outbox.lag(session) == 0
    assert follow(archive, home, "test") == 0  # not yet
    found = compare(archive, home.open_live())
    assert (found.missing_ids, found.extra_ids, found.agrees) == ([odd], [], False)
    with archive.sessions.begin() as session:
        session.execute(update(Record).where(Record.id == odd).values(year=2020))
    monkeypatch.setattr(refusals, "_AGAIN", refusals._AGAIN * 0)
    assert follow(archive, home, "test") == 1
    with archive.reading() as session:
        assert refusals.listed(session) == []
    assert total(archive, home, console, "题名") == 2
    assert compare(archive, home.open_live()).agrees
    home.open_live().apply([entry("nobody", 99)], [])
    assert compare(archive, home.open_live()).extra_ids == ["nobody"]


def test_the_index_is_made_anew_without_a_gap(
    archive: Archive, shelf: Shelf, home: ClusterHome, console: Actor
) -> None:
    for n in range(30):
        shelf.record(f"题名{n}", ("a.txt", "甲"))
    assert follow(archive, home, "test") == 30
    first = home.live_generation()
    live = LiveIndex(home)
    before = live.engine()
    stop = threading.Event()
    totals: set[int] = set()

    def look() -> None:
        while not stop.is_set():
            totals.add(home.open_live().search(Query(), ALL, limit=5).total)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(2):
        info = rebuild(archive, home)
    stop.set()
    reader.join()
    assert totals == {30}
    assert home.live_generation() == info.generation != first
    assert live.engine() is not before
    assert total(archive, home, console, "题名") == 30
    with archive.reading() as session:
        assert lag(session, home).documents == 30
    assert home.condition().state == "ok"


def test_only_what_is_ours_and_of_these_rules_is_used(
    archive: Archive, home: ClusterHome, reach: Reach, client: Elasticsearch, shelf: Shelf
) -> None:
    assert home.live_generation() is None
    assert code_of(home.check) == code_of(home.open_live) == "index.missing"
    begin(home)
    stranger = ClusterHome(dataclasses.replace(reach, holding_id="another"))
    assert code_of(stranger.check) == "index.other_holding"
    stranger.sweep(abandoned_after=0.0)
    generation = new_generation()
    stranger.create(generation)
    assert code_of(lambda: stranger.point_to(generation)) == "index.other_holding"
    stranger.drop(generation)
    stranger.close()
    name = f"{reach.index}-{home.live_generation()}"
    meta = client.indices.get_mapping(index=name).body[name]["mappings"]["_meta"]
    client.indices.put_mapping(index=name, meta={**meta, "format": "lantai-elastic/0"})
    assert code_of(home.check) == "index.outdated"
    shelf.record("题名", ("a.txt", "甲"))
    assert follow(archive, home, "test") == 1  # made anew
    client.indices.update_aliases(actions=[{"remove": {"index": f"{reach.index}-*", "alias": reach.index}}])
    client.indices.create(index=reach.index)
    assert code_of(home.check) == "index.name_taken"


def test_a_blocked_index_is_read_and_catches_up(
    archive: Archive, home: ClusterHome, reach: Reach, client: Elasticsearch, shelf: Shelf, console: Actor
) -> None:
    shelf.record("题名一", ("a.txt", "甲"))
    follow(archive, home, "test")
    client.indices.put_settings(index=reach.index, settings={"index.blocks.read_only_allow_delete": True})
    shelf.record("题名二", ("a.txt", "甲"))
    assert code_of(lambda: follow(archive, home, "test")) == "index.blocked"
    assert total(archive, home, console, "题名") == 1
    client.indices.put_settings(index=reach.index, settings={"index.blocks.read_only_allow_delete": None})
    assert follow(archive, home, "test") == 1
    assert total(archive, home, console, "题名") == 2


def test_a_cursor_outlives_its_point_in_time(home: ClusterHome, client: Elasticsearch) -> None:
    begin(home)
    engine = home.open_live()
    engine.apply([entry(f"r{n}", n, "低保档案" * (n % 4 + 1)) for n in range(40)], [])
    seen: list[str] = []
    after = None
    while True:
        page = engine.search(parse("低保档案", lambda one, purpose: purpose + one), ALL, limit=7, after=after)
        seen += [hit.id for hit in page.hits]
        after = page.next
        if after is None:
            break
        if len(seen) == 14:  # the second page has begun one: take it away
            client.close_point_in_time(id=elastic_paging.read(after, "relevance").moment)
    assert len(seen) == len(set(seen)) == 40


# --- a cluster of its own, that falls ill -----------------------------------------------------------------------------


def test_a_cluster_that_goes_away_and_comes_back_loses_nothing(
    archive: Archive, shelf: Shelf, console: Actor, own_elastic: Elastic
) -> None:
    reach = Reach((own_elastic.url,), "lantai", "our-holding", replicas=0, seconds=60)
    home = ClusterHome(reach)
    ids = [shelf.record(f"题名{n}", ("a.txt", "甲")) for n in range(12)]
    assert follow(archive, home, "test") == 12

    own_elastic.kill()
    assert code_of(lambda: home.open_live().search(Query(), ALL, limit=5)) == "index.unreachable"
    ids.append(shelf.record("题名新", ("a.txt", "甲")))  # what is taken in waits in the outbox
    assert code_of(lambda: follow(archive, home, "test")) == "index.unreachable"
    with archive.reading() as session:
        told = lag(session, home)
    assert (told.pending, told.documents) == (1, None)

    own_elastic.start()
    assert follow(archive, home, "test") == 1
    assert total(archive, home, console, "题名") == 13
    generation = home.live_generation()

    def stop(done: int, total: int | None = None) -> None:
        own_elastic.kill()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(archive, home, stop)
    own_elastic.start()
    assert home.live_generation() == generation
    assert total(archive, home, console, "题名") == 13

    # a server with too much to do is waited for
    client = Elasticsearch(own_elastic.url, request_timeout=60)
    client.cluster.put_settings(persistent={"network.breaker.inflight_requests.limit": "2kb"})
    shelf.change(ids[0], title="题名" + "长" * 900)
    timer = threading.Timer(
        2.0, lambda: client.cluster.put_settings(persistent={"network.breaker.inflight_requests.limit": None})
    )
    timer.start()
    assert follow(archive, home, "test") == 1
    timer.join()

    # a part that is not there is not passed over
    client.indices.create(
        index="lantai-g-nowhere",
        settings={"number_of_replicas": 0, "routing.allocation.require.nowhere": "1"},
        mappings=elastic_mapping.mappings(reach.holding_id),
        wait_for_active_shards="0",
    )
    client.indices.update_aliases(
        actions=[
            {"remove": {"index": f"lantai-{generation}", "alias": "lantai"}},
            {"add": {"index": "lantai-g-nowhere", "alias": "lantai"}},
        ]
    )
    assert code_of(lambda: home.open_live().search(Query(), ALL, limit=5)) == "index.incomplete"
    client.indices.delete(index="lantai-g-nowhere")
    assert code_of(home.check) == "index.missing"

    own_elastic.pause()
    began = time.monotonic()
    hasty = ClusterHome(dataclasses.replace(reach, seconds=0.5))
    assert code_of(hasty.check) == "index.slow"
    assert time.monotonic() - began < 30
    own_elastic.resume()
    rebuild(archive, home)
    assert compare(archive, home.open_live()).agrees
    client.close()


class _OldServer(BaseHTTPRequestHandler):
    """Answers as Elasticsearch 8 does to a client of 9."""

    def do_GET(self) -> None:
        body = json.dumps(
            {
                "error": {
                    "type": "media_type_header_exception",
                    "reason": "Invalid media-type value on headers [Accept]",
                    "caused_by": {"type": "status_exception", "reason": "Accept version must be either version 8 or 7"},
                },
                "status": 400,
            }
        ).encode()
        self.send_response(400)
        self.send_header("X-elastic-product", "Elasticsearch")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _NoElastic(_OldServer):
    """Something else that speaks HTTP."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.mark.parametrize("handler", [_OldServer, _NoElastic])
def test_a_server_of_another_kind_is_named(handler: type[BaseHTTPRequestHandler]) -> None:
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = ClusterHome(Reach((f"http://127.0.0.1:{server.server_port}",), "lantai", "h"))
    assert code_of(home.check) == "index.other_version"
    home.close()
    server.shutdown()
    server.server_close()
