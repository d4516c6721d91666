"""Making an ordinary BagIt 1.0 bag folder from a copy of files (RFC 8493), for people who hand bags to others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from metadata.digests import CHUNK, MultiDigest, of_bytes
from metadata.errors import Conflict, Invalid
from repository.bag.manifest import DECLARATION, bag_info, manifest


@dataclass(frozen=True, slots=True)
class CreatedBag:
    """A bag just made: how many payload files, of how many bytes."""

    files: int
    bytes: int


def create_bag(source: Path, target: Path, *, algorithms: Sequence[str] = ("sha256", "sha512")) -> CreatedBag:
    """Copy ``source`` (a file or folder) into a new bag at ``target``; the source is only read.

    ``Conflict`` when the target exists, ``Invalid`` for links and other things that are no files, or for a target
    inside the source. A run that breaks off leaves a folder without ``bagit.txt``, which no reader takes for a bag.
    """
    if target.exists():
        raise Conflict(
            "bag.target_exists",
            zh=f"{target} 已存在，未写入任何内容。",
            en=f"{target} exists; nothing was written.",
            path=str(target),
        )
    if source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise Invalid(
            "bag.target_inside",
            zh="归档包不能写在源目录里面。",
            en="The bag cannot be written inside its own source.",
            path=str(target),
        )
    digests: dict[str, list[tuple[str, str]]] = {name: [] for name in algorithms}
    files = total = 0
    with ThreadPoolExecutor(max(1, len(digests) - 1)) as pool:
        for path, name in _files(source):
            digest = MultiDigest(algorithms, pool)
            _copy(path, target / "data" / name, digest)
            for algorithm, value in digest.result().items():
                digests[algorithm].append((value, f"data/{name}"))
            files, total = files + 1, total + digest.size
    (target / "data").mkdir(parents=True, exist_ok=True)
    tags = {f"manifest-{name}.txt": manifest(entries) for name, entries in digests.items()}
    tags["bag-info.txt"] = bag_info(
        [
            ("Bag-Software-Agent", "Lantai"),
            ("Bagging-Date", datetime.now(UTC).date().isoformat()),
            ("Payload-Oxum", f"{total}.{files}"),
        ]
    )
    for name, data in tags.items():
        (target / name).write_bytes(data)
    covered = {**tags, "bagit.txt": DECLARATION}
    for algorithm in algorithms:
        lines = manifest((of_bytes(data, algorithm), name) for name, data in sorted(covered.items()))
        (target / f"tagmanifest-{algorithm}.txt").write_bytes(lines)
    (target / "bagit.txt").write_bytes(DECLARATION)
    return CreatedBag(files, total)


def _files(source: Path) -> Iterator[tuple[Path, str]]:
    if source.is_file() and not source.is_symlink():
        yield source, source.name
        return
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                raise Invalid(
                    "bag.not_a_file",
                    zh=f"{path} 不是普通文件，未装袋。",
                    en=f"{path} is no plain file; nothing was bagged.",
                    path=str(path),
                )
            yield path, path.relative_to(source).as_posix()


def _copy(source: Path, target: Path, digest: MultiDigest) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb", buffering=0) as given, target.open("xb") as out:
        while chunk := given.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
