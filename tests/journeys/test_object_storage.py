"""A site with a folder and object storage: taken in, re-read, damaged in every way a store can lie, mended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from access.accounts import SYSTEM
from ingest.context import Context
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from lantai.replica_settings import ReplicaSettings
from lantai.settings import FILE_NAME, load
from lantai.site import Site, initialise, open_site
from metadata.errors import Invalid, Unavailable
from repository.fixity import Outcome, audit, open_incidents, repair
from repository.fixity.outcome import AuditResults
from repository.pending import write_pending_objects
from repository.status import status
from repository.storage.base import Store
from repository.tables import Incident, LedgerEntry
from tests.services.proxy import Proxy
from tests.services.seaweed import Seaweed

FILES = 3


@pytest.fixture(scope="module")
def proxy(seaweed: Seaweed) -> Iterator[Proxy]:
    with Proxy(seaweed.endpoint) as made:
        yield made


def replica(name: str, seaweed: Seaweed, endpoint: str, bucket: str) -> ReplicaSettings:
    return ReplicaSettings(
        name=name,
        kind="s3",
        endpoint=endpoint,
        bucket=bucket,
        access_key=seaweed.writer.access_key,
        secret_key=SecretStr(seaweed.writer.secret_key),
        quick_seconds=3,
    )


def taken_in(site: Site, folder: Path) -> None:
    """A deposit of a few files, each a record of its own, and everything that waits to be written."""
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"档案 {number}\n" * 2000, encoding="utf-8")
    context = Context.open(site.archive, checks=frozenset())
    try:
        with site.archive.sessions.begin() as session:
            submission = open_submission(
                session,
                archive=site.archive,
                actor=SYSTEM,
                organ_id=None,
                title="对象存储",
                channel="test",
                options={"one_record": False, "accept": True},
            )
        receive_path(site.archive, submission.id, sorted(folder.iterdir()))
        assert advance(context, submission.id) == "done"
    finally:
        context.close()
    write_pending_objects(site.archive)


def audited(site: Site) -> AuditResults:
    return audit(site.archive, actor=SYSTEM.ref, replicas=["b"], all=True, cold=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed, proxy: Proxy) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site") / "home"
    folder = ReplicaSettings(name="a", kind="local", path=Path("replicas/a"))
    object_storage = replica("b", seaweed, proxy.endpoint, seaweed.make_bucket())
    settings = load(home=home, replicas=[folder, object_storage])
    made = initialise(settings, bureau="测试局", division="330000")
    taken_in(made, home / "deposit")
    yield made
    made.close()


def bags(store: Store) -> list[str]:
    return [stat.key for stat in store.list("r/") if stat.key.endswith(".zip")]


def test_both_replicas_hold_the_same(site: Site, seaweed: Seaweed) -> None:
    a, b = site.archive.replicas.stores
    assert len(bags(b)) == FILES
    assert {stat.key: stat.size for stat in a.list("r/")} == {stat.key: stat.size for stat in b.list("r/")}
    found = status(site.archive)
    assert found["failure_domains"]["count"] == 2
    assert not found["failure_domains"]["shared"]
    secret = seaweed.writer.secret_key
    assert secret not in str(found)
    assert secret not in (site.settings.home / FILE_NAME).read_text(encoding="utf-8")
    assert secret not in repr(site.settings)
    assert audited(site).exit_code == 0


def test_the_site_opens_again_from_its_own_settings(site: Site) -> None:
    again = open_site(load(home=site.settings.home))
    try:
        assert [store.kind for store in again.archive.replicas.stores] == ["local", "s3"]
        assert bags(again.archive.replicas.store("b")) == bags(site.archive.replicas.store("b"))
    finally:
        again.close()


@pytest.mark.parametrize("kind", ["flip_down", "cut_down"])
def test_what_changes_or_ends_early_on_its_way_never_passes(site: Site, proxy: Proxy, kind: str) -> None:
    bucket = site.settings.replicas[1].bucket
    proxy.harm(kind, only=f"GET /{bucket}/r/", after=300)  # type: ignore[arg-type]  # one of the kinds
    try:
        results = audited(site)
    finally:
        proxy.heal()
    assert results.exit_code == 1
    assert results.total(Outcome.DAMAGED, Outcome.UNREADABLE) >= FILES
    proxy.harm(kind, only="GET", after=5)  # type: ignore[arg-type]  # also the marker and the listing
    try:
        assert audited(site).exit_code != 0
    finally:
        proxy.heal()
    repair(site.archive, actor=SYSTEM.ref)
    assert audited(site).exit_code == 0


def test_a_store_that_is_busy_is_looked_at_again_and_no_incident(site: Site, proxy: Proxy) -> None:
    bucket = site.settings.replicas[1].bucket
    proxy.harm("say", only=f"GET /{bucket}/r/", words="503 SlowDown")
    try:
        results = audited(site)
    finally:
        proxy.heal()
    assert results.exit_code == 2
    assert results.total(Outcome.NOT_CHECKED) >= FILES
    with site.archive.reading() as session:
        assert open_incidents(session) == []
    assert audited(site).exit_code == 0


def test_an_object_whose_volume_is_gone_is_found_and_mended(site: Site, proxy: Proxy) -> None:
    """As SeaweedFS answers then: the key is there, its body is an internal error."""
    bucket = site.settings.replicas[1].bucket
    [key, *_others] = bags(site.archive.replicas.store("b"))
    proxy.harm("say", only=f"GET /{bucket}/{key}", words="500 InternalError")
    try:
        results = audited(site)
        assert results.total(Outcome.UNREADABLE) == 1
        [left] = repair(site.archive, actor=SYSTEM.ref)
        assert left.code == "repair.not_intact_after_write"  # freed and written anew, which the fault hides as well
        proxy.harm("say", only=f"GET /{bucket}/{key}", times=8, words="500 InternalError")  # read twice, with retries
        [mended] = repair(site.archive, actor=SYSTEM.ref)
    finally:
        proxy.heal()
    assert (mended.repaired, mended.evidence_key) == (True, None)
    assert mended.source == "a"
    with site.archive.reading() as session:
        incident = session.get_one(Incident, mended.incident_id)
        entry = session.scalars(
            select(LedgerEntry.body).where(LedgerEntry.act == "incident.repaired").order_by(LedgerEntry.seq.desc())
        ).first()
    assert incident.resolution is not None
    assert incident.resolution["evidence"] == "unreadable"
    assert '"evidence":"unreadable"' in (entry or "").replace(" ", "")
    assert audited(site).exit_code == 0


def test_a_store_that_serves_other_bytes_is_found_and_mended(site: Site, seaweed: Seaweed) -> None:
    """Somebody with more rights put an older state over an object, as a store restored from its own backup would."""
    b = site.archive.replicas.store("b")
    key = bags(b)[0]
    good = b"".join(b.read(key))
    bucket = site.settings.replicas[1].bucket
    seaweed.client().put_object(Bucket=bucket, Key=key, Body=good[:-1] + b"!")
    results = audited(site)
    assert results.exit_code == 1
    assert results.total(Outcome.DAMAGED) == 1
    repair(site.archive, actor=SYSTEM.ref)
    assert audited(site).exit_code == 0
    assert hashlib.sha256(b"".join(b.read(key))).digest() == hashlib.sha256(good).digest()


def test_a_store_that_is_away_is_named_and_comes_back(site: Site, proxy: Proxy) -> None:
    proxy.harm("refuse")
    try:
        found = {one["name"]: one for one in status(site.archive)["replicas"]}
        assert not found["b"]["reachable"]
        assert found["a"]["reachable"]
        again = open_site(load(home=site.settings.home))
        with pytest.raises(Unavailable) as error:
            again.archive.replicas.store("b").head("holding/00001.json")
        assert error.value.code == "store.down"
        again.close()
    finally:
        proxy.heal()
    assert status(site.archive)["replicas"][1]["reachable"]


def test_two_buckets_and_a_bucket_of_another_holding(tmp_path: Path, seaweed: Seaweed, site: Site) -> None:
    first, second = (seaweed.make_bucket() for _ in range(2))
    both = [replica("a", seaweed, seaweed.endpoint, first), replica("b", seaweed, seaweed.endpoint, second)]
    made = initialise(load(home=tmp_path / "two", replicas=both), bureau="测试局", division="330000")
    try:
        assert status(made.archive)["failure_domains"]["shared"] == [["a", "b"]]
    finally:
        made.close()
    taken = [replica("a", seaweed, seaweed.endpoint, site.settings.replicas[1].bucket)]
    with pytest.raises(Exception, match="another holding"):
        initialise(load(home=tmp_path / "third", replicas=taken), bureau="测试局", division="330000")


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "s3"},
        {"kind": "s3", "endpoint": "ftp://x", "bucket": "abc"},
        {"kind": "s3", "endpoint": "https://user:word@x", "bucket": "abc"},
        {"kind": "s3", "endpoint": "https://x", "bucket": "ab"},
        {"kind": "s3", "endpoint": "https://x", "bucket": "abc", "path": "x"},
        {"kind": "s3", "endpoint": "https://x", "bucket": "abc", "lock_days": 3},
        {"kind": "s3", "endpoint": "https://x", "bucket": "abc", "secret_key": "hush", "secret_file": "x"},
        {"kind": "local"},
        {"kind": "local", "path": "x", "bucket": "abc"},
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, given: dict[str, object]) -> None:
    with pytest.raises(Invalid) as error:
        load(home=tmp_path, replicas=[{"name": "a", **given}])
    assert error.value.code == "settings.invalid"
    assert "hush" not in error.value.en


def test_a_secret_from_the_environment_is_not_written(
    tmp_path: Path, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTAI_REPLICA_SECRETS__A", seaweed.writer.secret_key)
    one = replica("a", seaweed, seaweed.endpoint, seaweed.make_bucket()).model_copy(
        update={"secret_key": SecretStr("")}
    )
    made = initialise(load(home=tmp_path / "home", replicas=[one]), bureau="测试局", division="330000")
    made.close()
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file() and path.suffix not in {".db", ".db-wal", ".db-shm"}:
            assert seaweed.writer.secret_key.encode() not in path.read_bytes(), path
