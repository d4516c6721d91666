"""``kill -9`` of workers, of PostgreSQL, of SeaweedFS and of Elasticsearch while deposits are taken in.

A seeded plan says what dies when; what died starts again some seconds later. Afterwards everything is in the holdings, counts
agree in database, stores and index, and nothing is there twice.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.journeys.workshop import Workshop, workshop
from tests.services.base import NotHere, Server
from tests.services.elastic import Elastic
from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed

WORKERS = 3


def _replica(name: str, store: Seaweed, bucket: str) -> str:
    return (
        f'[[replicas]]\nname = "{name}"\nkind = "s3"\nendpoint = "{store.endpoint}"\nbucket = "{bucket}"\n'
        f'access_key = "{store.admin.access_key}"\nsecret_key = "{store.admin.secret_key}"\n'
    )


def _settings(database: Postgres, stores: list[Seaweed], index: Elastic) -> str:
    made = database.create_database()
    return (
        f'database_url = "{made.program_url}"\ndatabase_owner_url = "{made.owner_url}"\n'
        + "".join(_replica(name, one, one.make_bucket()) for name, one in zip("ab", stores, strict=True))
        + f'[search]\nengine = "elasticsearch"\nurls = ["{index.url}"]\nreplicas = 0\n'
    )


def _one_dies(shop: Workshop, servers: dict[str, Server], rng: random.Random) -> str:
    """Kill something, wait some seconds, start it again; what it was."""
    name = rng.choice([*servers, "worker", "worker"])
    if name == "worker":
        lives = [one for one in shop.workers if one.poll() is None]
        victim = rng.choice(lives)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        shop.start()
        return name
    servers[name].kill()
    time.sleep(rng.uniform(1, 4))
    servers[name].start()
    return name


def _chaos(tmp_path: Path, *, households: int, kills: int, seed: int) -> str:
    """Take ``households`` in while ``kills`` things die; which ones, and how long it all took."""
    rng, began = random.Random(seed), time.monotonic()
    servers: dict[str, Server] = {
        "postgresql": Postgres(),
        "seaweed a": Seaweed(),
        "seaweed b": Seaweed(),
        "elastic": Elastic(),
    }
    try:
        try:
            for one in servers.values():
                one.start()
        except NotHere as reason:
            pytest.skip(str(reason))
        database, a, b, index = servers.values()
        assert isinstance(database, Postgres)
        assert isinstance(a, Seaweed)
        assert isinstance(b, Seaweed)
        assert isinstance(index, Elastic)
        with workshop(tmp_path / "home", _settings(database, [a, b], index)) as shop:
            shop.deposit(tmp_path / "papers", households)
            for _ in range(WORKERS):
                shop.start()
            shop.await_(lambda: shop.done() > 0, seconds=600)
            died: Counter[str] = Counter()
            for _ in range(kills):
                time.sleep(rng.uniform(0.5, 5))
                died[_one_dies(shop, servers, rng)] += 1
            shop.await_(shop.at_rest, seconds=120 + 20 * households)
            shop.check()
        return f"{households} households, {dict(died)}, seed {seed}: {time.monotonic() - began:.0f} s"
    finally:
        for one in servers.values():
            one.close()


@pytest.mark.chaos
def test_twelve_households_and_four_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = _chaos(tmp_path, households=12, kills=4, seed=6)
    with capsys.disabled():
        print(f" [{told}]", end="")


@pytest.mark.chaos
def test_three_hundred_households_and_forty_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = _chaos(tmp_path, households=300, kills=40, seed=300)
    with capsys.disabled():
        print(f" [{told}]", end="")
