"""A plan fixes every byte; packing only fills it in, and refuses bytes that are not the pinned ones."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from metadata import digests
from metadata.errors import Invalid
from repository.bag import container, pack
from repository.bag.plan import DIGESTED, BagPlan, PayloadFile, load, plan_bag, save
from repository.bag.verify import verify_object
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from tests.unit.bag.conftest import ALGORITHMS, RECORD, TAGS, payload_file

TOP = f"{RECORD}-v00001/"


def test_tag_files_come_first_and_in_order(plan: BagPlan, packed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        assert [name.removeprefix(TOP) for name in names] == [
            "bagit.txt",
            "bag-info.txt",
            "manifest-sha256.txt",
            "manifest-sha512.txt",
            "manifest-sm3.txt",
            "tagmanifest-sha256.txt",
            "tagmanifest-sha512.txt",
            "tagmanifest-sm3.txt",
            "metadata/premis.xml",
            "metadata/record.json",
            "metadata/deposit/bag-info.txt",
            "data/申请书.txt",
            "data/空.bin",
            "data/scans/0001.jpg",
            "data/scans/0002.jpg",
            "data/100％ ＄HOME： a？.txt",
        ]
        assert archive.testzip() is None
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            assert info.flag_bits == 0x800
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.read(TOP + "bag-info.txt").decode().splitlines() == [
            "Source-Organization: 示例县民政局",
            "External-Description: two lines",
            "Bagging-Date: 2026-01-05",
            f"Payload-Oxum: {plan.payload_bytes}.5",
        ]
        assert archive.read(TOP + "bagit.txt") == plan.tag("bagit.txt")
    with pytest.raises(KeyError):
        plan.tag("fetch.txt")


def test_offsets_and_size_are_known_before_packing(plan: BagPlan, packed: bytes, contents: dict[str, bytes]) -> None:
    assert len(packed) == plan.object_size
    for one in plan.payload:
        assert packed[one.offset : one.offset + one.size] == contents[one.original_name]
    for tag in plan.tags:
        assert packed[tag.offset : tag.offset + len(tag.data)] == tag.data


def test_packing_is_a_pure_function_of_the_plan(
    plan: BagPlan, packed: bytes, contents: dict[str, bytes], tmp_path: Path
) -> None:
    again = load(save(plan, tmp_path / "plans"))
    assert again == plan
    assert pack.pack_bytes(again, lambda source: io.BytesIO(contents[source])) == packed


def test_chunks_are_about_a_mebibyte(plan: BagPlan, contents: dict[str, bytes]) -> None:
    sizes = [len(chunk) for chunk in pack.chunks(plan, lambda source: io.BytesIO(contents[source]))]
    assert max(sizes) <= 2 * pack.CHUNK


def short_reads(data: bytes) -> io.RawIOBase:
    class Short(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 777) if size and size > 0 else size)

    return Short(data)  # type: ignore[return-value]


def test_sources_that_read_short(plan: BagPlan, packed: bytes, contents: dict[str, bytes]) -> None:
    assert pack.pack_bytes(plan, lambda source: short_reads(contents[source])) == packed  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("name", ["申请书.txt", "空.bin", "scans/0001.jpg", "scans/0002.jpg"])
@pytest.mark.parametrize("change", ["longer", "shorter", "flipped"])
def test_a_changed_source_never_becomes_visible(
    plan: BagPlan, contents: dict[str, bytes], name: str, change: str, tmp_path: Path
) -> None:
    data = contents[name]
    if change != "longer" and not data:
        pytest.skip("nothing to change in an empty file")
    changed = {
        "longer": data + b"x",
        "shorter": data[:-1],
        "flipped": data[:-1] + bytes([data[-1] ^ 1] if data else []),
    }
    contents[name] = changed[change]
    stores = [LocalStore("a", tmp_path / "a"), LocalStore("b", tmp_path / "b")]
    for store in stores:
        store.prepare()
    with pytest.raises(pack.SourceChanged) as error:
        Replicas(stores).create_stream(
            "k", lambda: pack.chunks(plan, lambda source: io.BytesIO(contents[source])), plan.object_size
        )
    assert name in error.value.en
    assert error.value.path == next(one.path for one in plan.payload if one.original_name == name)
    assert [list(store.list()) for store in stores] == [[], []]


def test_any_changed_byte_of_a_saved_plan_is_seen(plan: BagPlan, tmp_path: Path) -> None:
    path = save(plan, tmp_path)
    good = path.read_bytes()
    for position in [0, 1, 200, 600, len(good) // 2, len(good) - 1]:
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(Invalid) as error:
            load(path)
        assert error.value.code == "bag.plan_damaged"
    for length in (0, 1, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(Invalid):
            load(path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_ten_thousand_files_are_planned_saved_and_loaded_fast(tmp_path: Path) -> None:
    digest = {"sha256": "0" * 64, "sha512": "0" * 128}
    files = [PayloadFile(f"data/d{n // 100:03d}/f{n:05d}", "n", None, "s", n, n, digest) for n in range(10_000)]
    started = time.perf_counter()
    plan = plan_bag(
        RECORD, 1, payload=files, tags={}, info=[], algorithms=("sha256", "sha512"), bagging_date=date(2026, 1, 5)
    )
    assert load(save(plan, tmp_path)) == plan
    assert time.perf_counter() - started < 5  # about 0.2 s on an idle machine


def plan_of(files: list[PayloadFile], **changed: object) -> BagPlan:
    arguments = {"tags": {}, "info": [], "algorithms": ("sha256",), "bagging_date": date(2026, 1, 5), **changed}
    return plan_bag(RECORD, 1, payload=files, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("bag.algorithms", {"algorithms": ()}),
        ("bag.algorithms", {"algorithms": ("md5",)}),
        ("bag.algorithms", {"algorithms": ("sha256", "sha256")}),
        (
            "bag.digest_missing",
            {"algorithms": ("sha256", "sha512", "sm3", "sha256")[:2], "digests": {"sha256": "0" * 64}},
        ),
        ("bag.unsafe_tag_path", {"tags": {"bagit.txt": b""}}),
        ("bag.unsafe_tag_path", {"tags": {"fetch.txt": b""}}),
        ("bag.unsafe_tag_path", {"tags": {"data/x": b""}}),
        ("bag.unsafe_tag_path", {"tags": {"../x": b""}}),
        ("bag.unsafe_tag_path", {"tags": {"manifest-sm3.txt": b""}}),
        ("bag.bad_label", {"info": [("a:b", "c")]}),
        ("bag.unsafe_payload_path", {"path": "data/../x"}),
        ("bag.unsafe_payload_path", {"path": "x"}),
        ("bag.unsafe_payload_path", {"path": "data/a\nb"}),
    ],
)
def test_what_cannot_be_planned(code: str, changed: dict[str, object], plan: BagPlan) -> None:
    own = {name: changed.pop(name) for name in ("path", "digests") if name in changed}
    file = dataclasses.replace(plan.payload[0], **own)  # type: ignore[arg-type]
    with pytest.raises(Invalid) as error:
        plan_of([file], **changed)
    assert error.value.code == code


def test_a_bag_needs_unique_payload(plan: BagPlan) -> None:
    with pytest.raises(Invalid) as error:
        plan_of([])
    assert error.value.code == "bag.no_payload"
    twice = dataclasses.replace(plan.payload[0], path=plan.payload[0].path.upper().replace("DATA/", "data/"))
    with pytest.raises(Invalid):
        plan_of([plan.payload[0], twice])


def test_zip64_headers() -> None:
    size = 5 << 30
    assert container.local_header_length("x", size) == len(container.local_header("x", size, 0)) == 51
    assert container.zip64_size(container.local_header("x", size, 0)[31:]) == size
    assert container.zip64_size(b"") is None
    assert len(container.end_of_directory(65_535, 0, 0)) == 98
    assert len(container.end_of_directory(65_534, 0, 0)) == 22


def _in_pieces(data: bytes) -> PayloadFile:
    pieces = [data[at : at + DIGESTED] for at in range(0, len(data), DIGESTED)]
    return dataclasses.replace(
        payload_file("data/film", "film", data), chunk_sha256="".join(digests.of_bytes(one, "sha256") for one in pieces)
    )


def test_pieces_with_digests_of_their_own_are_checked_before_their_last_bytes(tmp_path: Path) -> None:
    data = hashlib.shake_128(b"film").digest(DIGESTED) * 2 + b"the end"
    plan = plan_bag(
        RECORD, 1, payload=[_in_pieces(data)], tags=TAGS, info=[], algorithms=ALGORITHMS, bagging_date=date(2026, 1, 5)
    )
    assert load(save(plan, tmp_path)) == plan
    packed = b"".join(pack.chunks(plan, lambda _source: io.BytesIO(data)))
    assert verify_object([packed]).valid
    spans = list(plan.known())
    assert [one.length for one in spans] == [DIGESTED, DIGESTED, 7]
    for one in spans:
        assert hashlib.sha256(packed[one.offset : one.offset + one.length]).hexdigest() == one.sha256
    flipped = bytearray(data)
    flipped[DIGESTED + 5] ^= 1
    for wrong in (bytes(flipped), data[:-1], data[:DIGESTED], data + b"x"):
        given = bytearray()
        chunks = pack.chunks(plan, lambda _source, wrong=wrong: io.BytesIO(wrong))
        with pytest.raises(pack.SourceChanged):
            _take(chunks, given)
        whole = [given[one.offset : one.offset + one.length] for one in spans if one.offset + one.length <= len(given)]
        assert [hashlib.sha256(one).hexdigest() for one in whole] == [one.sha256 for one in spans[: len(whole)]]


def _take(chunks: Iterator[bytes], given: bytearray) -> None:
    for chunk in chunks:
        given.extend(chunk)


MANY = """
import io, resource, sys, zipfile, zlib, hashlib
from datetime import date
from repository.bag import pack
from repository.bag.plan import PayloadFile, plan_bag
from repository.bag.verify import verify_object
size = int(sys.argv[1])
zeros = bytes(1 << 20)
class Zeros(io.RawIOBase):
    left = size
    def read(self, most=-1):
        self.left -= len(zeros)
        return zeros if self.left >= 0 else b""
crc, sha = 0, hashlib.sha256()
for _ in range(size >> 20):
    crc, _none = zlib.crc32(zeros, crc), sha.update(zeros)
file = PayloadFile("data/x", "x", None, "x", size, crc, {"sha256": sha.hexdigest()})
small = PayloadFile("data/y", "y", None, "y", 1, zlib.crc32(b"y"), {"sha256": hashlib.sha256(b"y").hexdigest()})
plan = plan_bag("3f0c1a2b-0000-4000-8000-000000000001", 1, payload=[file, small],
    tags={}, info=[], algorithms=("sha256",), bagging_date=date(2026, 1, 5))
report = verify_object(pack.chunks(plan, lambda source: Zeros() if source == "x" else io.BytesIO(b"y")))
print(report.valid, report.octets, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


@pytest.mark.slow
def test_files_beyond_four_gibibytes_in_flat_memory(tmp_path: Path) -> None:
    peaks = []
    for size in (100 << 20, 4100 << 20):
        run = subprocess.run(
            [sys.executable, "-c", MANY, str(size)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        valid, octets, peak = run.stdout.split()
        assert (valid, int(octets)) == ("True", size + 1)
        peaks.append(int(peak))
    assert peaks[1] < peaks[0] * 1.2


def test_a_large_object_opens_with_other_programs(planned: Callable[..., BagPlan], tmp_path: Path) -> None:
    """More than 65,534 members and offsets beyond 4 GiB, as a sparse file: the directory is what is under test."""
    digest = {"sha256": hashlib.sha256(b"").hexdigest()}
    files = [PayloadFile(f"data/{n}", "n", None, "s", 0, 0, digest) for n in range(66_000)]
    plan = plan_of(files)
    data = pack.pack_bytes(plan, lambda _source: io.BytesIO())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == len(plan.tags) + 66_000
    big = plan_of([PayloadFile(f"data/{n}", "n", None, "s", 3 << 30, 0, digest) for n in range(2)])
    path = tmp_path / "sparse.zip"
    with path.open("wb") as out:
        for one in big.payload:
            header = container.local_header(big.top + one.path, one.size, 0)
            out.seek(one.offset - len(header))
            out.write(header)
        out.seek(big.directory_offset)
        out.write(pack._directory(big))
    assert path.stat().st_size == big.object_size
    with zipfile.ZipFile(path) as archive:
        assert [info.file_size for info in archive.infolist()][-2:] == [3 << 30, 3 << 30]
        with archive.open(big.top + "data/1") as member:
            assert member.read(10) == bytes(10)


def test_plan_is_one_readable_file(plan: BagPlan, tmp_path: Path) -> None:
    head = json.loads(save(plan, tmp_path).read_bytes().split(b"\n", 2)[1])
    assert head["format"] == "lantai-bag-plan/1"
    assert head["object_size"] == plan.object_size
