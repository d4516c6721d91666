"""Object storage behind TLS of an own CA: every client of the store trusts it, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from metadata.errors import LantaiError
from repository.storage.s3.store import ONE_PUT, S3Store
from tests.conftest import served
from tests.contracts.conftest import s3_options
from tests.services.certificates import make_certificates
from tests.services.seaweed import Seaweed

KEY = "r/3f/0c/3f0c0000-0000-4000-8000-000000000001/v00001.zip"
MIB = 1 << 20


@pytest.fixture(scope="module")
def guarded() -> Iterator[Seaweed]:
    """A SeaweedFS behind TLS."""
    yield from served(Seaweed(tls=True), "no SeaweedFS here")


@pytest.mark.parametrize("size", [5_000, 6 * MIB, ONE_PUT + MIB])
def test_small_and_large_objects_come_and_go(guarded: Seaweed, size: int) -> None:
    store = S3Store("a", s3_options(guarded, guarded.make_bucket(), ca_file=str(guarded.ca_file)))
    store.prepare()
    data = bytes(range(256)) * (size // 256)
    assert not store.create(KEY, [data]).existed
    assert store.create(KEY, [data]).existed
    assert b"".join(store.read(KEY)) == data
    assert [one.key for one in store.list()] == [KEY]


def test_another_ca_is_refused_in_one_line(guarded: Seaweed, tmp_path: Path) -> None:
    make_certificates(tmp_path, name="another CA")
    bucket = guarded.make_bucket()
    for ca_file in (str(tmp_path / "ca.pem"), ""):
        store = S3Store("a", s3_options(guarded, bucket, ca_file=ca_file))
        for act in (store.prepare, lambda store=store: store.create(KEY, [b"x"]), lambda store=store: store.head(KEY)):
            with pytest.raises(LantaiError) as error:
                act()
            assert error.value.code == "store.tls"
            assert guarded.writer.secret_key not in str(error.value)
