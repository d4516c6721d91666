"""Markers and documents that make a folder a replica of one holding."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from metadata.errors import Conflict, Invalid, Unavailable
from metadata.identifiers import new_id
from repository import holding
from repository.clock import FixedClock
from repository.db import Sessions
from repository.storage.local import LocalStore
from repository.tables import Replica, ReplicaObject, StoredObject

HOLDING = "3f0c1a2b-0000-4000-8000-000000000001"


@pytest.fixture
def archive(clock: FixedClock) -> Any:
    return SimpleNamespace(holding_id=HOLDING, zone="Asia/Shanghai", clock=clock)


@pytest.fixture
def stores(tmp_path: Path, sessions: Sessions, archive: Any, clock: FixedClock) -> list[LocalStore]:
    made = [LocalStore(name, tmp_path / name) for name in ("a", "b")]
    with sessions.begin() as session:
        for store in made:
            session.add(Replica(name=store.name, kind="local", location=str(store.root), added_at=clock.now()))
        session.flush()
        for store in made:
            holding.initialise_store(session, archive=archive, store=store)
    return made


def test_a_replica_explains_itself(stores: list[LocalStore], sessions: Sessions) -> None:
    for store in stores:
        assert [stat.key for stat in store.list()] == ["STORAGE-FORMAT-1.md", "holding/00001.json", "read_bag.py"]
        marker = holding.check_marker(store, HOLDING)
        assert (marker.number, marker.replica, marker.zone) == (1, store.name, "Asia/Shanghai")
        assert b"".join(store.read("read_bag.py")) == holding.packaged("read_bag.py")
    with sessions() as session:
        assert sorted(session.scalars(select(StoredObject.key))) == ["STORAGE-FORMAT-1.md", "read_bag.py"]
        assert all(one.written_at for one in session.scalars(select(ReplicaObject)))


def test_initialising_again_changes_nothing(stores: list[LocalStore], sessions: Sessions, archive: Any) -> None:
    before = {stat.key: b"".join(stores[0].read(stat.key)) for stat in stores[0].list()}
    with sessions.begin() as session:
        holding.initialise_store(session, archive=archive, store=stores[0])
    assert before == {stat.key: b"".join(stores[0].read(stat.key)) for stat in stores[0].list()}


def test_a_newer_program_keeps_the_documents_of_the_holding(
    stores: list[LocalStore], sessions: Sessions, archive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = holding.packaged("read_bag.py")
    monkeypatch.setattr(holding, "packaged", lambda _name: b"newer")
    third = LocalStore("c", tmp_path / "c")
    with sessions.begin() as session:
        session.add(Replica(name="c", kind="local", location="c", added_at=archive.clock.now()))
        session.flush()
        holding.initialise_store(session, archive=archive, store=third)
    assert b"".join(third.read("read_bag.py")) == old


def test_another_holding_is_refused(stores: list[LocalStore], sessions: Sessions, archive: Any) -> None:
    with pytest.raises(Conflict) as error:
        holding.check_marker(stores[0], new_id())
    assert error.value.code == "holding.other_holding"
    archive.holding_id = new_id()
    with sessions.begin() as session, pytest.raises(Conflict):
        holding.initialise_store(session, archive=archive, store=stores[0])


def test_exchanged_mounts_are_refused(stores: list[LocalStore]) -> None:
    with pytest.raises(Conflict) as error:
        holding.check_marker(LocalStore("a", stores[1].root), HOLDING)
    assert error.value.code == "holding.other_replica"


def test_an_empty_folder_is_no_replica(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as error:
        holding.check_marker(LocalStore("a", tmp_path), HOLDING)
    assert error.value.code == "holding.no_marker"


def test_any_changed_byte_of_a_marker_is_seen(stores: list[LocalStore], clock: FixedClock) -> None:
    path = stores[0].root / "holding/00001.json"
    good = path.read_bytes()
    for position in range(0, len(good), 3):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(Invalid) as error:
            holding.check_marker(stores[0], HOLDING)
        assert error.value.code == "holding.marker_damaged"
    assert holding.write_marker(stores[0], holding_id=HOLDING, zone="Asia/Urumqi", at=clock.now()).number == 2
    assert holding.check_marker(stores[0], HOLDING).zone == "Asia/Urumqi"


def test_the_description_is_in_the_documentation_too() -> None:
    docs = Path("docs/storage-format.md").read_bytes()
    assert docs == holding.packaged("STORAGE-FORMAT-1.md")


def test_the_reader_is_short_and_runs_alone(stores: list[LocalStore]) -> None:
    source = holding.packaged("read_bag.py").decode()
    assert source.count("\n") < 100
    imported = set(re.findall(r"[\w.]+", " ".join(re.findall(r"^import (.+)$", source, re.MULTILINE))))
    assert imported <= set(sys.stdlib_module_names)
    run = subprocess.run(
        [sys.executable, "-I", str(stores[0].root / "read_bag.py")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "holds no bags" in run.stdout
