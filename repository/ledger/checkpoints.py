"""Checkpoints: a signed inventory of the whole holding as of a block, in shards that are written only when they change.

A shard holds the records and case files whose id begins with its two hex digits; ``other`` holds profiles, entities,
ledger keys and the description of the format. Markers differ from store to store, blocks are covered by the chain, evidence is no holding: they are left
out. ``checkpoint.json`` names every shard by path and digest (often the path of an earlier checkpoint) and the last
block of each stream; it is written after its shards and is the only file that makes a checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from metadata import digests
from metadata.errors import Conflict, Invalid, NotFound, Unavailable
from repository import canonical, leases, pending
from repository.archive import Archive
from repository.clock import stamp
from repository.db import by_bytes
from repository.ledger import acts, block, seal
from repository.ledger.entry import ACTS, STREAMS, ActorRef
from repository.ledger.verify import CHECKPOINT_FORMAT as FORMAT
from repository.revisions import FrozenObject, freeze
from repository.storage import layout
from repository.storage.base import Store
from repository.tables import LedgerBlock, Record, RecordVersion, ReplicaObject, StoredObject

SHARD_FORMAT = "lantai-checkpoint-shard/1"
FILE = "checkpoint.json"
OTHER = "other"
SHARDS = tuple(f"{number:02x}" for number in range(256))
_LEFT_OUT = ("bag", "description", "case_file", "tombstone", "block", "checkpoint", "marker", "evidence")
_LEASE_SECONDS = 1800.0
_SYSTEM = ActorRef("system", "system")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as read: ``heads`` stream -> (number, sha256); ``shards`` name -> (key, sha256)."""

    number: int
    holding: str
    made_at: str
    heads: Mapping[str, tuple[int, str]]
    shards: Mapping[str, tuple[str, str]]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A checkpoint just made: how many shards were written anew, how many point at earlier ones."""

    number: int
    key: str
    written: int
    unchanged: int
    objects: int


def write_checkpoint(archive: Archive, *, actor: ActorRef = _SYSTEM) -> CheckpointInfo:
    """Seal what waits, then freeze a checkpoint as of the last block and bring it to the replicas.

    Errors as ``seal``; nothing is half made: a checkpoint without its ``checkpoint.json`` is none.
    """
    holder = leases.holder_name("checkpoint")
    with leases.held(archive.sessions, "checkpoint", holder, _LEASE_SECONDS, archive.clock):
        with archive.sessions.begin() as session:
            acts.checkpoint_made(session, at=archive.clock.now(), actor=actor)
            _forget_bodies(session)
        seal.seal(archive)
        with archive.sessions.begin() as session:
            info = _freeze(session, archive)
    while pending.write_pending_objects(archive):
        pass
    return info


def _forget_bodies(session: Session) -> None:
    """Earlier checkpoints that every replica confirmed need no copy in the database."""
    waiting = select(ReplicaObject.key).where(ReplicaObject.written_at.is_(None))
    session.execute(
        update(StoredObject)
        .where(StoredObject.kind == "checkpoint", StoredObject.body.is_not(None), StoredObject.key.not_in(waiting))
        .values(body=None)
    )


def _freeze(session: Session, archive: Archive) -> CheckpointInfo:
    heads = {stream: newest for stream in STREAMS if (newest := seal.last_block(session, stream)) is not None}
    number = heads[ACTS].number
    before = _previous_shards(session, archive)
    shards: dict[str, dict[str, Any]] = {}
    fresh: list[FrozenObject] = []
    for name in (*SHARDS, OTHER):
        data, objects = _shard(session, archive.holding_id, name)
        if not objects:
            continue
        sha256 = digests.of_bytes(data)
        path = before[name][0] if name in before and before[name][1] == sha256 else None
        if path is None:
            path = layout.checkpoint_key(number, f"{name}.jsonl")
            fresh.append(FrozenObject(path, "checkpoint", data))
        shards[name] = {"path": path, "sha256": sha256, "size": len(data), "objects": objects}
    document = {
        "format": FORMAT,
        "holding": archive.holding_id,
        "number": number,
        "made_at": stamp(archive.clock.now()),
        "ledger": {stream: {"number": one.number, "sha256": one.sha256} for stream, one in heads.items()},
        "records": session.scalar(select(func.count()).select_from(Record).where(Record.state == "active")) or 0,
        "objects": sum(shard["objects"] for shard in shards.values()),
        "shards": shards,
        "key_id": archive.keys.ledger_key_id,
    }
    key = layout.checkpoint_key(number, FILE)
    signed = canonical.dumps(block.sign(document, archive.keys.sign)) + b"\n"
    freeze(session, [*fresh, FrozenObject(key, "checkpoint", signed)], now=archive.clock.now())
    return CheckpointInfo(number, key, len(fresh), len(shards) - len(fresh), int(str(document["objects"])))


def _previous_shards(session: Session, archive: Archive) -> Mapping[str, tuple[str, str]]:
    row = session.execute(
        select(StoredObject.key, StoredObject.sha256, StoredObject.body)
        .where(StoredObject.kind == "checkpoint", StoredObject.key.endswith("/" + FILE))
        .order_by(StoredObject.key.desc())
        .limit(1)
    ).first()
    if row is None:
        return {}
    key, sha256, body = row
    try:
        return _read_document(body if body is not None else archive.replicas.read_any(key, sha256), key).shards
    except (Unavailable, Invalid):
        return {}  # then every shard is written anew, which costs room and loses nothing


def _range(prefix: str) -> tuple[str, str]:
    return prefix, prefix + "~"


def _shard(session: Session, holding: str, name: str) -> tuple[bytes, int]:
    """A shard's bytes and how many objects it lists; equal holdings give equal bytes."""
    lines = [canonical.dumps({"format": SHARD_FORMAT, "holding": holding, "shard": name})]
    objects = 0
    for row in _objects(session, name):
        lines.append(canonical.dumps(row))
        objects += 1
    if name != OTHER:
        lines.extend(canonical.dumps(row) for row in _records(session, name))
    return b"".join(line + b"\n" for line in lines), objects


def _objects(session: Session, name: str) -> Iterator[dict[str, Any]]:
    column = by_bytes(session, StoredObject.key)
    wanted = select(StoredObject.key, StoredObject.kind, StoredObject.sha256, StoredObject.size)
    if name == OTHER:
        wanted = wanted.where(StoredObject.kind.not_in(_LEFT_OUT))
    else:
        ranges = [_range(f"{place}/{name}/") for place in ("c", "r", "tombstones")]
        wanted = wanted.where(or_(*(column.between(first, last) for first, last in ranges)))
    for key, kind, sha256, size in session.execute(wanted.order_by(column)):
        yield {"key": key, "kind": kind, "sha256": sha256, "size": size}


def _records(session: Session, name: str) -> Iterator[dict[str, Any]]:
    first, last = _range(name)
    column = by_bytes(session, Record.id)
    rows = session.execute(
        select(Record.id, Record.state, Record.head_version, Record.description_revision, RecordVersion.object_sha256)
        .outerjoin(
            RecordVersion, (RecordVersion.record_id == Record.id) & (RecordVersion.number == Record.head_version)
        )
        .where(column.between(first, last))
        .order_by(column)
    )
    for record_id, state, version, revision, sha256 in rows:
        yield {
            "record_id": record_id,
            "state": state,
            "head_version": version,
            "head_sha256": sha256,
            "description_revision": revision,
        }


def _read_document(data: bytes, key: str) -> Checkpoint:
    try:
        document = json.loads(data)
        return Checkpoint(
            number=document["number"],
            holding=document["holding"],
            made_at=document["made_at"],
            heads={stream: (head["number"], head["sha256"]) for stream, head in document["ledger"].items()},
            shards={name: (shard["path"], shard["sha256"]) for name, shard in document["shards"].items()},
            document=document,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(
            "ledger.checkpoint_malformed",
            zh=f"检查点 {key} 已损坏，无法读取。请运行台账校验，并从其他副本修复。",
            en=f"The checkpoint {key} is damaged. Verify the ledger and repair it from another replica.",
            key=key,
        ) from error


def read_newest(store: Store) -> Checkpoint | None:
    """The newest checkpoint on ``store`` that can be read, or nothing; its signature is the verifier's business."""
    keys = [stat.key for stat in store.list("ledger/checkpoints/") if stat.key.endswith("/" + FILE)]
    for key in reversed(keys):
        try:
            return _read_document(b"".join(store.read(key)), key)
        except (Invalid, NotFound):
            continue
    return None


def read_inventory(store: Store, checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    """Every object that the checkpoint lists: ``{"key", "kind", "sha256", "size"}``, shard by shard.

    ``Conflict`` when a shard's bytes are not those that the checkpoint names.
    """
    for name in sorted(checkpoint.shards):
        key, sha256 = checkpoint.shards[name]
        data = b"".join(store.read(key))
        if digests.of_bytes(data) != sha256:
            raise Conflict(
                "ledger.shard_altered",
                zh=f"检查点分片 {key} 与检查点记载的摘要不符。请从其他副本修复。",
                en=f"The checkpoint shard {key} does not have the digest that its checkpoint names. Repair it from another replica.",
                key=key,
            )
        for line in data.splitlines()[1:]:
            row = json.loads(line)
            if "key" in row:
                yield row


def newest_blocks(session: Session) -> dict[str, int]:
    """Stream -> number of its last block in the catalogue."""
    found = session.execute(select(LedgerBlock.stream, func.max(LedgerBlock.number)).group_by(LedgerBlock.stream))
    return dict(found.tuples().all())
