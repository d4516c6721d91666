"""A backup as an object: planned and packed like a record's bag, under a key that says when it was made.

``backup/<moment>-<id>.zip`` is the bag; ``backup/<moment>-<id>.json`` beside it, its label, is written once the bag was
read back and found whole. A bag without a label is one whose making did not end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from metadata.errors import Invalid, LantaiError, NotFound
from repository import canonical
from repository.backup.passphrase import seal
from repository.backup.rows import TableFile
from repository.bag.manifest import manifest
from repository.bag.pack import chunks as packed
from repository.bag.plan import PayloadFile, plan_bag
from repository.bag.read import members_of
from repository.bag.verify import ObjectCheck
from repository.clock import parse_stamp, stamp
from repository.leases import Hold
from repository.storage.base import Store

FORMAT = "lantai-backup/1"
LABEL_FORMAT = "lantai-backup-label/1"
PREFIX = "backup/"
FACTS = "metadata/backup.json"
SECRETS = "metadata/secrets.json"
TABLES = "data/tables/"
_MANIFEST = "manifest-sha256.txt"
_CAPTURED = frozenset({FACTS, SECRETS, _MANIFEST})
_CAPTURED_BYTES = 16 << 20
_ALGORITHMS = ("sha256",)

Chunks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Facts:
    """What a backup says of itself. ``ledger``: stream -> number and SHA-256 of the last block in it.

    ``schema``: the revision of the tables; ``database``: the kind it was taken from; ``tables``: rows of each;
    ``pending``: entries that no block held yet.
    """

    id: str
    made_at: datetime
    holding: str
    program: str
    schema: str
    database: str
    ledger: Mapping[str, tuple[int, str]]
    pending: int
    tables: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """``metadata/backup.json``."""
        return (
            canonical.dumps(
                {
                    "format": FORMAT,
                    "id": self.id,
                    "made_at": stamp(self.made_at),
                    "holding": self.holding,
                    "program": self.program,
                    "schema": self.schema,
                    "database": self.database,
                    "ledger": {stream: {"number": n, "sha256": sha} for stream, (n, sha) in self.ledger.items()},
                    "pending": self.pending,
                    "tables": dict(self.tables),
                    "settings": dict(self.settings),
                }
            )
            + b"\n"
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Facts:
        """What ``to_bytes`` wrote; ``Invalid`` (``backup.malformed``) for anything else."""
        try:
            told = json.loads(data)
            if told["format"] != FORMAT:
                raise malformed(str(told["format"]))
            return cls(
                id=str(told["id"]),
                made_at=parse_stamp(told["made_at"]),
                holding=str(told["holding"]),
                program=str(told["program"]),
                schema=str(told["schema"]),
                database=str(told["database"]),
                ledger={stream: (int(one["number"]), str(one["sha256"])) for stream, one in told["ledger"].items()},
                pending=int(told["pending"]),
                tables={str(name): int(rows) for name, rows in told["tables"].items()},
                settings=told["settings"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise malformed(FACTS) from error

    @property
    def key(self) -> str:
        """The object's key."""
        return f"{PREFIX}{self.made_at:%Y%m%dT%H%M%SZ}-{self.id[:8]}.zip"


@dataclass(frozen=True)
class Label:
    """A finished backup in a store, as its label tells it; sizes in bytes."""

    facts: Facts
    key: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """What people call it: the key without folder and ending."""
        return self.key.removeprefix(PREFIX).removesuffix(".zip")

    def to_bytes(self) -> bytes:
        """The label's own object."""
        told = {"format": LABEL_FORMAT, "key": self.key, "sha256": self.sha256, "size": self.size}
        return canonical.dumps({**told, "backup": json.loads(self.facts.to_bytes())}) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Label:
        """What ``to_bytes`` wrote; ``Invalid`` for anything else."""
        try:
            told = json.loads(data)
            if told["format"] != LABEL_FORMAT:
                raise malformed(str(told["format"]))
            facts = Facts.from_bytes(json.dumps(told["backup"]).encode())
            return cls(facts, str(told["key"]), str(told["sha256"]), int(told["size"]))
        except (ValueError, KeyError, TypeError) as error:
            raise malformed("label") from error


@dataclass(frozen=True)
class Seen:
    """A backup that was read once from end to end and found whole."""

    facts: Facts
    secrets: bytes
    bound_to: bytes
    sha256: str
    size: int


def write(
    store: Store, facts: Facts, files: Sequence[TableFile], *, secrets: bytes, passphrase: str, hold: Hold | None = None
) -> Label:
    """Pack the tables with the sealed ``secrets`` into ``store``, read it all back, and write the label.

    Errors of the store pass; ``Invalid`` (``backup.damaged``) when what the store gives back is not what was written;
    ``Unavailable`` (``lease.lost``) and no label when ``hold`` was lost on the way.
    """
    payload = [
        PayloadFile(
            path=f"{TABLES}{place:02d}-{one.name}.jsonl.gz",
            original_name=one.path.name,
            original_name_bytes=None,
            source=str(one.path),
            size=one.size,
            crc32=one.crc32,
            digests={"sha256": one.sha256},
        )
        for place, one in enumerate(files)
    ]
    told = facts.to_bytes()
    bound_to = _bound(manifest((one.digests["sha256"], one.path) for one in payload), told)
    plan = plan_bag(
        facts.id,
        1,
        payload=payload,
        tags={FACTS: told, SECRETS: seal(secrets, passphrase, bound_to=bound_to)},
        info=[("External-Description", "Lantai backup"), ("External-Identifier", facts.id)],
        algorithms=_ALGORITHMS,
        bagging_date=facts.made_at.date(),
    )
    written = store.create(facts.key, _while_held(hold, packed(plan, _open)))
    seen = examine(lambda: _while_held(hold, store.read(facts.key)), facts.key, expect=written.sha256)
    if hold is not None:
        hold.prolong()
    label = Label(facts, facts.key, seen.sha256, seen.size)
    data = label.to_bytes()
    store.create(_label_key(facts.key), [data], expect=hashlib.sha256(data).hexdigest())
    return label


def _while_held(hold: Hold | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if hold is not None:
            hold.still()
        yield chunk


def _open(path: str) -> BinaryIO:
    return Path(path).open("rb", buffering=0)


def _bound(manifest_bytes: bytes, facts: bytes) -> bytes:
    return hashlib.sha256(manifest_bytes).digest() + hashlib.sha256(facts).digest()


def _label_key(key: str) -> str:
    return key.removesuffix(".zip") + ".json"


def examine(read: Chunks, name: str, *, expect: str | None = None) -> Seen:
    """Read a backup from end to end: container, manifests, and its digest when one is ``expect``ed.

    ``Invalid``: ``backup.damaged`` names what is wrong, ``backup.malformed`` for a bag that is no backup. Memory stays flat.
    """
    whole = _Hashed(read())
    check = ObjectCheck()
    caught: dict[str, bytes] = {}
    for path, pieces in check.read(whole):
        kept: list[bytes] | None = [] if path in _CAPTURED else None
        held = 0
        for piece in pieces:
            held += len(piece)
            if kept is not None and held <= _CAPTURED_BYTES:
                kept.append(piece)
        if kept is not None:
            caught[path] = b"".join(kept)
    report = check.report()
    if not report.valid:
        first = report.errors[0]
        raise damaged(name, first.zh, first.en)
    if expect is not None and whole.sha256 != expect:
        raise damaged(name, "摘要与标签所记不同。", "Its digest is not the one that its label names.")
    if set(caught) != _CAPTURED:
        raise malformed(name)
    facts = Facts.from_bytes(caught[FACTS])
    return Seen(facts, caught[SECRETS], _bound(caught[_MANIFEST], caught[FACTS]), whole.sha256, whole.size)


def tables(read: Chunks, seen: Seen, name: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """(path, compressed bytes) of each table, in the order to take them up; each must be exhausted in turn.

    Ends with ``Invalid`` (``backup.damaged``) when the bytes are no longer those that were examined: the caller's
    transaction must not be committed then.
    """
    whole = _Hashed(read())
    for member in members_of(whole):
        path = member.name.partition("/")[2]
        if path.startswith(TABLES):
            yield path, member.chunks
        else:
            for _ in member.chunks:
                pass
    if whole.sha256 != seen.sha256:
        raise damaged(name, "读取期间内容改变。", "It changed while it was read.")


class _Hashed:
    """Chunks that are hashed and counted as they go by."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._digest = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._digest.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """Digest of everything, once all of it went by."""
        return self._digest.hexdigest()


def listing(store: Store) -> tuple[list[Label], list[str]]:
    """(finished backups, newest first; keys of bags without a readable label)."""
    keys = {stat.key for stat in store.list(PREFIX)}
    labels: list[Label] = []
    for key in keys:
        if key.endswith(".json"):
            try:
                label = Label.from_bytes(b"".join(store.read(key)))
            except LantaiError:
                continue
            if label.key in keys and _label_key(label.key) == key:
                labels.append(label)
    finished = {label.key for label in labels}
    return sorted(labels, key=lambda one: one.key, reverse=True), sorted(
        key for key in keys if key.endswith(".zip") and key not in finished
    )


def find(store: Store, name: str) -> Label:
    """The finished backup ``name`` (``newest``: the last one); ``NotFound`` says what there is."""
    labels, _unfinished = listing(store)
    for label in labels:
        if name in {"newest", label.name, label.facts.id}:
            return label
    raise NotFound(
        "backup.not_found",
        zh=f"“{store.name}”中没有备份“{name}”。请用 lantai backup list 查看现有备份。",
        en=f"There is no backup {name} in {store.name}. `lantai backup list` shows what there is.",
        store=store.name,
        backup=name,
    )


def damaged(name: str, zh: str, en: str) -> Invalid:
    """A backup whose bytes are not whole."""
    return Invalid(
        "backup.damaged",
        zh=f"备份“{name}”已损坏或被截断，没有使用：{zh}请改用另一份备份。",
        en=f"The backup {name} is damaged or cut short and was not used: {en} Use another backup.",
        backup=name,
    )


def malformed(detail: str) -> Invalid:
    """Something that is no backup of a form this program knows."""
    return Invalid(
        "backup.malformed",
        zh=f"这不是本程序能读取的备份（{detail}）。请检查文件，或使用制作它的兰台版本。",
        en=f"This is no backup that this program can read ({detail}). Check the file, or use the Lantai that made it.",
        detail=detail,
    )
