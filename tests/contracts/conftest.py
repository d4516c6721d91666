"""Backends under the storage contract: one entry a backend; every test of the suite runs on each."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from repository.storage.base import Store
from repository.storage.destroy import Destroyer
from repository.storage.destroy.local import LocalDestroyer
from repository.storage.destroy.s3 import S3Destroyer
from repository.storage.local import LocalStore
from repository.storage.s3.options import S3Options
from repository.storage.s3.store import S3Store
from tests.services.seaweed import Seaweed


@dataclass(frozen=True)
class Backend:
    """A fresh, empty store; ``again`` opens the same store anew, as another process would."""

    store: Store
    again: Callable[[], Store]
    destroyer: Destroyer


def _local(tmp_path: Path) -> Backend:
    root = tmp_path / "store"
    store = LocalStore("a", root)
    store.prepare()
    return Backend(store, lambda: LocalStore("a", root), LocalDestroyer(store))


@pytest.fixture(scope="session")
def bucket(seaweed: Seaweed) -> str:
    """A bucket with versions that tests share, each below a prefix of its own: a bucket takes whole volumes."""
    return seaweed.make_bucket()


@pytest.fixture(scope="session")
def plain_bucket(seaweed: Seaweed) -> str:
    """A bucket without versions, shared in the same way."""
    return seaweed.make_bucket(versioned=False)


def s3_options(seaweed: Seaweed, bucket: str, **more: Any) -> S3Options:
    """A fresh prefix of a bucket, for credentials without Admin unless others are given."""
    who = more.pop("who", seaweed.writer)
    given = {"endpoint": seaweed.endpoint, "access_key": who.access_key, "secret_key": who.secret_key}
    return S3Options(bucket=bucket, **{**given, "prefix": f"t-{secrets.token_hex(6)}", **more})


def _s3(options: S3Options) -> Backend:
    store = S3Store("a", options)
    store.prepare()
    return Backend(store, lambda: S3Store("a", options), S3Destroyer(store))


@pytest.fixture(params=("local", "s3", "s3-unversioned"))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Each backend in turn."""
    if request.param == "local":
        return _local(tmp_path)
    seaweed = request.getfixturevalue("seaweed")
    if request.param == "s3":
        return _s3(s3_options(seaweed, request.getfixturevalue("bucket")))
    return _s3(s3_options(seaweed, request.getfixturevalue("plain_bucket"), versioned=False))


@pytest.fixture
def store(backend: Backend) -> Store:
    """The backend's store."""
    return backend.store
