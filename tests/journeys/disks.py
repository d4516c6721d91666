"""Small disks that can be full or read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A small disk of its own over ``place``, with what lay there."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root and mount(8) to put a small disk over a folder")
    kept = place.with_name(f"{place.name}-kept")
    shutil.copytree(place, kept)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"this machine may not mount: {made.stderr.strip()}")
    try:
        shutil.copytree(kept, place, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, option: str) -> None:
    """Change a small disk: ``ro``, ``rw``, ``size=64m``."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(place)], check=True)


@contextmanager
def filled(disk: Path, *, but: int) -> Iterator[Path]:
    """The disk of ``disk`` full but for some bytes; the file that fills it, which may be removed before the end."""
    stand = os.statvfs(disk)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, stand.f_bavail * stand.f_frsize - but)
    try:
        yield ballast
    finally:
        ballast.unlink(missing_ok=True)
