"""What a store says about itself: the holding marker, the description of the format, a reader (storage format 1).

The marker names the holding and the replica, so that a store of another holding, or two replicas exchanged by a wrong
mount, are refused before a byte is written. Markers differ from replica to replica and are therefore no rows of the
catalogue; each carries its own digest, and every audit checks it (``check_marker``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from metadata import digests
from metadata.errors import Conflict, Invalid, LantaiError, NotFound, Unavailable
from repository import canonical
from repository.archive import Archive
from repository.clock import stamp
from repository.keys import Keys
from repository.storage import layout
from repository.storage.base import Store
from repository.tables import ReplicaObject, StoredObject

FORMAT = "lantai-holding/1"
MARKER_DAMAGED = "holding.marker_damaged"
DOCUMENTS = (layout.DOCUMENT, layout.READER)


@dataclass(frozen=True, slots=True)
class Marker:
    """A holding marker. ``zone``: the bureau's time zone (IANA name)."""

    number: int
    holding_id: str
    replica: str
    zone: str
    created_at: str


def packaged(name: str) -> bytes:
    """The bytes of ``STORAGE-FORMAT-1.md`` or ``read_bag.py`` as this program brings them."""
    return resources.files("repository.format").joinpath(name).read_bytes()


def marker_bytes(*, number: int, holding_id: str, replica: str, zone: str, at: datetime) -> bytes:
    """The bytes of a marker: canonical JSON with the SHA-256 of itself without ``sha256``."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "number": number,
        "holding": holding_id,
        "storage_format": layout.FORMAT,
        "replica": replica,
        "zone": zone,
        "created_at": stamp(at),
    }
    body["sha256"] = digests.of_bytes(canonical.dumps(body))
    return canonical.dumps(body) + b"\n"


def read_marker(store: Store) -> Marker:
    """The marker with the highest number.

    ``Unavailable`` when the store has none (not initialised, or its disk is not mounted); ``Invalid`` when damaged.
    """
    keys = [stat.key for stat in store.list("holding/") if layout.parse(stat.key).kind == "marker"]
    if not keys:
        raise Unavailable(
            "holding.no_marker",
            zh=f"存储“{store.name}”中没有馆藏标记。请检查磁盘是否已挂载；新存储请先初始化。",
            en=f"Store {store.name} has no holding marker. Is its disk mounted? A new store must be initialised first.",
            store=store.name,
        )
    key = keys[-1]
    try:
        data = b"".join(store.read(key))
        body = json.loads(data)
        claimed = body.pop("sha256")
        sound = canonical.dumps({**body, "sha256": claimed}) + b"\n" == data
        if not sound or digests.of_bytes(canonical.dumps(body)) != claimed or body["format"] != FORMAT:
            raise _damaged_marker(store, key)
        return Marker(body["number"], body["holding"], body["replica"], body["zone"], body["created_at"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged_marker(store, key) from error


def check_marker(store: Store, holding_id: str) -> Marker:
    """Prove that ``store`` belongs to the holding and is the replica it is taken for.

    Errors as ``read_marker``; ``Conflict`` for a store of another holding or another replica of this one.
    """
    marker = read_marker(store)
    if marker.holding_id != holding_id:
        raise Conflict(
            "holding.other_holding",
            zh=f"存储“{store.name}”属于另一个馆藏（{marker.holding_id}），已拒绝使用。请检查设置和挂载点。",
            en=f"Store {store.name} belongs to another holding ({marker.holding_id}) and was refused. Check settings and mounts.",
            store=store.name,
            found=marker.holding_id,
        )
    if marker.replica != store.name:
        raise Conflict(
            "holding.other_replica",
            zh=f"设置中的副本“{store.name}”所在位置实际是副本“{marker.replica}”，已拒绝使用。请检查挂载点。",
            en=f"Where replica {store.name} should lie there is replica {marker.replica}; it was refused. Check the mounts.",
            store=store.name,
            found=marker.replica,
        )
    return marker


def check_keys(store: Store, keys: Keys, holding_id: str) -> None:
    """``Conflict`` when ``store`` knows ledger keys and none of this site's is among them: another program writes there.

    A store without any key has not been written by anybody yet.
    """
    listed = (layout.parse(stat.key) for stat in store.list("ledger/keys/"))
    there = {info.name for info in listed if info.kind == "ledger_key"}
    if there and not there & {key_id for key_id, _ in keys.key_documents(holding_id)}:
        raise Conflict(
            "holding.other_keys",
            zh=f"存储“{store.name}”中的台账是用别的密钥签名的，已拒绝使用，没有写入任何内容：可能有另一个程序在使用同一存储，或密钥文件不是本站点的。请检查设置，或从备份恢复密钥。",
            en=f"The ledger in store {store.name} is signed with other keys; it was refused and nothing was written. Another program uses the same store, or the key file is not this site's: check the settings, or restore the keys from their backup.",
            store=store.name,
        )


def write_marker(store: Store, *, holding_id: str, zone: str, at: datetime) -> Marker:
    """Write the next marker (after a damaged one, or when the bureau's zone changes); the highest number counts."""
    numbers = [layout.parse(stat.key).number or 0 for stat in store.list("holding/")]
    number = max(numbers, default=0) + 1
    data = marker_bytes(number=number, holding_id=holding_id, replica=store.name, zone=zone, at=at)
    store.create(layout.holding_key(number), [data])
    return check_marker(store, holding_id)


def initialise_store(session: Session, *, archive: Archive, store: Store) -> Marker:
    """Make ``store`` a replica of the holding: marker, description of the format, reader, and their catalogue rows.

    Can be repeated. ``Conflict`` when the store carries another holding's or replica's marker. The documents of a
    holding are frozen on first use: a newer program leaves them as they are.
    """
    store.prepare()
    now = archive.clock.now()
    try:
        marker = check_marker(store, archive.holding_id)
    except Unavailable as error:
        if error.code != "holding.no_marker":
            raise
        marker = write_marker(store, holding_id=archive.holding_id, zone=archive.zone, at=now)
    for name in DOCUMENTS:
        _put_document(session, name, store=store, now=now)
    return marker


def _put_document(session: Session, name: str, *, store: Store, now: datetime) -> None:
    known = session.get(StoredObject, name)
    data = (known.body if known is not None else None) or _stored(store, name) or packaged(name)
    store.create(name, [data], expect=known.sha256 if known is not None else None)
    if known is None:
        row = {
            "key": name,
            "kind": "document",
            "sha256": digests.of_bytes(data),
            "size": len(data),
            "body": data,
            "created_at": now,
        }
        session.execute(insert(StoredObject), [row])
    there = select(ReplicaObject).where(ReplicaObject.replica == store.name, ReplicaObject.key == name)
    placed = session.scalars(there).first()
    if placed is None:
        session.execute(insert(ReplicaObject), [{"replica": store.name, "key": name, "written_at": now}])
    elif placed.written_at is None:
        placed.written_at = now


def _stored(store: Store, name: str) -> bytes | None:
    try:
        return b"".join(store.read(name))
    except NotFound:
        return None


def _damaged_marker(store: Store, key: str) -> LantaiError:
    return Invalid(
        MARKER_DAMAGED,
        zh=f"存储“{store.name}”的馆藏标记 {key} 已损坏。请运行 lantai fixity audit 和 lantai fixity repair 写入新标记。",
        en=f"The holding marker {key} of store {store.name} is damaged. Run `lantai fixity audit` and `lantai fixity repair`, which write a new one.",
        store=store.name,
        key=key,
    )
