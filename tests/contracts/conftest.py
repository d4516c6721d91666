"""Backends under the storage contract: one entry a backend; every test of the suite runs on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from repository.storage.base import Store
from repository.storage.destroy import Destroyer, LocalDestroyer
from repository.storage.local import LocalStore


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


BACKENDS: dict[str, Callable[[Path], Backend]] = {"local": _local}


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Each backend in turn."""
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def store(backend: Backend) -> Store:
    """The backend's store."""
    return backend.store
