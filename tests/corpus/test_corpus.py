"""Every deposit of the corpus is taken in, or refused with its findings and nothing stored; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest.pool import CheckPool
from repository.bag.verify import validate
from repository.clock import FixedClock
from tests.archives import bureau_archive
from tests.corpus.cases import HERE, KINDS, Case, cases, emptied, lasting_engine, take_in

CASES = list(cases())
AT_LEAST = 80


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_enough_of_each(kind: str) -> None:
    names = [one.name for one in CASES if one.kind == kind]
    assert len(names) >= AT_LEAST
    assert len(names) == sum(one.is_dir() for one in (HERE / kind).iterdir()), "a folder without make.py"


@pytest.fixture(scope="module")
def pool() -> Iterator[CheckPool]:
    """Check processes that all cases share; a case that kills one costs the others nothing."""
    made = CheckPool(2, memory_bytes=4 << 30, seconds=20, batch=16)
    yield made
    made.close()


@pytest.fixture(scope="module")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine of all cases; each has a database of its own (``engine``)."""
    with lasting_engine(tmp_path_factory.mktemp("database") / "lantai.db") as made:
        yield made


@pytest.fixture
def engine(one_engine: Engine, sqlite_template: Path) -> Engine:
    """A fresh database with all tables."""
    return emptied(one_engine, sqlite_template)


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.kind}-{one.name}")
def test_case(case: Case, engine: Engine, clock: FixedClock, pool: CheckPool, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    source = case.make(tmp_path / "made")
    told = take_in(bureau_archive(tmp_path, engine, clock), source, case.expected, pool)
    expected = {(row["code"], row["severity"], row.get("path")) for row in case.expected["findings"]}
    assert told.error is None
    assert told.of("error", "warning") == {row for row in expected if row[1] != "notice"}
    assert {row for row in expected if row[1] == "notice"} <= told.of("notice")
    assert told.state == case.expected["state"]
    assert told.records == case.expected.get("records", 0)
    assert not told.lost
    if case.kind == "bad":
        assert told.of("error")
        assert told.bags == 0
        assert not list((tmp_path / "replicas").rglob("*.zip"))
    else:
        assert not told.of("error")
        assert bool(told.of("warning")) == (case.kind == "warn")
        bags = list((tmp_path / "replicas" / "a").rglob("*.zip"))
        assert len(bags) == told.bags
        assert all(validate(bag).valid for bag in bags)
