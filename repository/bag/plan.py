"""The plan of a bag: every byte of the object is decided here, before anything is packed.

A plan is made once, saved in quarantine, and from then on the object is a pure function of it and of the deposited
bytes: packing again after a crash writes the same bytes (storage format 1, "Bags"; RFC 8493).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from metadata import digests
from metadata.errors import Invalid
from metadata.identifiers import checked_id
from repository.bag import container
from repository.bag.manifest import DECLARATION, bag_info, manifest
from repository.bag.names import PAYLOAD, safe_payload_paths
from repository.storage.digested import Span

__all__ = ["BagPlan", "PayloadFile", "load", "plan_bag", "safe_payload_paths", "save"]

PLAN_FORMAT = "lantai-bag-plan/1"
FIRST_TAGS = ("bagit.txt", "bag-info.txt")
DIGESTED = 16 << 20
"""Bytes of a payload file that have a SHA-256 of their own (storage format 1, "record.json": ``chunk_sha256``)."""
_HEX = 64
METADATA_TAGS = ("metadata/premis.xml", "metadata/record.json", "metadata/findings.json")


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """A file to be packed. ``path``: in the bag, beginning with ``data/``, from ``safe_payload_paths``.

    ``original_name``: path as deposited, readable; ``original_name_bytes``: its bytes in base64 when they are not
    UTF-8; ``source``: what ``open_source`` is asked for when packing; ``size`` in bytes, ``crc32`` and ``digests``
    (algorithm -> lower-case hex) as pinned when the file was deposited; ``chunk_sha256``: those of its pieces of
    ``DIGESTED`` bytes, one after the other in hex, where it has several. ``offset``: where its bytes begin in the object,
    set by ``plan_bag``.
    """

    path: str
    original_name: str
    original_name_bytes: str | None
    source: str
    size: int
    crc32: int
    digests: Mapping[str, str]
    chunk_sha256: str | None = None
    offset: int = -1

    def pieces(self) -> Iterator[tuple[int, int, str]]:
        """Offset in the file, length and SHA-256 of each piece that has a digest of its own."""
        for number in range(len(self.chunk_sha256 or "") // _HEX):
            start = number * DIGESTED
            digest = (self.chunk_sha256 or "")[number * _HEX : (number + 1) * _HEX]
            yield start, min(DIGESTED, self.size - start), digest


@dataclass(frozen=True, slots=True)
class TagMember:
    """A tag file of the plan with its bytes; ``offset`` as in ``PayloadFile``."""

    path: str
    data: bytes
    crc32: int
    offset: int


@dataclass(frozen=True)
class BagPlan:
    """A frozen plan. ``payload_bytes``: sum of payload sizes; ``object_size``: size of the whole ZIP in bytes."""

    record_id: str
    version: int
    algorithms: tuple[str, ...]
    tags: tuple[TagMember, ...]
    payload: tuple[PayloadFile, ...]
    payload_bytes: int
    directory_offset: int
    object_size: int
    top: str

    def known(self) -> Iterator[Span]:
        """Stretches of the object whose SHA-256 is known without hashing them again."""
        for one in self.payload:
            for start, length, sha256 in one.pieces():
                yield Span(one.offset + start, length, sha256)

    def tag(self, path: str) -> bytes:
        """The bytes of one tag file; ``KeyError`` when the plan has none of that path."""
        for one in self.tags:
            if one.path == path:
                return one.data
        raise KeyError(path)


def plan_bag(
    record_id: str,
    version: int,
    *,
    payload: Iterable[PayloadFile],
    tags: Mapping[str, bytes],
    info: Sequence[tuple[str, str]],
    algorithms: Sequence[str],
    bagging_date: date,
) -> BagPlan:
    """Plan the bag of version ``version`` of a record: make its tag files, fix every offset and the object's size.

    ``tags``: path -> bytes of further tag files (``metadata/record.json``, ...); ``info``: pairs for ``bag-info.txt``,
    to which ``Bagging-Date`` and ``Payload-Oxum`` are added. Raises ``Invalid`` for payload paths that are not safe or
    not unique, missing digests, algorithms that are not written, an empty payload. Pure.
    """
    checked_id(record_id)
    files = list(payload)
    wanted = tuple(algorithms)
    _check_algorithms(wanted)
    _check_payload(files, wanted)
    total = sum(one.size for one in files)
    made: dict[str, bytes] = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": bag_info(
            [*info, ("Bagging-Date", bagging_date.isoformat()), ("Payload-Oxum", f"{total}.{len(files)}")]
        ),
    }
    for name in wanted:
        made[f"manifest-{name}.txt"] = manifest((one.digests[name], one.path) for one in files)
    further = {path: tags[path] for path in (*METADATA_TAGS, *sorted(tags)) if path in tags}
    _check_tags(further, made)
    covered = {**made, **further}
    for name in wanted:
        entries = ((digests.of_bytes(data, name), path) for path, data in covered.items())
        made[f"tagmanifest-{name}.txt"] = manifest(entries)
    return _laid_out(record_id, version, algorithms=wanted, tags={**made, **further}, files=files)


def _laid_out(
    record_id: str,
    version: int,
    *,
    algorithms: tuple[str, ...],
    tags: Mapping[str, bytes],
    files: list[PayloadFile],
) -> BagPlan:
    top = f"{record_id}-v{version:05d}/"
    position = directory = 0
    tag_members = []
    for path, data in tags.items():
        crc32 = zlib.crc32(data)
        header, size = position, len(data)
        position += container.local_header_length(top + path, size)
        tag_members.append(TagMember(path, data, crc32, position))
        position += size
        directory += len(container.central_header(top + path, size, crc32, header))
    placed = []
    for one in files:
        header = position
        position += container.local_header_length(top + one.path, one.size)
        placed.append(
            PayloadFile(
                one.path, one.original_name, one.original_name_bytes, one.source,
                one.size, one.crc32, one.digests, one.chunk_sha256, position,
            )
        )  # fmt: skip
        position += one.size
        directory += len(container.central_header(top + one.path, one.size, one.crc32, header))
    end = len(container.end_of_directory(len(tag_members) + len(placed), position, directory))
    return BagPlan(
        record_id=record_id,
        version=version,
        algorithms=algorithms,
        tags=tuple(tag_members),
        payload=tuple(placed),
        payload_bytes=sum(one.size for one in files),
        directory_offset=position,
        object_size=position + directory + end,
        top=top,
    )


def _check_algorithms(algorithms: tuple[str, ...]) -> None:
    unknown = [name for name in algorithms if name not in digests.WRITTEN]
    if unknown or not algorithms or len(set(algorithms)) != len(algorithms):
        raise Invalid(
            "bag.algorithms",
            zh=f"摘要算法不可用于新的档案包：{'、'.join(unknown) or '（空或重复）'}。可用：{'、'.join(digests.WRITTEN)}。",
            en=f"Not to be written in a new bag: {', '.join(unknown) or 'none, or one twice'}; use {', '.join(digests.WRITTEN)}.",
        )


def _check_payload(files: list[PayloadFile], algorithms: tuple[str, ...]) -> None:
    if not files:
        raise Invalid("bag.no_payload", zh="档案包里没有任何文件。", en="A bag needs at least one payload file.")
    for one, safe in zip(files, safe_payload_paths(one.path.removeprefix(PAYLOAD) for one in files), strict=True):
        if one.path != safe:
            raise Invalid(
                "bag.unsafe_payload_path",
                zh=f"包内路径不安全或不唯一：{one.path!r}。",
                en=f"Not a safe and unique payload path: {one.path!r}.",
                path=one.path,
            )
        for name in algorithms:
            if len(one.digests.get(name, "")) != digests.LENGTHS[name]:
                raise Invalid(
                    "bag.digest_missing",
                    zh=f"{one.path} 缺少 {name} 摘要。",
                    en=f"{one.path} comes without its {name} digest.",
                    path=one.path,
                    algorithm=name,
                )


def _check_tags(further: Mapping[str, bytes], made: Mapping[str, bytes]) -> None:
    for path in further:
        safe = safe_payload_paths([path])[0].removeprefix(PAYLOAD)
        if (
            path in made
            or path != safe
            or path.startswith((PAYLOAD, "manifest-", "tagmanifest-"))
            or path == "fetch.txt"
        ):
            raise Invalid(
                "bag.unsafe_tag_path",
                zh=f"标签文件路径不可用：{path!r}。",
                en=f"Not a path for a tag file: {path!r}.",
                path=path,
            )


# -- the frozen plan on disk -----------------------------------------------------------------------------------------


def plan_name(record_id: str, version: int, sha256: str) -> str:
    """File name of a saved plan; other contents, another name."""
    return f"{record_id}-v{version:05d}-{sha256[:16]}.plan"


def save(plan: BagPlan, folder: Path, *, durably: bool = True) -> Path:
    """Write the plan to ``folder`` (made when missing), durably and whole or not at all; returns its path.

    A caller that saves many plans says ``durably=False`` and brings them to stable storage together.

    One file: a line with the SHA-256 of the rest, a JSON line with the facts, a JSON line for each payload file, then
    the bytes of the tag files one after another. Its name depends on its contents, so that another plan of the same
    record, made by somebody else at the same time, never takes its place: the catalogue row names the one that counts.
    """
    digest = hashlib.sha256()
    for piece in _body(plan):
        digest.update(piece)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / plan_name(plan.record_id, plan.version, digest.hexdigest())
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with temporary.open("xb") as out:
            out.write(digest.hexdigest().encode() + b"\n")
            out.writelines(_body(plan))
            if durably:
                out.flush()
                os.fsync(out.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if not durably:
        return path
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


def _body(plan: BagPlan) -> Iterator[bytes]:
    head: dict[str, Any] = {
        "format": PLAN_FORMAT,
        "record_id": plan.record_id,
        "version": plan.version,
        "algorithms": plan.algorithms,
        "tags": [[one.path, len(one.data)] for one in plan.tags],
        "files": len(plan.payload),
        "object_size": plan.object_size,
    }
    yield json.dumps(head).encode() + b"\n"
    for one in plan.payload:
        row = [
            one.path, one.original_name, one.original_name_bytes, one.source, one.size, one.crc32, dict(one.digests),
        ]  # fmt: skip
        if one.chunk_sha256 is not None:
            row.append(one.chunk_sha256)
        yield json.dumps(row).encode() + b"\n"
    for tag in plan.tags:
        yield tag.data


def load(path: Path) -> BagPlan:
    """The plan that ``save`` wrote; ``Invalid`` when a byte of it has changed."""
    try:
        plan = _parsed(path.read_bytes())
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(
            "bag.plan_damaged",
            zh=f"封装方案文件 {path.name} 已损坏；请重新提交该批次。",
            en=f"The frozen plan {path.name} is damaged; hand the submission in again.",
            path=path.name,
        ) from error
    return plan


def _parsed(data: bytes) -> BagPlan:
    start = data.index(b"\n") + 1
    if hashlib.sha256(memoryview(data)[start:]).hexdigest().encode() + b"\n" != data[:start]:
        raise ValueError("digest")
    end = data.index(b"\n", start) + 1
    head = json.loads(data[start:end])
    if head["format"] != PLAN_FORMAT:
        raise ValueError("format")
    files = []
    for _ in range(head["files"]):
        stop = data.index(b"\n", end) + 1
        files.append(PayloadFile(*json.loads(data[end:stop])))
        end = stop
    tags = {}
    for name, size in head["tags"]:
        tags[name] = data[end : end + size]
        end += size
    algorithms = tuple(head["algorithms"])
    plan = _laid_out(head["record_id"], head["version"], algorithms=algorithms, tags=tags, files=files)
    if plan.object_size != head["object_size"]:
        raise ValueError("size")
    return plan
