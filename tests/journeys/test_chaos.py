"""``kill -9`` of workers, of PostgreSQL, of SeaweedFS and of Elasticsearch while deposits are taken in.

A plan says what dies, a seed when; what died starts again some seconds later. Afterwards everything is in the holdings,
counts agree in database, stores and index, and nothing is there twice. The short form, in which each part dies once, runs
with every other test; the long one by ``make chaos``.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journeys.workshop import Workshop, workshop
from tests.services.base import NotHere, Server
from tests.services.elastic import Elastic
from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed


def _replica(name: str, store: Seaweed, bucket: str) -> str:
    return (
        f'[[replicas]]\nname = "{name}"\nkind = "s3"\nendpoint = "{store.endpoint}"\nbucket = "{bucket}"\n'
        f'access_key = "{store.admin.access_key}"\nsecret_key = "{store.admin.secret_key}"\n'
    )


def _settings(database: Postgres, stores: list[Seaweed], index: Elastic) -> str:
    """Settings of a site on these; with one store the other replica is a folder."""
    made = database.create_database()
    replicas = [_replica(name, one, one.make_bucket()) for name, one in zip("ba", stores, strict=False)]
    if len(stores) == 1:
        replicas.append('[[replicas]]\nname = "a"\npath = "replicas/a"\n')
    return (
        f'database_url = "{made.program_url}"\ndatabase_owner_url = "{made.owner_url}"\n'
        + "".join(replicas)
        + f'[search]\nengine = "elasticsearch"\nurls = ["{index.url}"]\nreplicas = 0\n'
    )


def _one_dies(shop: Workshop, servers: dict[str, Server], rng: random.Random, name: str) -> None:
    """Kill something, wait some seconds, start it again."""
    if name == "worker":
        lives = [one for one in shop.workers if one.poll() is None]
        victim = rng.choice(lives)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        shop.start()
        return
    servers[name].kill()
    time.sleep(rng.uniform(1, 4))
    servers[name].start()


def _started(servers: dict[str, Server]) -> None:
    """Start them side by side."""
    with ThreadPoolExecutor(len(servers)) as pool:
        try:
            list(pool.map(lambda one: one.start(), servers.values()))
        except NotHere as reason:
            pytest.skip(str(reason))


def _chaos(tmp_path: Path, *, households: int, workers: int, stores: int, dying: Sequence[str], seed: int) -> str:
    """Take ``households`` in while ``dying`` die one after the other; what died, and how long it all took."""
    rng, began = random.Random(seed), time.monotonic()
    database, index, weeds = Postgres(), Elastic(), [Seaweed() for _ in range(stores)]
    names = {f"seaweed {number}": one for number, one in enumerate(weeds, 1)}
    servers: dict[str, Server] = {"postgresql": database, **names, "elastic": index}
    try:
        _started(servers)
        with workshop(tmp_path / "home", _settings(database, weeds, index)) as shop:
            shop.deposit(tmp_path / "papers", households)
            for _ in range(workers):
                shop.start()
            shop.await_(lambda: shop.done() > 0, seconds=600)
            for name in dying:
                time.sleep(rng.uniform(0.5, 5))
                _one_dies(shop, servers, rng, name)
            shop.await_(shop.at_rest, seconds=120 + 20 * households)
            shop.check()
        return f"{households} households, {dict(Counter(dying))}, seed {seed}: {time.monotonic() - began:.0f} s"
    finally:
        for one in servers.values():
            one.close()


@pytest.mark.slow
def test_eight_households_while_each_part_dies_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dying = ("worker", "postgresql", "seaweed 1", "elastic")
    told = _chaos(tmp_path, households=8, workers=2, stores=1, dying=dying, seed=6)
    with capsys.disabled():
        print(f" [{told}]", end="")


@pytest.mark.chaos
def test_three_hundred_households_and_forty_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mortals = ("worker", "worker", "postgresql", "seaweed 1", "seaweed 2", "elastic")
    dying = random.Random(300).choices(mortals, k=40)
    told = _chaos(tmp_path, households=300, workers=3, stores=2, dying=dying, seed=300)
    with capsys.disabled():
        print(f" [{told}]", end="")
