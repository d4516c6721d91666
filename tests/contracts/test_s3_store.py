"""What object storage promises beyond the port: parts, locks, versions, faults on the wire, one clear line for each."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metadata.errors import Conflict, Invalid, LantaiError, NotFound, Unavailable
from repository.storage.destroy.s3 import S3Destroyer
from repository.storage.digested import Span
from repository.storage.replicas import Replicas
from repository.storage.s3 import checks, failures, listing, multipart
from repository.storage.s3.options import S3Options
from repository.storage.s3.store import ONE_PUT, S3Store
from tests.contracts.conftest import s3_options
from tests.services.proxy import Proxy
from tests.services.seaweed import Seaweed

KEY = "r/3f/0c/3f0c0000-0000-4000-8000-000000000001/v00001.zip"
MIB = 1 << 20


@pytest.fixture
def options(seaweed: Seaweed, bucket: str) -> S3Options:
    return s3_options(seaweed, bucket)


@pytest.fixture
def store(options: S3Options) -> S3Store:
    return S3Store("a", options)


@pytest.fixture
def proxy(seaweed: Seaweed) -> Iterator[Proxy]:
    with Proxy(seaweed.endpoint) as made:
        yield made


@pytest.fixture
def behind(options: S3Options, proxy: Proxy) -> S3Store:
    """The same store, reached through the proxy, with little patience."""
    return S3Store("a", replace(options, endpoint=proxy.endpoint, quick=2.0, bulk=4.0))


def whole(store: S3Store, key: str) -> bytes:
    return b"".join(store.read(key))


def pieces(size: int, seed: int = 1) -> Iterator[bytes]:
    block = hashlib.sha512(str(seed).encode()).digest() * (MIB // 64)
    for _ in range(size // MIB):
        yield block
    if size % MIB:
        yield block[: size % MIB]


def uploads(seaweed: Seaweed, store: S3Store) -> list[dict[str, Any]]:
    found = seaweed.client().list_multipart_uploads(Bucket=store.options.bucket, Prefix=store.options.folder)
    return list(found.get("Uploads", []))


# -- large objects -----------------------------------------------------------------------------------------------------


def test_the_arithmetic_of_parts_reaches_five_tebibytes() -> None:
    sizes = [multipart.part_size(number) for number in range(1, multipart.PARTS + 1)]
    assert sum(sizes) >= multipart.LARGEST
    assert min(sizes) >= 5 * MIB
    assert max(sizes) <= 5 << 30
    assert sizes == sorted(sizes)
    assert sum(sizes[:1000]) == 1000 * 16 * MIB


def test_parts_are_cut_whatever_the_chunks() -> None:
    data = os.urandom(40 * MIB + 5)
    for step in (MIB, 7 * MIB + 3, 100 * MIB):
        made = [
            bytes(part) for part, _none in multipart.parts_of(data[at : at + step] for at in range(0, len(data), step))
        ]
        assert [len(part) for part in made] == [16 * MIB, 16 * MIB, 8 * MIB + 5]
        assert b"".join(made) == data


def _spans(data: bytes, *stretches: tuple[int, int]) -> list[Span]:
    return [Span(at, length, hashlib.sha256(data[at : at + length]).hexdigest()) for at, length in stretches]


def test_parts_begin_and_end_where_digests_are_known() -> None:
    data = os.urandom(75 * MIB)
    spans = _spans(data, (MIB, 16 * MIB), (17 * MIB, 16 * MIB), (33 * MIB, 3 * MIB), (56 * MIB, 16 * MIB))
    made = [(bytes(part), known) for part, known in multipart.parts_of([data], spans)]
    assert b"".join(part for part, _known in made) == data
    assert [len(part) for part, _known in made] == [17 * MIB // 2] * 2 + [16 * MIB] + [23 * MIB // 2] * 2 + [
        16 * MIB,
        3 * MIB,
    ]
    assert [known for _part, known in made if known] == [spans[1].sha256, spans[3].sha256]
    assert all(known in {None, hashlib.sha256(part).hexdigest()} for part, known in made)


def test_buffers_go_round_whatever_the_sizes_of_parts() -> None:
    data = os.urandom(4 * 30 * MIB)
    spans = _spans(data, *((n * 30 * MIB + 150, 16 * MIB) for n in range(4)))
    buffers, made = set(), []
    for part, _known in multipart.parts_of((data[at : at + MIB] for at in range(0, len(data), MIB)), spans):
        buffers.add(id(part))
        made.append(bytes(part))
    assert b"".join(made) == data
    assert len(buffers) <= multipart.IN_FLIGHT + 2, "a ring, and the last part"


def test_known_digests_keep_within_what_parts_can_hold() -> None:
    far = [Span(n << 40, 16 * MIB, "") for n in range(4)]
    near = [Span(n * 16 * MIB, 16 * MIB, "") for n in range(2_000)]
    apart = [Span(n * 22 * MIB, 16 * MIB, "") for n in range(2_000)]
    for spans in ([], far, near, apart):
        sizes = [size for size, _sha256 in multipart.cuts(spans)]
        assert len(sizes) == multipart.PARTS
        assert sum(sizes) >= multipart.LARGEST
        assert min(sizes) >= 5 * MIB
        assert max(sizes) <= 5 << 30


def test_the_store_compares_what_is_known_of_a_part(store: S3Store, seaweed: Seaweed) -> None:
    data = b"".join(pieces(ONE_PUT + 20 * MIB))
    spans = _spans(data, (6 * MIB, 16 * MIB), (22 * MIB, 16 * MIB))
    replicas = Replicas([store])

    def chunks() -> Iterator[bytes]:
        yield from (data[at : at + MIB] for at in range(0, len(data), MIB))

    with pytest.raises(Unavailable) as error:
        replicas.create_stream(KEY, chunks, len(data), known=[spans[0], spans[1]._replace(sha256="0" * 64)])
    assert error.value.code == failures.BAD_DIGEST
    assert list(store.list()) == []
    assert uploads(seaweed, store) == []
    assert not replicas.create_stream(KEY, chunks, len(data), known=spans)["a"].existed
    assert whole(store, KEY) == data


def test_a_large_object_goes_in_parts_and_never_over_another(store: S3Store, seaweed: Seaweed) -> None:
    size = ONE_PUT + 5 * MIB + 11
    digest = hashlib.sha256()
    for piece in pieces(size):
        digest.update(piece)
    written = store.create(KEY, pieces(size))
    assert (written.size, written.sha256, written.existed) == (size, digest.hexdigest(), False)
    assert hashlib.sha256(whole(store, KEY)).hexdigest() == digest.hexdigest()
    assert store.create(KEY, pieces(size)).existed
    with pytest.raises(Conflict):
        store.create(KEY, pieces(size, seed=2))
    with pytest.raises(Conflict):
        store.create(KEY, pieces(size + 1))
    with pytest.raises(Conflict) as error:
        store.create(KEY + "2", pieces(size), expect="0" * 64)
    assert error.value.code == "store.not_as_expected"
    assert uploads(seaweed, store) == []
    assert [stat.key for stat in store.list()] == [KEY]


def test_a_broken_source_of_a_large_object_leaves_nothing(store: S3Store, seaweed: Seaweed) -> None:
    def broken() -> Iterator[bytes]:
        yield from pieces(ONE_PUT + 30 * MIB)
        raise OSError(5, "the source's own error")

    with pytest.raises(OSError, match="the source's own error"):
        store.create(KEY, broken())
    assert list(store.list()) == []
    assert uploads(seaweed, store) == []


def test_where_parts_cannot_be_finished_conditionally(store: S3Store) -> None:
    """The key is looked at before; a version that came in between is told, and nothing is lost."""
    plain = S3Store("a", replace(store.options, conditional_multipart=False))
    size = ONE_PUT + MIB
    assert not plain.create(KEY, pieces(size)).existed
    assert plain.create(KEY, pieces(size)).existed
    with pytest.raises(Conflict):
        plain.create(KEY, pieces(size, seed=2))

    def late() -> Iterator[bytes]:
        yield from pieces(size, seed=2)

    other = KEY.replace("v00001", "v00002")
    upload = multipart.Upload(plain.clients.parts, plain.options, store="a", key=other, fields={})
    with upload:
        for part, _none in multipart.parts_of(late()):
            upload.add(part)
        taken, upload._taken = upload._taken, lambda: False  # type: ignore[method-assign]  # the other writer comes after the look
        store.create(other, pieces(size))
        assert upload.finish()
        assert taken()
    with pytest.raises(Conflict) as error:
        checks.only_version(plain, other, frozenset())
    assert error.value.code == "store.extra_version"


def test_a_damaged_object_is_written_anew_where_parts_cannot_be_finished_conditionally(store: S3Store) -> None:
    """What was set aside stays as a version below a delete marker, and nobody else wrote it."""
    plain = S3Store("a", replace(store.options, conditional_multipart=False))
    size = ONE_PUT + MIB
    plain.create(KEY, pieces(size, seed=2))
    plain.set_aside(KEY, "evidence/x")
    assert not plain.create(KEY, pieces(size)).existed
    assert whole(plain, KEY) == b"".join(pieces(size))


LARGE = """
import resource, sys
from repository.storage.s3.options import S3Options
from repository.storage.s3.store import S3Store
endpoint, bucket, prefix, access, secret, size = sys.argv[1:]
store = S3Store("a", S3Options(endpoint=endpoint, bucket=bucket, access_key=access, secret_key=secret, prefix=prefix))
store.create("warm", [b"x" * 100]); store.head("warm"); store.clients.parts
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
block = bytes(1 << 20)
written = store.create("large", (block for _ in range(int(size) >> 20)))
assert written.size == int(size), written
found = sum(len(piece) for piece in store.read("large"))
assert found == int(size), found
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def _grows_by(options: S3Options, size: int) -> int:
    """KiB by which the peak of a process grows that writes and reads one object of ``size`` bytes."""
    arguments = [options.endpoint, options.bucket, options.prefix, options.access_key, options.secret_key, str(size)]
    done = subprocess.run(
        [sys.executable, "-c", LARGE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def test_memory_stays_bounded(options: S3Options) -> None:
    assert _grows_by(options, 300 * MIB) < 250 * 1024


@pytest.mark.large
def test_memory_stays_bounded_at_ten_gibibytes(options: S3Options) -> None:
    assert _grows_by(options, 10 << 30) < 250 * 1024


def test_uploads_that_broke_off_are_aborted(store: S3Store, seaweed: Seaweed) -> None:
    seaweed.client().create_multipart_upload(Bucket=store.options.bucket, Key=f"{store.options.folder}r/x")
    assert store.check() == 0  # young: its writer could still live
    assert len(uploads(seaweed, store)) == 1
    assert checks.abort_leftovers(store, older_than=timedelta(seconds=-60)) == 1
    assert uploads(seaweed, store) == []


def test_an_upload_that_goes_on_for_days_is_left(store: S3Store, seaweed: Seaweed) -> None:
    """Both were begun long ago; a part of one of them has just come."""
    client = seaweed.client()
    named = [{"Bucket": store.options.bucket, "Key": f"{store.options.folder}r/{name}"} for name in "xy"]
    dead, alive = ({**one, "UploadId": client.create_multipart_upload(**one)["UploadId"]} for one in named)
    client.upload_part(**dead, PartNumber=1, Body=b"x")
    time.sleep(3)
    client.upload_part(**alive, PartNumber=1, Body=b"y")
    assert checks.abort_leftovers(store, older_than=timedelta(seconds=1.9)) == 1
    assert [one["Key"] for one in uploads(seaweed, store)] == [alive["Key"]]
    client.abort_multipart_upload(**alive)


# -- listing -----------------------------------------------------------------------------------------------------------


def test_listing_folder_by_folder_gives_the_same(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ["a", "b-1/x", "b/1", "b/10", "b/2/z", "b0", "c/x", "p/1.0.1/a", "p/1.0/a", "p/1.0/b"]
    for key in keys:
        store.create(key, [b"x"])
    for held, page in ((3, 1000), (1, 2), (4, 1)):
        monkeypatch.setattr(listing, "HELD", held)
        monkeypatch.setattr(listing, "PAGE", page)
        assert [stat.key for stat in store.list()] == sorted(keys)
        for prefix in ("b", "b/", "p/1.0", "p/"):
            assert [stat.key for stat in store.list(prefix)] == sorted(key for key in keys if key.startswith(prefix))
        for after in ("b/1", "b-1/x", "b/10", "p/1.0", "p/1.0/a", "zz"):
            assert [stat.key for stat in store.list(after=after)] == sorted(key for key in keys if key > after)


# -- faults on the wire ------------------------------------------------------------------------------------------------


def test_a_byte_changed_on_its_way_up_is_refused_and_sent_again(behind: S3Store, proxy: Proxy, store: S3Store) -> None:
    proxy.harm("flip_up", only="PUT", times=1)
    written = behind.create(KEY, [b"x" * 300_000])
    assert proxy.done == 1
    assert not written.existed
    assert whole(store, KEY) == b"x" * 300_000
    proxy.harm("flip_up", only="PUT")
    with pytest.raises(Unavailable) as error:
        behind.create(KEY + "2", [b"y" * 1000])
    assert error.value.code == "store.bad_digest"
    assert [stat.key for stat in store.list()] == [KEY]


def test_a_byte_changed_in_a_part_is_refused_and_sent_again(behind: S3Store, proxy: Proxy, store: S3Store) -> None:
    proxy.harm("flip_up", only="PUT", times=1)
    size = ONE_PUT + 2 * MIB
    digest = behind.create(KEY, pieces(size)).sha256
    assert proxy.done == 1
    assert hashlib.sha256(whole(store, KEY)).hexdigest() == digest


def test_a_lost_answer_is_a_success(behind: S3Store, proxy: Proxy, store: S3Store) -> None:
    proxy.harm("lose_answer", only="PUT", times=1)
    written = behind.create(KEY, [b"x" * 5000])
    assert written.sha256 == hashlib.sha256(b"x" * 5000).hexdigest()
    assert whole(store, KEY) == b"x" * 5000
    proxy.harm("lose_answer", only="POST", times=1)  # begins, or ends, an upload in parts
    size = ONE_PUT + MIB
    assert behind.create(KEY + "2", pieces(size)).size == size


@pytest.mark.parametrize("words", ["409 ConditionalRequestConflict", "412 PreconditionFailed"])
def test_a_key_that_was_taken_for_a_moment_is_written(
    behind: S3Store, proxy: Proxy, store: S3Store, words: str
) -> None:
    """The other writer of the same key was refused too, or broke off: there is nothing to compare with."""
    proxy.harm("say", only="PUT", times=1, words=words)
    assert not behind.create(KEY, [b"x" * 5000]).existed
    assert whole(store, KEY) == b"x" * 5000
    proxy.harm("say", only="PUT", words=words)
    with pytest.raises(Unavailable) as error:
        behind.create(KEY + "2", [b"x"])
    assert error.value.code == "store.busy"
    assert [stat.key for stat in store.list()] == [KEY]


def test_an_upload_in_parts_is_finished_again_where_the_key_came_to_nothing(
    behind: S3Store, proxy: Proxy, store: S3Store, seaweed: Seaweed
) -> None:
    size = ONE_PUT + MIB
    upload = multipart.Upload(behind.clients.parts, behind.options, store="a", key=KEY, fields={})
    with upload:
        for part, _none in multipart.parts_of(pieces(size)):
            upload.add(part)
        sha256 = hashlib.sha256(b"".join(pieces(size))).hexdigest()
        proxy.harm("say", only="POST", times=1, words="409 ConditionalRequestConflict")
        assert not behind._until_settled(KEY, size, sha256, upload.finish).existed
    assert store.head(KEY).size == size
    assert uploads(seaweed, store) == []


def test_an_object_whose_volume_is_gone_can_be_set_aside(behind: S3Store, proxy: Proxy, store: S3Store) -> None:
    """What SeaweedFS says then is 500 InternalError for the body, while the key is listed and its size is known."""
    store.create(KEY, [b"x" * 5000])
    proxy.harm("say", only=f"GET /{store.options.bucket}/", words="503 SlowDown")
    with pytest.raises(Unavailable):
        behind.set_aside(KEY, "evidence/x")  # it only waits: nothing is freed
    assert whole(store, KEY) == b"x" * 5000
    proxy.harm("say", only=f"GET /{store.options.bucket}/", words="500 InternalError")
    behind.set_aside(KEY, "evidence/x")
    assert list(store.list()) == []
    store.create(KEY, [b"good"])
    assert whole(store, KEY) == b"good"


def test_an_answer_that_ends_early_never_passes(behind: S3Store, proxy: Proxy, store: S3Store) -> None:
    data = os.urandom(3 * MIB)
    store.create(KEY, [data])
    proxy.harm("cut_down", only="GET", times=1, after=MIB)
    assert whole(behind, KEY) == data  # taken up again where it broke off
    proxy.harm("cut_down", only="GET", after=1000)
    with pytest.raises(Unavailable):
        whole(behind, KEY)


def test_a_large_answer_that_breaks_off_is_taken_up_where_it_did(behind: S3Store, proxy: Proxy, store: S3Store) -> None:
    data = os.urandom(70 * MIB)
    store.create(KEY, [data])
    span = (MIB - 3, 69 * MIB + 5)
    proxy.harm("cut_down", only="GET", times=3, after=5 * MIB + 11)
    assert whole(behind, KEY) == data
    proxy.harm("cut_down", only="GET", times=3, after=2 * MIB)
    assert b"".join(behind.read_range(KEY, span[0], span[1] - span[0])) == data[slice(*span)]
    proxy.harm("cut_down", only="GET", after=MIB)
    with pytest.raises(Unavailable) as error:
        whole(behind, KEY)
    assert error.value.code == "store.down"
    proxy.heal()
    half = behind.read(KEY)  # whoever stops early leaves no connection and no thread behind
    next(half)
    half.close()  # type: ignore[attr-defined]  # a generator
    assert whole(behind, KEY) == data


@pytest.mark.parametrize("kind", ["stall", "refuse"])
def test_a_store_that_stands_still_is_given_up_in_seconds(behind: S3Store, proxy: Proxy, kind: Any) -> None:
    behind.create(KEY, [b"x"])
    proxy.harm(kind)
    for act in (
        lambda: behind.create(KEY + "2", [b"x"]),
        lambda: whole(behind, KEY),
        lambda: behind.head(KEY),
        lambda: list(behind.list()),
        behind.failure_domain,
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable) as error:
            act()
        assert error.value.code == "store.down"
        assert time.monotonic() - started < 60  # of the 181 s and more that the clients would take by themselves
    proxy.heal()
    assert whole(behind, KEY) == b"x"


# -- what is wrong with the bucket or the credentials, in one line ---------------------------------------------------------


def _says(store: S3Store, kind: type[LantaiError], code: str, *, write: bool = True) -> None:
    acts = [store.check, store.failure_domain] + ([lambda: store.create(KEY, [b"x"])] if write else [])
    for act in acts:
        with pytest.raises(kind) as error:
            act()
        assert error.value.code == code
        for sentence in (error.value.zh, error.value.en):
            assert "\n" not in sentence
            assert store.options.secret_key not in sentence
    assert store.options.secret_key not in repr(store.options)


def test_wrong_credentials(options: S3Options) -> None:
    _says(S3Store("a", replace(options, secret_key="not-the-secret")), Unavailable, "store.credentials")
    _says(S3Store("a", replace(options, access_key="nobody-here")), Unavailable, "store.credentials")


def test_a_missing_bucket_is_not_made(options: S3Options, seaweed: Seaweed) -> None:
    missing = S3Store("a", replace(options, bucket="no-such-bucket"))
    with pytest.raises(Unavailable) as error:
        missing.check()
    assert error.value.code == "store.no_bucket"
    assert "no-such-bucket" not in [one["Name"] for one in seaweed.client().list_buckets()["Buckets"]]


def test_credentials_that_may_only_read(options: S3Options, seaweed: Seaweed, store: S3Store) -> None:
    store.create(KEY, [b"x"])
    reader = S3Store("a", replace(options, access_key=seaweed.reader.access_key, secret_key=seaweed.reader.secret_key))
    for act in (reader.check, lambda: reader.create(KEY + "2", [b"x"])):
        with pytest.raises(Unavailable) as error:
            act()
        assert error.value.code == "store.denied"
    assert whole(reader, KEY) == b"x"


def test_a_wrong_clock(options: S3Options, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth

    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(hours=2)

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: Late.now(UTC))
    else:
        monkeypatch.setattr(botocore.auth.datetime, "datetime", Late)
    with pytest.raises(Unavailable) as error:
        S3Store("a", options).check()
    assert error.value.code == "store.clock_skew"


def test_nobody_at_the_endpoint(options: S3Options) -> None:
    _says(S3Store("a", replace(options, endpoint="http://127.0.0.1:9")), Unavailable, "store.down")


def test_a_bucket_that_is_not_as_asked(options: S3Options, plain_bucket: str) -> None:
    for more, code in (
        ({"bucket": plain_bucket}, "store.not_versioned"),
        ({"bucket": plain_bucket, "versioned": False, "lock": "governance"}, "store.not_versioned"),
    ):
        with pytest.raises(Invalid) as error:
            S3Store("a", replace(options, **more)).check()  # type: ignore[arg-type]
        assert error.value.code == code
    S3Store("a", replace(options, bucket=plain_bucket, versioned=False)).check()


# -- Object Lock, encryption, destruction --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked_bucket(seaweed: Seaweed) -> str:
    return seaweed.make_bucket(lock=True)


def test_lock_on_a_bucket_without_it(seaweed: Seaweed, bucket: str) -> None:
    with pytest.raises(Invalid) as error:
        S3Store("a", s3_options(seaweed, bucket, who=seaweed.admin, lock="governance")).check()
    assert error.value.code == "store.no_object_lock"


def test_a_governance_lock_holds_until_disposal(seaweed: Seaweed, locked_bucket: str) -> None:
    options = s3_options(seaweed, locked_bucket, who=seaweed.admin, lock="governance", lock_days=30)
    store = S3Store("a", options)
    store.prepare()
    size = ONE_PUT + MIB
    store.create(KEY, [b"x"])
    store.create(KEY + "2", pieces(size))
    client = seaweed.client()
    for key in (KEY, KEY + "2"):
        there = client.head_object(Bucket=locked_bucket, Key=options.folder + key)
        assert there["ObjectLockMode"] == "GOVERNANCE"
        assert there["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=30)
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            client.delete_object(Bucket=locked_bucket, Key=options.folder + key, VersionId=there["VersionId"])
    destroyer = S3Destroyer(store)
    store.set_aside(KEY, "evidence/x")  # frees the key; the version stays
    assert len(destroyer.list_versions(KEY)) == 2
    for key in (KEY, KEY + "2", "evidence/x"):
        for version in destroyer.list_versions(key):
            destroyer.delete_version(key, version)
        assert destroyer.absent(key)
    with pytest.raises(NotFound):
        store.head(KEY)


def test_a_compliance_lock_keeps_even_disposal_away(seaweed: Seaweed, locked_bucket: str) -> None:
    options = s3_options(seaweed, locked_bucket, who=seaweed.admin, lock="compliance", lock_days=1)
    store = S3Store("a", options)
    store.create(KEY, [b"x"])
    destroyer = S3Destroyer(store)
    (version,) = destroyer.list_versions(KEY)
    with pytest.raises(Unavailable) as error:
        destroyer.delete_version(KEY, version)
    assert error.value.code == "store.locked"
    assert not destroyer.absent(KEY)
    assert whole(store, KEY) == b"x"


def test_the_default_lock_of_the_bucket_serves_credentials_without_admin(seaweed: Seaweed, locked_bucket: str) -> None:
    store = S3Store("a", s3_options(seaweed, locked_bucket, lock="governance"))
    with pytest.raises(Invalid) as error:
        store.check()
    assert error.value.code == "store.no_object_lock"
    bucket = seaweed.make_bucket(lock=True)
    seaweed.client().put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}},
        },
    )
    store = S3Store("a", s3_options(seaweed, bucket, lock="governance"))
    store.prepare()
    store.create(KEY, [b"x"])
    (version,) = S3Destroyer(store).list_versions(KEY)
    with pytest.raises(Unavailable) as locked:
        S3Destroyer(store).delete_version(KEY, version)  # the writer may not pass over the lock
    assert locked.value.code == "store.locked"
    of_disposal = S3Store("a", replace(store.options, access_key="test-admin", secret_key="test-admin-secret"))
    S3Destroyer(of_disposal).delete_version(KEY, version)
    assert S3Destroyer(store).absent(KEY)


def test_encryption_by_the_service(seaweed: Seaweed, bucket: str) -> None:
    options = s3_options(seaweed, bucket, sse="AES256")
    store = S3Store("a", options)
    store.create(KEY, [b"x"])
    store.create(KEY + "2", pieces(ONE_PUT + MIB))
    assert whole(store, KEY) == b"x"
    for key in (KEY, KEY + "2"):
        there = seaweed.client().head_object(Bucket=bucket, Key=options.folder + key)
        assert there["ServerSideEncryption"] == "AES256"
