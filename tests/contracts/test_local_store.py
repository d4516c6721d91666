"""What the local folder promises beyond the port: durability, links, full disks, dying processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metadata.errors import Conflict, NotFound, Unavailable
from repository.storage.destroy.local import LocalDestroyer
from repository.storage.local import TEMPORARY, LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    made = LocalStore("a", tmp_path / "store")
    made.prepare()
    return made


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def leftovers(store: LocalStore) -> list[str]:
    return names(store.root / TEMPORARY)


def test_nothing_stays_in_the_temporary_folder(store: LocalStore) -> None:
    store.create("a/b", [b"x"])
    store.create("a/b", [b"x"])
    with pytest.raises(Conflict):
        store.create("a/b", [b"y"])
    assert leftovers(store) == []
    assert [stat.key for stat in store.list()] == ["a/b"]
    assert (store.root / "a/b").stat().st_mode & 0o007 == 0


def test_every_create_is_brought_to_stable_storage(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """File first, then its name, then the folders: seen at the system calls."""
    calls: list[tuple[str, str]] = []
    fsync, link = os.fsync, os.link

    def seen_fsync(descriptor: int) -> None:
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        calls.append(("fsync", "file" if f"/{TEMPORARY}/" in path else os.path.relpath(path, store.root)))
        fsync(descriptor)

    def seen_link(*args: object, **kwargs: object) -> None:
        calls.append(("link", ""))
        link(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "link", seen_link)
    store.create("a/b/c", [b"x"])
    assert calls == [("fsync", "."), ("fsync", "a"), ("fsync", "file"), ("link", ""), ("fsync", "a/b")]
    calls.clear()
    store.create("a/b/d", [b"x"])
    assert calls == [("fsync", "file"), ("link", ""), ("fsync", "a/b")]
    calls.clear()
    LocalStore("a", store.root).create("a/b/e", [b"x"])  # another process cannot know that the folders are safe
    assert calls == [("fsync", "."), ("fsync", "a"), ("fsync", "file"), ("link", ""), ("fsync", "a/b")]


DYING = """
import os, sys
from pathlib import Path
from repository.storage.local import LocalStore
store = LocalStore("a", Path(sys.argv[1]))
def chunks():
    for number in range(10**9):
        yield b"x" * (1 << 20)
        if number == 3:
            print("writing", flush=True)
            sys.stdin.readline()
store.create("a/b/victim", chunks())
"""


def test_a_killed_writer_leaves_nothing_visible(store: LocalStore) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DYING, str(store.root)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert list(store.list()) == []
    with pytest.raises(NotFound):
        store.head("a/b/victim")
    left = leftovers(store)
    assert len(left) == 1
    assert store.check() == 0  # young: its writer could still live
    old = time.time() - 2 * 24 * 3600
    os.utime(store.root / TEMPORARY / left[0], (old, old))
    assert store.check() == 1
    assert leftovers(store) == []
    store.create("a/b/victim", [b"whole"])


LIMITED = """
import resource, sys
from pathlib import Path
from metadata.errors import Unavailable
from repository.storage.local import LocalStore
resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
try:
    LocalStore("a", Path(sys.argv[1])).create("big", (b"x" * (1 << 20) for _ in range(10)))
except Unavailable as error:
    print(error.code, "|", error.en)
"""


def test_a_full_store_says_so_and_keeps_nothing(store: LocalStore) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(store.root)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    code, _, sentence = run.stdout.partition(" | ")
    assert code == "store.full"
    assert "Store a is full" in sentence
    assert "Make room" in sentence
    assert list(store.list()) == []
    assert leftovers(store) == []


def _can_mount(folder: Path) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    return done.returncode == 0


def test_a_disk_that_runs_full_or_turns_read_only(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    if not _can_mount(root):
        pytest.skip("needs the right to mount a small file system")
    try:
        store = LocalStore("a", root)
        store.prepare()
        store.create("a/kept", [b"x"])
        with pytest.raises(Unavailable) as full:
            store.create("a/big", (b"x" * (1 << 20) for _ in range(8)))
        assert full.value.code == "store.full"
        assert [stat.key for stat in store.list()] == ["a/kept"]
        assert leftovers(store) == []
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        with pytest.raises(Unavailable) as read_only:
            store.create("a/other", [b"x"])
        assert read_only.value.code == "store.read_only"
        assert b"".join(store.read("a/kept")) == b"x"
    finally:
        subprocess.run(["umount", str(root)], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(store: LocalStore) -> None:
    store.root.chmod(0o500)
    try:
        with pytest.raises(Unavailable) as error:
            LocalStore("a", store.root).create("a/b", [b"x"])
        assert error.value.code == "store.denied"
    finally:
        store.root.chmod(0o700)


def test_links_lead_nowhere(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (store.root / "a").symlink_to(outside)
    (store.root / "b").mkdir()
    (store.root / "b/secret").symlink_to(outside / "secret")
    for key in ("a/secret", "b/secret"):
        with pytest.raises(Unavailable) as error:
            b"".join(store.read(key))
        assert error.value.code == "store.link"
        with pytest.raises(Unavailable):
            store.head(key)
        with pytest.raises((Unavailable, Conflict)):
            store.create(key, [b"x"])
    with pytest.raises(Unavailable):
        store.create("a/new", [b"x"])
    with pytest.raises(Unavailable):
        LocalDestroyer(store).delete_version("a/secret", "current")
    assert names(outside) == ["secret"]
    assert [stat.key for stat in store.list()] == ["a", "b/secret"]  # seen by an inventory, never followed


def test_special_files_do_not_hang_a_reader(store: LocalStore) -> None:
    os.mkfifo(store.root / "pipe")
    with pytest.raises(Unavailable):
        store.head("pipe")


def test_a_missing_root_is_not_filled_in(tmp_path: Path) -> None:
    store = LocalStore("a", tmp_path / "not mounted")
    for act in (
        lambda: store.create("a", [b"x"]),
        lambda: list(store.list()),
        lambda: store.head("a"),
        store.check,
    ):
        with pytest.raises(Unavailable) as error:
            act()
        assert error.value.code == "store.root_missing"
        assert "mounted" in error.value.en
    with pytest.raises(Unavailable):
        LocalDestroyer(store).absent("a")
    assert not store.root.exists()


def test_another_folder_at_the_root_is_refused(store: LocalStore, tmp_path: Path) -> None:
    store.create("a/b", [b"x"])
    store.root.rename(tmp_path / "unmounted")
    store.root.mkdir()
    with pytest.raises(Unavailable) as error:
        store.create("a/c", [b"x"])
    assert error.value.code == "store.root_changed"
    assert names(store.root) == []


def test_strange_names_are_listed(store: LocalStore) -> None:
    (store.root / "档案.txt").write_bytes(b"x")
    with open(os.fsencode(store.root) + b"/\xff.txt", "wb") as out:
        out.write(b"y")
    assert sorted(stat.key for stat in store.list()) == ["\\xff.txt", "档案.txt"]


def test_set_aside_after_a_crash_between_its_steps(store: LocalStore) -> None:
    store.create("k/x", [b"damaged"])
    (store.root / "evidence").mkdir()
    os.link(store.root / "k/x", store.root / "evidence/x")
    store.set_aside("k/x", "evidence/x")
    assert [stat.key for stat in store.list()] == ["evidence/x"]
