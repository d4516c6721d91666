"""Bags to work on: a plan over files in memory, and bags that bagit-python made."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from metadata import digests
from repository.bag import pack
from repository.bag.plan import BagPlan, PayloadFile, plan_bag, safe_payload_paths

RECORD = "3f0c1a2b-0000-4000-8000-000000000001"
ALGORITHMS = ("sha256", "sha512", "sm3")
TAGS = {
    "metadata/record.json": b"{}\n",
    "metadata/premis.xml": b"<premis/>",
    "metadata/deposit/bag-info.txt": b"A: b\n",
}


def payload_file(path: str, name: str, data: bytes) -> PayloadFile:
    return PayloadFile(
        path, name, None, name, len(data), zlib.crc32(data), {one: digests.of_bytes(data, one) for one in ALGORITHMS}
    )


def make_plan(contents: Mapping[str, bytes], *, algorithms: tuple[str, ...] = ALGORITHMS) -> BagPlan:
    paths = safe_payload_paths(contents)
    return plan_bag(
        RECORD,
        1,
        payload=[payload_file(path, name, data) for path, (name, data) in zip(paths, contents.items(), strict=True)],
        tags=TAGS,
        info=[("Source-Organization", "示例县民政局"), ("External-Description", "two\nlines")],
        algorithms=algorithms,
        bagging_date=date(2026, 1, 5),
    )


CONTENTS: dict[str, bytes] = {
    "申请书.txt": "张三".encode(),
    "空.bin": b"",
    "scans/0001.jpg": hashlib.shake_128(b"1").digest(300_000),
    "scans/0002.jpg": hashlib.shake_128(b"2").digest(1_500_000),
    "100% $HOME: a?.txt": b"percent",
}


@pytest.fixture
def contents() -> dict[str, bytes]:
    return dict(CONTENTS)


@pytest.fixture
def plan() -> BagPlan:
    return make_plan(CONTENTS)


@pytest.fixture
def planned() -> Callable[..., BagPlan]:
    return make_plan


@pytest.fixture
def packed(plan: BagPlan) -> bytes:
    return pack.pack_bytes(plan, lambda source: io.BytesIO(CONTENTS[source]))


@pytest.fixture
def packed_file(packed: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "v00001.zip"
    path.write_bytes(packed)
    return path
