"""Reading by range, exporting, making plain bags, and the reader that needs no Lantai."""

from __future__ import annotations

import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import bagit
import pytest

from metadata.errors import Conflict, Invalid, NotFound
from repository.bag.create import create_bag
from repository.bag.export import export_folder, export_zip
from repository.bag.plan import BagPlan
from repository.bag.read import directory, members_of, open_bag, read_member
from repository.bag.verify import validate
from repository.holding import packaged
from repository.storage.local import LocalStore

RECORD = "3f0c1a2b-0000-4000-8000-000000000001"
KEY = f"r/3f/0c/{RECORD}/v00001.zip"


@pytest.fixture
def store(tmp_path: Path, packed: bytes) -> LocalStore:
    made = LocalStore("a", tmp_path / "store")
    made.prepare()
    made.create(KEY, [packed])
    return made


def damage(store: LocalStore, position: int) -> None:
    path = store.root / KEY
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_the_directory_tells_the_planned_offsets(store: LocalStore, plan: BagPlan) -> None:
    found = {one.path: one for one in directory(store, KEY)}
    assert {one.path: one.offset for one in plan.payload}.items() <= {p: m.offset for p, m in found.items()}.items()
    for one in found.values():
        data = b"".join(read_member(store, KEY, one.offset, one.size))
        assert (len(data), zlib.crc32(data)) == (one.size, one.crc32)


def test_a_damaged_directory(store: LocalStore) -> None:
    damage(store, -10)
    with pytest.raises(Invalid):
        directory(store, KEY)
    with pytest.raises(NotFound):
        directory(store, "none")


def test_members_must_be_read_in_turn(packed: bytes) -> None:
    stream = members_of([packed])
    assert next(stream).name.endswith("/bagit.txt")
    with pytest.raises(RuntimeError):
        next(stream)


def test_one_file_of_any_bag(packed_file: Path, store: LocalStore) -> None:
    for source in (packed_file, (store, KEY)):
        with open_bag(source) as bag:
            assert b"".join(bag.chunks("data/申请书.txt")) == "张三".encode()
            assert bag.sizes["data/scans/0002.jpg"] == 1_500_000


def test_export_as_folder(store: LocalStore, tmp_path: Path) -> None:
    out = tmp_path / "out" / "bag"
    assert export_folder(store, KEY, out).valid
    assert bagit.Bag(str(out)).is_valid()
    assert validate(out).valid
    with pytest.raises(Conflict):
        export_folder(store, KEY, out)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert export_folder(store, KEY, empty).valid


def test_export_as_zip(store: LocalStore, packed: bytes, tmp_path: Path) -> None:
    export_zip(store, KEY, tmp_path / "bag.zip")
    assert (tmp_path / "bag.zip").read_bytes() == packed
    with pytest.raises(Conflict):
        export_zip(store, KEY, tmp_path / "bag.zip")


@pytest.mark.parametrize("position", [0, 5_000, 1_000_000, -10])
def test_a_damaged_bag_is_not_exported(store: LocalStore, tmp_path: Path, position: int) -> None:
    damage(store, position)
    for export in (export_folder, export_zip):
        with pytest.raises(Invalid) as error:
            export(store, KEY, tmp_path / "out" / "bag")
        assert error.value.code == "bag.export_damaged"
        assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(NotFound):
        export_folder(store, "none", tmp_path / "out" / "bag")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_plain_bag_of_somebodys_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "深").mkdir(parents=True)
    (source / "深" / "表.txt").write_bytes(b"1")
    (source / "big.bin").write_bytes(bytes(3_000_000))
    made = create_bag(source, tmp_path / "bag", algorithms=("sha512", "sm3"))
    assert (made.files, made.bytes) == (2, 3_000_001)
    report = validate(tmp_path / "bag")
    assert (report.errors, report.warnings) == ([], [])
    assert report.algorithms == ("sha512", "sm3")
    assert bagit.Bag(str(tmp_path / "bag")).is_valid()
    assert create_bag(source / "big.bin", tmp_path / "one").files == 1
    with pytest.raises(Conflict):
        create_bag(source, tmp_path / "bag")
    with pytest.raises(Invalid):
        create_bag(source, source / "inside")
    with pytest.raises(Invalid):
        create_bag(source, tmp_path / "x", algorithms=("blake9",))
    (source / "link").symlink_to("/etc/passwd")
    with pytest.raises(Invalid) as error:
        create_bag(source, tmp_path / "y")
    assert error.value.code == "bag.not_a_file"


# -- read_bag.py -----------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(store: LocalStore) -> Path:
    path = store.root / "read_bag.py"
    path.write_bytes(packaged("read_bag.py"))
    return path


def run(reader: Path, *arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(reader), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_the_reader_checks_a_whole_store(reader: Path, store: LocalStore) -> None:
    code, said = run(reader)
    assert (code, said.count("intact")) == (0, 1)
    assert run(reader, store.root)[0] == 0
    assert run(reader, store.root / KEY)[0] == 0


def test_the_reader_unpacks(reader: Path, store: LocalStore, tmp_path: Path) -> None:
    assert run(reader, store.root / KEY, "--extract", tmp_path / "out")[0] == 0
    assert validate(tmp_path / "out" / f"{RECORD}-v00001").valid


def test_the_reader_names_what_is_damaged(reader: Path, store: LocalStore, plan: BagPlan) -> None:
    damage(store, plan.payload[0].offset)
    code, said = run(reader)
    assert code == 1
    assert "FAULT" in said
    assert "data/申请书.txt" in said


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sm3"])
def test_the_reader_checks_every_manifest(
    reader: Path, store: LocalStore, algorithm: str, packed_file: Path, tmp_path: Path
) -> None:
    """Well-formed containers with one wrong digest in one manifest."""
    wrong = tmp_path / "wrong.zip"
    with zipfile.ZipFile(packed_file) as old, zipfile.ZipFile(wrong, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith(f"/manifest-{algorithm}.txt"):
                data = (b"1" if data[:1] == b"0" else b"0") + data[1:]
            new.writestr(info, data)
    code, said = run(reader, wrong)
    assert code == 1
    assert f"differs from manifest-{algorithm}.txt: data/申请书.txt" in said


def test_the_reader_says_what_it_could_not_check(reader: Path, store: LocalStore) -> None:
    source = reader.read_text().replace('"sha512", "sm3"', '"sha512"')
    reader.write_text(source)
    code, said = run(reader)
    assert code == 2
    assert "not_checked manifest-sm3.txt" in said
    assert "intact" in said


def test_the_reader_goes_on_after_a_broken_file(reader: Path, store: LocalStore) -> None:
    (store.root / "r/00").mkdir(parents=True)
    (store.root / "r/00/broken.zip").write_bytes(b"no zip")
    code, said = run(reader)
    assert code == 1
    assert said.count("cannot be read") == 1
    assert said.count("intact") == 1
