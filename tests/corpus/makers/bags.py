"""Bags made by bagit-python, and bent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import bagit


def bag(folder: Path, algorithms: list[str] | None = None) -> Path:
    root = folder / "bag"
    root.mkdir()
    (root / "a.txt").write_text("甲")
    (root / "子").mkdir()
    (root / "子" / "b.txt").write_text("乙")
    bagit.make_bag(str(root), {"Source-Organization": "测试"}, checksums=algorithms or ["sha256", "sha512"])
    return root


def retag(root: Path) -> None:
    """Make the tag manifests right again, so that only the fault under test remains."""
    for manifest in root.glob("tagmanifest-*.txt"):
        algorithm = manifest.stem.partition("-")[2]
        lines = [
            f"{hashlib.new(algorithm, path.read_bytes()).hexdigest()} {path.name}\n"
            for path in sorted(root.glob("*.txt"))
            if not path.name.startswith("tagmanifest-")
        ]
        manifest.write_text("".join(lines))


def edited(root: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    (root / name).write_bytes(change((root / name).read_bytes()))
    retag(root)
    return root
