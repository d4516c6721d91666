"""The storage port's contract (``repository.storage.base``), on every backend."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from metadata.errors import Conflict, Invalid, NotFound, Unavailable
from repository.storage.base import CHUNK, Store, Written
from repository.storage.digested import OneChunk

KEY = "r/3f/0c/3f0c0000-0000-4000-8000-000000000001/v00001.zip"


def whole(store: Store, key: str) -> bytes:
    return b"".join(store.read(key))


def test_what_is_written_is_read_back(store: Store) -> None:
    data = bytes(range(256)) * 9000
    written = store.create(KEY, [data[:100], memoryview(data)[100:CHUNK], data[CHUNK:]])
    assert (written.key, written.size, written.existed) == (KEY, len(data), False)
    assert written.sha256 == hashlib.sha256(data).hexdigest()
    assert whole(store, KEY) == data
    assert store.head(KEY).size == len(data)
    assert all(len(chunk) <= CHUNK for chunk in store.read(KEY))


def test_an_empty_object_is_an_object(store: Store) -> None:
    assert store.create("empty", []).size == 0
    assert whole(store, "empty") == b""
    assert [stat.key for stat in store.list()] == ["empty"]


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 3, b"abc"), (2, 2, b"cd"), (4, 99, b"ef"), (6, 5, b""), (99, 1, b""), (1, 0, b"")],
)
def test_ranges(store: Store, offset: int, length: int, expected: bytes) -> None:
    store.create(KEY, [b"abcdef"])
    assert b"".join(store.read_range(KEY, offset, length)) == expected


def test_the_same_bytes_again_are_a_success(store: Store) -> None:
    first = store.create(KEY, [b"one"])
    again = store.create(KEY, [b"o", b"ne"])
    assert again.existed
    assert again.sha256 == first.sha256


@pytest.mark.parametrize("other", [b"two", b"one more", b""])
def test_other_bytes_are_a_conflict_and_change_nothing(store: Store, other: bytes) -> None:
    store.create(KEY, [b"one"])
    with pytest.raises(Conflict) as error:
        store.create(KEY, [other])
    assert error.value.code == "store.conflict"
    assert store.name in error.value.en
    assert whole(store, KEY) == b"one"


def test_expected_digest(store: Store) -> None:
    good = hashlib.sha256(b"one").hexdigest()
    with pytest.raises(Conflict) as error:
        store.create(KEY, [b"0ne"], expect=good)
    assert error.value.code == "store.not_as_expected"
    with pytest.raises(NotFound):
        store.head(KEY)
    assert store.create(KEY, [b"one"], expect=good).sha256 == good
    with pytest.raises(Conflict):
        store.create(KEY, [b"0ne"], expect=good)
    assert whole(store, KEY) == b"one"


def test_chunks_that_bring_their_digest(store: Store) -> None:
    written = store.create(KEY, OneChunk(b"one"))
    assert written.sha256 == hashlib.sha256(b"one").hexdigest()
    assert store.create(KEY, OneChunk(b"one")).existed
    with pytest.raises(Conflict):
        store.create(KEY, OneChunk(b"two"))


def test_an_error_of_the_source_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * CHUNK
        raise OSError(5, "the source's own error")

    with pytest.raises(OSError, match="the source's own error"):
        store.create(KEY, broken())
    assert list(store.list()) == []
    store.create(KEY, [b"later"])


def test_missing_objects(store: Store) -> None:
    store.create("a/b", [b"1"])
    for key in (KEY, "a", "a/b/c", "a/c"):
        with pytest.raises(NotFound):
            store.head(key)
        with pytest.raises(NotFound):
            next(iter(store.read(key)))
        with pytest.raises(NotFound):
            next(iter(store.read_range(key, 0, 1)))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "a\\b",
        "a\nb",
        "a\0b",
        "档案",
        "x" * 256,
        "a/" * 600 + "a",
        " a",
    ],
)
def test_bad_keys(store: Store, key: str) -> None:
    with pytest.raises(Invalid) as error:
        store.create(key, [b"x"])
    assert error.value.code == "store.bad_key"
    with pytest.raises(Invalid):
        store.head(key)
    assert list(store.list()) == []


def test_no_key_is_the_beginning_of_another(store: Store) -> None:
    """A folder refuses such a key; object storage cannot tell, and keeps both apart."""
    store.create("a/b", [b"x"])
    if store.kind == "s3":
        store.create("a/b/c", [b"y"])
        assert [(stat.key, whole(store, stat.key)) for stat in store.list()] == [("a/b", b"x"), ("a/b/c", b"y")]
        return
    with pytest.raises(Conflict):
        store.create("a/b/c", [b"x"])
    with pytest.raises(Conflict):
        store.create("a", [b"x"])
    assert [stat.key for stat in store.list()] == ["a/b"]


def test_a_long_name_is_kept(store: Store) -> None:
    last = 255 if store.kind == "local" else 240  # SeaweedFS adds to the last part of a key in a bucket with versions
    key = "x" * 255 + "/" + "y" * last
    store.create(key, [b"x"])
    assert [stat.key for stat in store.list()] == [key]


KEYS = ["a", "b-1/x", "b/1", "b/10", "b/2/z", "b0", "c/x", "d~"]


def test_listing_is_sorted_by_the_bytes_of_keys(store: Store) -> None:
    for key in reversed(KEYS):
        store.create(key, [key.encode()])
    assert [stat.key for stat in store.list()] == sorted(KEYS)
    assert all(stat.size == len(stat.key) for stat in store.list())
    for prefix in ("", "b", "b/", "b/1", "b/2/", "c", "nothing", "b-1/x", "z"):
        found = [stat.key for stat in store.list(prefix)]
        assert found == sorted(key for key in KEYS if key.startswith(prefix)), prefix
    for after in ("", "a", "b", "b-1/x", "b/10", "b/2", "b/2/z", "c/", "zz"):
        assert [stat.key for stat in store.list(after=after)] == sorted(key for key in KEYS if key > after), after
    assert [stat.key for stat in store.list("b/", after="b/1")] == ["b/10", "b/2/z"]


def test_listing_streams(store: Store) -> None:
    for number in range(5):
        store.create(f"k/{number}", [b"x"])
    listing = iter(store.list())
    assert next(listing).key == "k/0"
    store.create("k/9", [b"x"])  # writing while a listing is open harms neither


def _patiently(create: Callable[[], Written]) -> tuple[Written, int]:
    """What was written, and by which call: whoever meets a store that is too busy tries again."""
    for calls in range(1, 20):
        with suppress(Unavailable):
            return create(), calls
    return create(), 20


def test_twenty_writers_one_winner(backend: Any) -> None:
    for race in range(10 if backend.store.kind == "local" else 3):
        barrier = threading.Barrier(20)
        outcomes: list[object] = []

        def write(
            number: int,
            key: str = f"race/{race}/x",
            barrier: threading.Barrier = barrier,
            outcomes: list[object] = outcomes,
        ) -> None:
            store = backend.again()
            barrier.wait()
            try:
                outcomes.append((number, *_patiently(lambda: store.create(key, [b"writer %d" % number]))))
            except Conflict as error:
                outcomes.append(error.code)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
        assert len(winners) == 1
        assert outcomes.count("store.conflict") == 19
        _, written, calls = winners[0]
        assert not written.existed or calls > 1  # the answer to the first may have been too late
        assert whole(backend.store, f"race/{race}/x") == b"writer %d" % winners[0][0]


def test_writers_of_the_same_bytes_all_succeed(backend: Any) -> None:
    outcomes: list[tuple[Written, int]] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(_patiently(lambda: backend.again().create(KEY, [b"same"]))))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [not written.existed for written, _ in outcomes].count(True)
    assert len(outcomes) == 10
    assert made == 1 or (made == 0 and max(calls for _, calls in outcomes) > 1)


EVIDENCE = f"evidence/3f0c0000-0000-4000-8000-000000000001/i/a/{KEY}"


def test_set_aside_moves_and_frees_the_key(store: Store) -> None:
    store.create(KEY, [b"damaged"])
    store.set_aside(KEY, EVIDENCE)
    assert whole(store, EVIDENCE) == b"damaged"
    with pytest.raises(NotFound):
        store.head(KEY)
    store.set_aside(KEY, EVIDENCE)  # repeated after a crash
    store.create(KEY, [b"mended"])
    assert whole(store, KEY) == b"mended"
    assert whole(store, EVIDENCE) == b"damaged"


def test_set_aside_never_overwrites_evidence(store: Store) -> None:
    store.create(KEY, [b"damaged"])
    store.create(EVIDENCE, [b"older evidence"])
    with pytest.raises(Conflict):
        store.set_aside(KEY, EVIDENCE)
    assert whole(store, KEY) == b"damaged"
    assert whole(store, EVIDENCE) == b"older evidence"


def test_set_aside_of_nothing(store: Store) -> None:
    with pytest.raises(NotFound):
        store.set_aside(KEY, EVIDENCE)


def test_destruction(backend: Any) -> None:
    backend.store.create(KEY, [b"x"])
    backend.store.create(KEY.replace("v00001", "v00002"), [b"y"])
    assert not backend.destroyer.absent(KEY)
    versions = backend.destroyer.list_versions(KEY)
    assert versions
    for version in versions:
        backend.destroyer.delete_version(KEY, version)
        backend.destroyer.delete_version(KEY, version)
    assert backend.destroyer.absent(KEY)
    assert backend.destroyer.list_versions(KEY) == []
    assert [stat.key for stat in backend.store.list()] == [KEY.replace("v00001", "v00002")]
    assert backend.destroyer.absent("never/there")


def test_a_store_tells_where_it_is(store: Store) -> None:
    assert store.location
    assert store.failure_domain()
    store.prepare()
    assert store.check() == 0
    assert list(store.list()) == []
