"""Deterministic corpora of incompressible bytes, made once and kept between runs.

``small`` 8 KiB files in folders of 100, ``medium`` 5 MiB files, ``large`` 1 GiB files, ``tiny`` 2 KiB files for counting
cost per file, ``household`` as ``lantai sample`` makes it.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from lantai.sample import write_sample

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of ``files`` files, ``size`` bytes in all."""

    name: str
    root: Path
    files: int
    size: int

    @property
    def label(self) -> str:
        """Name, number and size, for a table."""
        return f"{self.name} ({self.files} files, {self.size / 1e6:.0f} MB)"

    def paths(self) -> list[Path]:
        """The files, sorted."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())


def made(folder: Path, name: str, files: int, size: int) -> Corpus:
    """``files`` files of ``size`` bytes: the first of the named corpus, whatever was asked for before."""
    root = folder / f"{name}-{files}x{size}"
    if not (root / ".complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        source = random.Random(f"corpus-{name}")
        for number in range(files):
            path = root / "files" / (f"d{number // 100:03d}" if size < MIB else "") / f"f{number:05d}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as out:
                left = size
                while left:
                    step = min(left, MIB)
                    out.write(source.randbytes(step))
                    left -= step
        (root / ".complete").touch()
        os.sync()
    return Corpus(name, root / "files", files, files * size)


def household(folder: Path, households: int) -> Corpus:
    """Household files with their deposit list, as ``lantai sample`` makes them."""
    root = folder / f"household-{households}"
    if not (root / ".complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        write_sample(root / "files", households=households, seed=1)
        (root / ".complete").touch()
        os.sync()
    found = [path for path in (root / "files").rglob("*") if path.is_file()]
    return Corpus("household", root / "files", len(found), sum(path.stat().st_size for path in found))
