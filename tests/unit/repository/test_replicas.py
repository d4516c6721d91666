"""Replicas: one read, every store; failures of required and optional ones."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from metadata.errors import Conflict, Unavailable
from repository.clock import FixedClock
from repository.db import Sessions
from repository.objects import NewObject, register, register_many
from repository.storage.base import Written
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Replica, ReplicaObject, StoredObject

KEY = "k/object"
MIB = 1 << 20


@pytest.fixture
def stores(tmp_path: Path) -> list[LocalStore]:
    made = [LocalStore(name, tmp_path / name) for name in ("a", "b")]
    for store in made:
        store.prepare()
    return made


class Slow(LocalStore):
    """A store that takes its chunks one by one, when told."""

    def __init__(self, name: str, root: Path) -> None:
        super().__init__(name, root)
        self.go = threading.Event()

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        self.go.wait(5)
        return super().create(key, chunks, expect=expect)


def numbered(count: int) -> Iterator[bytes]:
    return (bytes([number % 256]) * MIB for number in range(count))


def test_one_read_for_all(stores: list[LocalStore]) -> None:
    reads = 0

    def source() -> Iterator[bytes]:
        nonlocal reads
        reads += 1
        yield from numbered(40)
        yield b"tail"

    written = Replicas(stores).create_stream(KEY, source, 40 * MIB + 4)
    assert reads == 1
    expected = hashlib.sha256(b"".join(numbered(40)) + b"tail").hexdigest()
    assert {name: (one.sha256, one.size) for name, one in written.items()} == dict.fromkeys(
        ("a", "b"), (expected, 40 * MIB + 4)
    )
    for store in stores:
        assert hashlib.sha256(b"".join(store.read(KEY))).hexdigest() == expected


def test_again_is_a_success_and_other_bytes_a_conflict(stores: list[LocalStore]) -> None:
    replicas = Replicas(stores)
    replicas.create_stream(KEY, lambda: numbered(20))
    assert all(one.existed for one in replicas.create_stream(KEY, lambda: numbered(20)).values())
    with pytest.raises(Conflict):
        replicas.create_stream(KEY, lambda: numbered(21))
    with pytest.raises(Conflict):
        replicas.create_bytes(KEY, b"x")


def test_a_wrong_size_leaves_nothing(stores: list[LocalStore]) -> None:
    with pytest.raises(Conflict) as error:
        Replicas(stores).create_stream(KEY, lambda: numbered(3), 2 * MIB)
    assert error.value.code == "store.not_as_expected"
    assert [list(store.list()) for store in stores] == [[], []]


def test_an_error_of_the_source_passes_and_leaves_nothing(stores: list[LocalStore]) -> None:
    def broken() -> Iterator[bytes]:
        yield from numbered(20)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Replicas(stores).create_stream(KEY, broken)
    assert [list(store.list()) for store in stores] == [[], []]


def test_a_required_replica_that_fails_is_named(stores: list[LocalStore], tmp_path: Path) -> None:
    replicas = Replicas([stores[0], LocalStore("gone", tmp_path / "gone")])
    for act in (
        lambda: replicas.create_stream(KEY, lambda: numbered(30)),
        lambda: replicas.create_bytes(KEY + "2", b"x"),
        lambda: replicas.create_many([(KEY + "3", b"x")]),
    ):
        with pytest.raises(Unavailable) as error:
            act()
        assert error.value.code == "store.root_missing"
        assert "gone" in error.value.en
    assert stores[0].head(KEY).size == 30 * MIB  # the other took it; the call is repeated later


def test_an_optional_replica_that_fails_is_left_out(stores: list[LocalStore], tmp_path: Path) -> None:
    replicas = Replicas([stores[0], LocalStore("gone", tmp_path / "gone")], required={"a"})
    assert set(replicas.create_stream(KEY, lambda: numbered(30))) == {"a"}
    assert set(replicas.create_bytes(KEY + "2", b"x")) == {"a"}


def test_a_slow_replica_bounds_what_is_in_memory(stores: list[LocalStore], tmp_path: Path) -> None:
    slow = Slow("slow", tmp_path / "slow")
    slow.prepare()
    given = 0

    def source() -> Iterator[bytes]:
        nonlocal given
        for chunk in numbered(64):
            given += 1
            yield chunk

    replicas = Replicas([stores[0], slow])
    thread = threading.Thread(target=replicas.create_stream, args=(KEY, source))
    thread.start()
    thread.join(0.5)
    assert given < 24
    slow.go.set()
    thread.join()
    assert given == 64
    assert slow.head(KEY).size == 64 * MIB


def test_many_small_objects(stores: list[LocalStore]) -> None:
    items = [(f"k/{number:03d}", b"%d" % number) for number in range(200)]
    done = Replicas(stores).create_many(iter(items))
    assert list(done) == [key for key, _data in items]
    assert all(set(written) == {"a", "b"} for written in done.values())
    for store in stores:
        assert [stat.key for stat in store.list()] == [key for key, _data in items]


def test_only_some(stores: list[LocalStore]) -> None:
    replicas = Replicas(stores)
    assert set(replicas.create_bytes(KEY, b"x", only=["b"])) == {"b"}
    assert list(stores[0].list()) == []


def test_reading_takes_the_copy_that_matches(stores: list[LocalStore]) -> None:
    replicas = Replicas(stores)
    sha256 = hashlib.sha256(b"good").hexdigest()
    stores[0].create(KEY, [b"bad!"])
    stores[1].create(KEY, [b"good"])
    assert replicas.read_any(KEY, sha256) == b"good"
    with replicas.good_copy(KEY, sha256) as store:
        assert store.name == "b"
    assert replicas.find_intact(KEY, sha256, skip=["b"]) is None
    with pytest.raises(Unavailable) as error:
        replicas.read_any(KEY, "0" * 64)
    assert error.value.code == "replicas.no_intact_copy"
    with pytest.raises(Unavailable), replicas.good_copy("k/none", sha256):
        pass


def test_names(stores: list[LocalStore], tmp_path: Path) -> None:
    assert Replicas(stores).names == ("a", "b")
    assert Replicas(stores).required == {"a", "b"}
    with pytest.raises(ValueError, match="one name"):
        Replicas([*stores, LocalStore("a", tmp_path)])
    with pytest.raises(ValueError, match="do not exist"):
        Replicas(stores, required={"c"})


def test_registration(stores: list[LocalStore], sessions: Sessions, clock: FixedClock) -> None:
    with sessions.begin() as session:
        for store in stores:
            session.add(Replica(name=store.name, kind="local", location=str(store.root), added_at=clock.now()))
        session.flush()
        register(session, clock=clock, key="k/1", kind="bag", sha256="0" * 64, size=1, written=["a", "b"])
        objects = [NewObject(f"k/{n}", "bag", "0" * 64, 1, written={"a"}) for n in range(2, 5)]
        assert register_many(session, clock=clock, objects=objects) == 3
        assert register_many(session, clock=clock, objects=[]) == 0
    with sessions() as session:
        assert len(session.scalars(select(StoredObject)).all()) == 4
        waiting = session.scalars(select(ReplicaObject).where(ReplicaObject.written_at.is_(None))).all()
        assert sorted((one.replica, one.key) for one in waiting) == [("b", "k/2"), ("b", "k/3"), ("b", "k/4")]
