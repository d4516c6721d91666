"""A small archive with two local replicas and real bags in them."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from metadata import digests
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.bag.pack import pack_bytes
from repository.bag.plan import PayloadFile, plan_bag, safe_payload_paths
from repository.clock import FixedClock
from repository.db import Sessions, reading_sessions
from repository.holding import initialise_store
from repository.keys import Keys
from repository.ledger.acts import ActorRef
from repository.objects import register
from repository.storage import layout
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Holding, Organ, Record, RecordVersion, Replica, StoredFile

ALGORITHMS = ("sha512", "sm3")
OFFICER = ActorRef("console:officer", "console")

DOCUMENTS = 2
"""Objects that every store holds from its first day: the description of the format and its reader."""

StoreRecord = Callable[..., str]


@pytest.fixture
def archive(tmp_path: Path, engine: Engine, sessions: Sessions, clock: FixedClock) -> Archive:
    """An initialised archive without records."""
    holding_id = new_id()
    stores = [LocalStore(name, tmp_path / "replicas" / name) for name in ("a", "b")]
    with sessions.begin() as session:
        session.add(Holding(id=holding_id, zone="Asia/Shanghai", name="", created_at=clock.now()))
        session.add(Organ(id=new_id(), code="330000-MZ", name_zh="民政局", level="county", division_prefix="330000"))
        for store in stores:
            location = str(store.root)
            session.add(Replica(name=store.name, kind=store.kind, location=location, added_at=clock.now()))
    quarantine, derivatives = tmp_path / "quarantine", tmp_path / "derivatives"
    quarantine.mkdir()
    derivatives.mkdir()
    made = Archive(
        holding_id=holding_id,
        zone="Asia/Shanghai",
        sessions=sessions,
        reading=reading_sessions(engine),
        replicas=Replicas(stores),
        keys=Keys.create(tmp_path / "keys"),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=quarantine,
        derivatives=derivatives,
    )
    with sessions.begin() as session:
        for store in stores:
            initialise_store(session, archive=made, store=store)
    return made


def folder_of(archive: Archive, replica: str) -> Path:
    """The folder of a local replica."""
    store = archive.replicas.store(replica)
    assert isinstance(store, LocalStore)
    return store.root


def files_of(count: int = 3, size: int = 5000, seed: int = 1) -> dict[str, bytes]:
    """Deterministic files by name."""
    source = random.Random(seed)
    return {f"申请 {number}.bin": source.randbytes(size) for number in range(count)}


@pytest.fixture
def store_record(archive: Archive) -> StoreRecord:
    """Accession a record made of files; answers its object key."""

    def store(files: Mapping[str, bytes] | None = None) -> str:
        files = files if files is not None else files_of()
        record_id = new_id()
        payload = [
            PayloadFile(
                path=path,
                original_name=name,
                original_name_bytes=None,
                source=name,
                size=len(files[name]),
                crc32=zlib.crc32(files[name]),
                digests={one: digests.of_bytes(files[name], one) for one in ALGORITHMS},
            )
            for name, path in zip(files, safe_payload_paths(files), strict=True)
        ]
        plan = plan_bag(
            record_id,
            1,
            payload=payload,
            tags={"metadata/record.json": b'{"format":"lantai-record/1"}'},
            info=[("Source-Organization", "test")],
            algorithms=ALGORITHMS,
            bagging_date=date(2026, 1, 5),
        )
        data = pack_bytes(plan, lambda name: io.BytesIO(files[name]))
        key = layout.bag_key(record_id, 1)
        written = archive.replicas.create_bytes(key, data)
        now = archive.clock.now()
        with archive.sessions.begin() as session:
            organ_id = session.scalars(select(Organ.id)).one()
            session.execute(
                insert(Record),
                [
                    {
                        "id": record_id,
                        "title": "test",
                        "organ_id": organ_id,
                        "division_code": "330000000000",
                        "description": {},
                        "profile_version": "social_assistance/2026.1",
                        "created_at": now,
                    }
                ],
            )
            sha256 = digests.of_bytes(data)
            session.execute(
                insert(RecordVersion),
                [
                    {
                        "record_id": record_id,
                        "number": 1,
                        "object_key": key,
                        "object_sha256": sha256,
                        "object_size": len(data),
                        "file_count": len(files),
                        "payload_bytes": plan.payload_bytes,
                        "algorithms": list(ALGORITHMS),
                        "created_at": now,
                    }
                ],
            )
            session.execute(
                insert(StoredFile),
                [
                    {
                        "id": new_id(),
                        "record_id": record_id,
                        "version": 1,
                        "position": position,
                        "path": one.path,
                        "original_name": one.original_name,
                        "size": one.size,
                        "offset": one.offset,
                        "crc32": one.crc32,
                        "digests": dict(one.digests),
                    }
                    for position, one in enumerate(plan.payload)
                ],
            )
            register(
                session,
                clock=archive.clock,
                key=key,
                kind="bag",
                sha256=sha256,
                size=len(data),
                record_id=record_id,
                written=written,
            )
        return key

    return store


def flip(path: Path, offset: int) -> None:
    """Change one byte of a file, as a disk would: behind everybody's back."""
    path.chmod(0o640)
    with path.open("r+b") as out:
        out.seek(offset)
        byte = out.read(1)[0]
        out.seek(offset)
        out.write(bytes([byte ^ 0x40]))
