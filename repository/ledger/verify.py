"""The ledger's verifier: works offline, from blocks and public keys alone.

It reads a replica or an exported folder and names the first altered, removed, inserted or reordered entry of each
block, missing, duplicate, misplaced or replaced blocks, wrong signatures, and a ledger that ends before a checkpoint
says it did. It needs no database and trusts nothing but the keys that the auditor brings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metadata.errors import LantaiError, NotFound
from repository.ledger import merkle
from repository.ledger.block import FORMAT, is_signed_by, load_canonical, split
from repository.ledger.entries import first_difference
from repository.ledger.entry import FORMAT as ENTRY_FORMAT
from repository.ledger.problems import Problem, problem
from repository.ledger.trust import Trust, weigh
from repository.storage import layout
from repository.storage.base import Store

CHECKPOINT_FORMAT = "lantai-checkpoint/1"


@dataclass(frozen=True, slots=True)
class Head:
    """The last block of a stream: its number and the digest of its file."""

    number: int
    sha256: str


@dataclass(frozen=True)
class LedgerReport:
    """What the verifier found. ``ok`` only when nothing is wrong; warnings do not make it wrong."""

    blocks: int
    entries: int
    heads: Mapping[str, Head]
    checkpoints: int
    problems: tuple[Problem, ...]
    trusted_on_first_use: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every entry stands as it was sealed."""
        return not self.problems

    @property
    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Sentences (zh, en) that a person should read even when all is well."""
        if not self.trusted_on_first_use:
            return ()
        names = ", ".join(self.trusted_on_first_use)
        return (
            (
                f"未提供公钥，已信任文件夹内自带的密钥（{names}）。若有人能改写整个文件夹，此结果不能作证；请用 --key 提供另行保存的公钥。",
                f"No public key was given, so the keys in the folder itself were trusted ({names}). This proves nothing against someone who can rewrite the whole folder; give a key kept elsewhere with --key.",
            ),
        )


Reader = Callable[[str], bytes]


def verify_folder(folder: Path, public_keys: Sequence[bytes] | None = None) -> LedgerReport:
    """Verify the ledger in a replica's folder, an exported folder, or a folder that is itself the ``ledger`` part.

    ``public_keys``: 32-byte Ed25519 keys (``trust.read_public_key`` reads files); without them the folder's own keys
    are trusted, and the report warns. ``NotFound`` when ``folder`` is no folder.
    """
    root = folder.parent if folder.name == "ledger" and not (folder / "ledger").is_dir() else folder
    if not folder.is_dir():
        raise NotFound(
            "ledger.no_folder",
            zh=f"{folder} 不是文件夹。请给出副本或导出的台账所在的文件夹。",
            en=f"{folder} is not a folder. Give the folder of a replica or of an exported ledger.",
            path=str(folder),
        )
    keys = sorted(
        path.relative_to(root).as_posix()
        for path in (root / "ledger").rglob("*")
        if path.is_file() or path.is_symlink()
    )
    return verify_keys(keys, lambda key: (root / key).read_bytes(), public_keys, str(folder))


def verify_store(store: Store, public_keys: Sequence[bytes] | None = None) -> LedgerReport:
    """Verify the ledger on a replica through its storage port."""
    keys = [stat.key for stat in store.list("ledger/")]
    return verify_keys(keys, lambda key: b"".join(store.read(key)), public_keys, store.name)


def verify_keys(keys: Iterable[str], read: Reader, public_keys: Sequence[bytes] | None, name: str) -> LedgerReport:
    """Verify the ledger that ``keys`` make up, each read through ``read``; ``name`` is what an empty one is called."""
    run = _Verification(read)
    run.sort_out(keys)
    if not run.blocks:
        run.problems.append(problem("ledger.empty", key=name))
    trust = run.weigh_keys(public_keys)
    for stream in sorted(run.blocks):
        _StreamRun(run, trust, stream).verify()
    for number in sorted(run.checkpoints):
        run.verify_checkpoint(number, trust)
    return LedgerReport(
        blocks=run.block_count,
        entries=run.entry_count,
        heads=run.heads,
        checkpoints=len(run.checkpoints),
        problems=tuple(run.problems),
        trusted_on_first_use=tuple(sorted(trust.trusted)) if trust.on_first_use else (),
    )


@dataclass
class _Verification:
    read: Reader
    problems: list[Problem] = field(default_factory=list)
    blocks: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    key_files: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[int, str] = field(default_factory=dict)
    shards: set[str] = field(default_factory=set)
    digests: dict[tuple[str, int], str] = field(default_factory=dict)
    faulty: set[tuple[str, int]] = field(default_factory=set)
    heads: dict[str, Head] = field(default_factory=dict)
    holding: object = None
    block_count: int = 0
    entry_count: int = 0
    _shard_digests: dict[str, str | None] = field(default_factory=dict)

    def sort_out(self, keys: Iterable[str]) -> None:
        for key in keys:
            info = layout.parse(key)
            if info.kind == "block" and info.number is not None and info.name is not None:
                self.blocks.setdefault(info.name, {}).setdefault(info.number, []).append(key)
            elif info.kind == "ledger_key" and info.name is not None:
                self.key_files[info.name] = key
            elif info.kind == "checkpoint" and info.name == "checkpoint.json" and info.number is not None:
                self.checkpoints[info.number] = key
            elif info.kind == "checkpoint":
                self.shards.add(key)
            else:
                self.problems.append(problem("ledger.file_unexpected", key=key))

    def bytes_of(self, key: str, *, stream: str | None = None, block: int | None = None) -> bytes | None:
        try:
            return self.read(key)
        except (OSError, LantaiError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.problems.append(problem("ledger.file_unreadable", stream=stream, block=block, key=key, reason=reason))
            return None

    def weigh_keys(self, public_keys: Sequence[bytes] | None) -> Trust:
        documents = {}
        for key_id, key in self.key_files.items():
            data = self.bytes_of(key)
            if data is not None:
                documents[key_id] = data
        trust = weigh(documents, public_keys)
        self.problems.extend(problem("ledger.key_altered", key=self.key_files[key_id]) for key_id in trust.altered)
        return trust

    def verify_checkpoint(self, number: int, trust: Trust) -> None:
        key = self.checkpoints[number]
        data = self.bytes_of(key)
        if data is None:
            return
        document = load_canonical(data.removesuffix(b"\n")) if data.endswith(b"\n") else None
        if document is None or document.get("format") != CHECKPOINT_FORMAT or document.get("number") != number:
            self.problems.append(problem("ledger.checkpoint_malformed", key=key))
            return
        public, _trusted = trust.find(document.get("key_id"))
        if public is None or not is_signed_by(document, public):
            self.problems.append(problem("ledger.checkpoint_bad_signature", key=key))
            return
        for stream, head in sorted(document["ledger"].items()):
            self._compare_head(stream, head, key)
        for shard in document["shards"].values():
            self._compare_shard(shard["path"], shard["sha256"])

    def _compare_head(self, stream: str, head: dict[str, Any], key: str) -> None:
        number, place = head["number"], (stream, head["number"])
        present = self.heads[stream].number if stream in self.heads else 0
        if number > present:
            first = present + 1
            if (stream, first) not in self.faulty:
                self.faulty.add((stream, first))
                self.problems.append(problem("ledger.checkpoint_ahead", stream=stream, block=first, key=key))
        elif place not in self.faulty and self.digests.get(place) != head["sha256"]:
            self.faulty.add(place)
            self.problems.append(problem("ledger.checkpoint_mismatch", stream=stream, block=number, key=key))

    def _compare_shard(self, key: str, sha256: str) -> None:
        if key not in self._shard_digests:
            data = self.bytes_of(key) if key in self.shards else None
            self._shard_digests[key] = hashlib.sha256(data).hexdigest() if data is not None else None
            if self._shard_digests[key] != sha256:
                self.problems.append(problem("ledger.shard_altered", key=key))


class _StreamRun:
    """One stream from its first block to its last."""

    def __init__(self, run: _Verification, trust: Trust, stream: str) -> None:
        self._run = run
        self._trust = trust
        self._stream = stream
        self._unvouched: list[tuple[int, str, str]] = []
        self._previous: str | None = None

    def verify(self) -> None:
        numbers = self._run.blocks[self._stream]
        last = max(numbers)
        for number in range(1, last + 1):
            keys = numbers.get(number)
            if keys is None:
                self._fault("ledger.block_missing", number)
                self._previous = None
                continue
            for extra in keys[1:]:
                self._fault("ledger.block_duplicate", number, key=extra)
            self._verify_block(number, keys[0])
        for number, key, key_id in self._unvouched:
            self._fault("ledger.unknown_key", number, key=key, key_id=key_id)
        self._run.heads[self._stream] = Head(last, self._run.digests.get((self._stream, last), ""))

    def _fault(self, code: str, number: int, **params: Any) -> None:
        self._run.faulty.add((self._stream, number))
        self._run.problems.append(problem(code, stream=self._stream, block=number, **params))

    def _verify_block(self, number: int, key: str) -> None:
        run, previous = self._run, self._previous
        self._previous = None
        data = run.bytes_of(key, stream=self._stream, block=number)
        if data is None:
            run.faulty.add((self._stream, number))
            return
        run.block_count += 1
        digest = hashlib.sha256(data).hexdigest()
        run.digests[(self._stream, number)] = digest
        head, lines, ended = split(data)
        run.entry_count += len(lines)
        header = self._sound_header(head, number, key)
        if header is None:
            return
        before = (self._stream, number - 1)
        known = number == 1 or (previous is not None and before not in run.faulty)
        follows = header["previous"] == previous
        if known and not follows:
            self._fault("ledger.chain_broken", number, key=key)
        self._vouch(header, chained=known and follows, number=number, key=key)
        difference = first_difference(header["leaves"], lines, stream=self._stream, number=number, key=key)
        if difference is not None:
            run.faulty.add((self._stream, number))
            run.problems.append(difference)
        elif not ended:
            self._fault("ledger.line_end", number, key=key)
        else:
            self._check_lines(lines, number, key)
        self._previous = digest

    def _sound_header(self, head: bytes, number: int, key: str) -> dict[str, Any] | None:
        """The header when its signature is good and it stands where it belongs; else the fault is noted."""
        header = load_canonical(head)
        if header is None or header.get("format") != FORMAT:
            self._fault("ledger.header_malformed", number, key=key)
            return None
        public, _trusted = self._trust.find(header.get("key_id"))
        if public is None:
            self._fault("ledger.unknown_key", number, key=key, key_id=header.get("key_id"))
            return None
        if not is_signed_by(header, public):
            self._fault("ledger.bad_signature", number, key=key)
            return None
        if (header["stream"], header["number"]) != (self._stream, number):
            self._fault(
                "ledger.block_misplaced", number, key=key, found_stream=header["stream"], found=header["number"]
            )
            return None
        if self._run.holding is None:
            self._run.holding = header["holding"]
        if header["holding"] != self._run.holding:
            self._fault("ledger.other_holding", number, key=key)
        root = merkle.root([bytes.fromhex(leaf) for leaf in header["leaves"]]).hex()
        if root != header["merkle_root"] or header["entries"] != len(header["leaves"]):
            self._fault("ledger.header_inconsistent", number, key=key)
        return header

    def _vouch(self, header: dict[str, Any], *, chained: bool, number: int, key: str) -> None:
        """A trusted signature vouches, through the chain, for the blocks before it that an untrusted key signed."""
        _public, trusted = self._trust.find(header["key_id"])
        if not trusted:
            self._unvouched.append((number, key, str(header["key_id"])))
        elif chained:
            self._unvouched.clear()

    def _check_lines(self, lines: Sequence[bytes], number: int, key: str) -> None:
        """Entries as sealed must be entries of this stream: a faulty sealer must not go unseen either."""
        for position, line in enumerate(lines, start=1):
            entry = load_canonical(line)
            if entry is None or entry.get("format") != ENTRY_FORMAT or entry.get("stream") != self._stream:
                self._fault("ledger.entry_foreign", number, key=key, entry=position)
                return
