"""A bag as a plain folder, made of a copy of somebody's files (``lantai bag create``); nothing of it enters the archive."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from metadata import digests
from metadata.errors import Conflict, Invalid, NotFound
from repository.bag.manifest import DECLARATION, bag_info, manifest
from repository.bag.names import safe_payload_paths


@dataclass(frozen=True, slots=True)
class CreatedBag:
    """What was put into the bag: number of payload files and their bytes."""

    files: int
    bytes: int


def create_bag(
    source: Path,
    target: Path,
    *,
    algorithms: Sequence[str] = ("sha256", "sha512"),
    info: Sequence[tuple[str, str]] = (),
    bagging_date: date | None = None,
) -> CreatedBag:
    """Make a BagIt 1.0 bag in the new folder ``target`` of a copy of ``source`` (a file, or all files below a folder).

    Payload names take their safe form (``names.safe_payload_paths``); links are passed over. ``NotFound``: no source;
    ``Conflict``: ``target`` exists; ``Invalid``: an algorithm that is not written, nothing to put in.
    """
    if not source.exists():
        raise NotFound("bag.no_source", zh=f"找不到 {source}。", en=f"There is no {source}.", path=str(source))
    if target.exists():
        raise Conflict(
            "bag.target_exists",
            zh=f"{target} 已存在；没有覆盖。请换一个位置。",
            en=f"{target} exists and was not overwritten. Choose another place.",
            path=str(target),
        )
    if not algorithms or not set(algorithms) <= set(digests.WRITTEN):
        raise Invalid(
            "bag.algorithms",
            zh=f"新包可用的摘要算法：{'、'.join(digests.WRITTEN)}。",
            en=f"Algorithms for a new bag: {', '.join(digests.WRITTEN)}.",
        )
    files = sorted(_files(source, avoid=target.absolute()))
    if not files:
        raise Invalid("bag.no_payload", zh=f"{source} 中没有任何文件。", en=f"There are no files in {source}.")
    paths = safe_payload_paths(name for name, _path in files)
    target.mkdir(parents=True)
    entries, total = _copy(files, paths, target, tuple(dict.fromkeys(algorithms)))
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": bag_info(
            [
                *info,
                ("Bagging-Date", (bagging_date or datetime.now(UTC).date()).isoformat()),
                ("Payload-Oxum", f"{total}.{len(files)}"),
            ]
        ),
        **{f"manifest-{name}.txt": manifest(entries[name]) for name in entries},
    }
    tag_manifests = {
        f"tagmanifest-{name}.txt": manifest((digests.of_bytes(data, name), path) for path, data in tags.items())
        for name in entries
    }
    for path, data in {**tags, **tag_manifests}.items():
        (target / path).write_bytes(data)
    return CreatedBag(len(files), total)


def _files(source: Path, *, avoid: Path) -> Iterator[tuple[str, Path]]:
    if source.is_file():
        yield source.name, source
        return
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if Path(folder, name).absolute() != avoid]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(source).as_posix(), path


def _copy(
    files: Sequence[tuple[str, Path]], paths: Sequence[str], target: Path, algorithms: tuple[str, ...]
) -> tuple[dict[str, list[tuple[str, str]]], int]:
    entries: dict[str, list[tuple[str, str]]] = {name: [] for name in algorithms}
    total = 0
    with ThreadPoolExecutor(len(algorithms), "bag-create") as pool:
        for (_name, source), path in zip(files, paths, strict=True):
            digest = digests.MultiDigest(algorithms, pool)
            copy = target / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb", buffering=0) as file, copy.open("xb") as out:
                while chunk := file.read(digests.CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
            for name, value in digest.result().items():
                entries[name].append((value, path))
            total += digest.size
    return entries, total
