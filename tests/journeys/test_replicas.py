"""The life of replicas by the command line: added, killed in the middle, full, compared, retired; on folders and on S3."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.commands import Commands
from tests.journeys.warm import FEW_PAPERS, WarmCommands
from tests.services.seaweed import Seaweed

_CONFLICT = 73


@pytest.fixture
def lantai(lantai: WarmCommands) -> WarmCommands:
    """A fresh site with few papers."""
    lantai.environment.update(FEW_PAPERS)
    return lantai


def _deposit(lantai: WarmCommands, folder: Path, *, files: int, size: int) -> None:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.bin").write_bytes(os.urandom(size))
    lantai.run("ingest", folder, "--accept", "--wait")


def _replica(lantai: WarmCommands, name: str) -> dict[str, object]:
    return next(one for one in lantai.json("replica", "list")["replicas"] if one["name"] == name)


def _pending(lantai: WarmCommands) -> int:
    """Objects that the replicas within reach still have to get."""
    return sum(one["pending"] for one in lantai.json("status")["replicas"] if one["reachable"])


def _keys(folder: Path) -> set[str]:
    found = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    return {one for one in found if not one.startswith((".tmp", "holding/"))}


def _describe(lantai: WarmCommands, seaweed: Seaweed, name: str, bucket: str, *, other: bool = False) -> None:
    key = seaweed.other_writer if other else seaweed.writer
    with (lantai.home / "lantai.toml").open("a", encoding="utf-8") as out:
        out.write(
            f'\n[[replicas]]\nname = "{name}"\nkind = "s3"\nendpoint = "{seaweed.endpoint}"\nbucket = "{bucket}"\n'
            f'access_key = "{key.access_key}"\nsecret_key = "{key.secret_key}"\n'
        )


@contextmanager
def _disk(place: Path, size: str) -> Iterator[None]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root and mount(8) to put a small disk under a replica")
    place.mkdir(parents=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"this machine may not mount: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_fill_that_is_killed_goes_on_while_deposits_come_in(lantai: WarmCommands, tmp_path: Path) -> None:
    _deposit(lantai, tmp_path / "papers", files=60, size=400_000)
    place = lantai.home / "replicas" / "c"
    filling = lantai.cold.start("replica", "add", "c", "--path", "replicas/c")
    deadline = time.monotonic() + 120
    while not any(place.glob("r/**/*.zip")):
        assert time.monotonic() < deadline
        assert filling.poll() is None, filling.communicate()
        time.sleep(0.02)
    os.kill(filling.pid, signal.SIGKILL)
    filling.communicate()
    before = {key: (place / key).stat().st_ino for key in _keys(place)}
    assert _replica(lantai, "c")["state"] == "filling"
    _deposit(lantai, tmp_path / "more", files=1, size=1000)
    told = lantai.json("replica", "add", "c")
    assert told["added"] is False
    assert told["replica"]["state"] == "active"
    assert _keys(place) == _keys(lantai.home / "replicas" / "a")
    assert all((place / key).stat().st_ino == inode for key, inode in before.items()), "nothing was written twice"
    lantai.run("replica", "compare", "a", "c", "--deep")
    lantai.run("replica", "retire", "a", "--yes")
    kept = _keys(lantai.home / "replicas" / "a")
    _deposit(lantai, tmp_path / "last", files=1, size=1000)
    assert _keys(lantai.home / "replicas" / "a") == kept, "a retired replica is left alone"
    (place / min(before)).unlink()
    found = lantai.json("replica", "compare", "b", "c", expect=1)
    assert [(one["kind"], one["key"]) for one in found["listed"]] == [("only_first", min(before))]
    assert "replica.too_few" in lantai.run("replica", "retire", "b", "--json", expect=_CONFLICT).stdout


def test_a_new_replica_that_is_full_is_waited_for(lantai: WarmCommands, tmp_path: Path) -> None:
    _deposit(lantai, tmp_path / "papers", files=2, size=6 << 20)
    place = tmp_path / "small"
    with _disk(place, "8m"):
        filling = lantai.start("replica", "add", "c", "--path", place)
        deadline = time.monotonic() + 120
        while not _waits(lantai, "store.full"):
            assert time.monotonic() < deadline
            assert filling.poll() is None, filling.communicate()
            time.sleep(0.5)
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        told, _none = filling.communicate(timeout=120)
        assert filling.returncode == 0, told
        assert "is full" in told
        assert _replica(lantai, "c")["state"] == "active"
        lantai.run("replica", "compare", "a", "c", "--deep")


def _waits(lantai: WarmCommands, code: str) -> bool:
    found = [one for one in lantai.json("replica", "list")["replicas"] if one["name"] == "c"]
    return bool(found) and ((found[0]["filling"] or {}).get("trouble") or {}).get("code") == code


def test_workers_fill_what_was_added_without_waiting(lantai: WarmCommands, tmp_path: Path) -> None:
    worker = lantai.start("worker")
    try:
        _deposit(lantai, tmp_path / "papers", files=3, size=1000)
        assert lantai.json("replica", "add", "c", "--path", "replicas/c", "--no-wait")["added"] is True
        deadline = time.monotonic() + 150
        while _replica(lantai, "c")["state"] != "active":
            assert time.monotonic() < deadline
            time.sleep(0.5)
        filling = lantai.json("jobs", "list", "--work", "fill_replica_v1")["jobs"]
        done, total = map(int, filling[-1]["progress"].split("/"))
        assert total // 2 < done <= total, "every object is written; the last ones may not have been read back yet"
    finally:
        worker.terminate()
        worker.communicate(timeout=60)


def test_what_only_a_lost_replica_had_comes_from_quarantine(lantai: WarmCommands, tmp_path: Path) -> None:
    stores = {name: lantai.home / "replicas" / name for name in ("a", "b")}
    away = tmp_path / "away"
    _deposit(lantai, tmp_path / "papers", files=2, size=1000)
    lantai.environment["LANTAI_CONFIRMATIONS"] = "1"
    stores["a"].rename(away)
    _deposit(lantai, tmp_path / "more", files=2, size=20 << 20)
    away.rename(stores["a"])
    only = {one for one in _keys(stores["b"]) - _keys(stores["a"]) if one.endswith(".zip")}
    given = {key: (stores["b"] / key).read_bytes() for key in only}
    assert given
    stores["b"].rename(tmp_path / "burnt")
    lantai.run("replica", "add", "c", "--path", "replicas/c", "--no-wait")
    worker = lantai.start("worker")
    try:
        deadline = time.monotonic() + 300
        while _replica(lantai, "c")["state"] != "active" or _pending(lantai):  # blocks are sealed meanwhile
            assert time.monotonic() < deadline
            time.sleep(0.5)
    finally:
        worker.terminate()
        told, _none = worker.communicate(timeout=60)
    assert "Traceback" not in told, told
    lantai.run("replica", "retire", "b", "--yes")
    for name in ("a", "c"):
        assert {key: (lantai.home / "replicas" / name / key).read_bytes() for key in only} == given
    lantai.run("replica", "compare", "a", "c", "--deep")
    assert lantai.json("fixity", "audit", "--all", "--deep")["at_fault"] == 0


def test_replicas_on_object_storage(lantai: WarmCommands, tmp_path: Path, seaweed: Seaweed) -> None:
    _deposit(lantai, tmp_path / "papers", files=3, size=20_000)
    for name, other in (("s", False), ("t", True)):
        _describe(lantai, seaweed, name, seaweed.make_bucket(), other=other)
        lantai.run("status")  # a store that is described and not yet added is left alone
        assert lantai.json("replica", "add", name)["replica"]["state"] == "active"
    found = lantai.json("replica", "list")
    assert ["s", "t"] in [list(one["replicas"]) for one in found["shared"] if one["kind"] == "service"]
    assert not [one for one in found["shared"] if one["kind"] == "credentials"]
    lantai.run("replica", "compare", "a", "s", "--deep")
    lantai.run("replica", "compare", "s", "t", "--deep")
    lantai.run("replica", "retire", "a", "--yes")
    lantai.run("replica", "retire", "b", "--yes")
    _deposit(lantai, tmp_path / "more", files=1, size=1000)
    lantai.run("replica", "compare", "s", "t")
    assert lantai.json("fixity", "audit", "--all")["at_fault"] == 0
    _refused_with_other_keys(lantai)


def _refused_with_other_keys(lantai: WarmCommands) -> None:
    """A second program that is pointed at the same stores with keys of its own does not start, and writes nothing."""
    other = Commands(lantai.home.with_name("other"))
    lantai.run("ledger", "seal")  # with the first block the key stands in the stores
    shutil.copytree(lantai.home, other.home)
    shutil.rmtree(other.home / "keys")
    stranger = WarmCommands(lantai.home.with_name("stranger"), standby=lantai.standby)
    stranger.run("init", "--yes")
    shutil.copytree(stranger.home / "keys", other.home / "keys")
    told = other.run("status", expect=_CONFLICT)
    assert "other keys" in told.stderr


def test_one_place_is_never_two_replicas(lantai: WarmCommands) -> None:
    text = (lantai.home / "lantai.toml").read_text(encoding="utf-8")
    (lantai.home / "lantai.toml").write_text(text.replace("replicas/b", "replicas/a/../a"), encoding="utf-8")
    assert "one place" in lantai.run("status", expect=_CONFLICT).stderr
