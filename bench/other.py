"""The other side: bagit-python, copying folders, and plain SHA-256 over the same bytes."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import bagit

PROCESSES = 2
_CHUNK = 1 << 20
logging.getLogger("bagit").setLevel(logging.ERROR)


def linked_copy(source: Path, target: Path) -> None:
    """A tree of hard links, because ``make_bag`` moves the files it is given."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=os.link)


def custody(bag: Path, replicas: Sequence[Path]) -> None:
    """Bag, copy to every replica, sync, validate every copy."""
    bagit.make_bag(str(bag), processes=PROCESSES, checksums=["sha256", "sha512"])
    for replica in replicas:
        shutil.copytree(bag, replica)
    os.sync()
    for replica in replicas:
        validate(replica)


def validate(bag: Path) -> None:
    """Full validation of one bag."""
    bagit.Bag(str(bag)).validate(processes=PROCESSES)


def sha256_of(paths: Sequence[Path]) -> None:
    """SHA-256 of each file in one pass, on two cores; hashlib lets both run at once."""
    waiting = deque(paths)

    def work() -> None:
        while True:
            try:
                path = waiting.popleft()
            except IndexError:
                return
            hashing = hashlib.sha256()
            descriptor = os.open(path, os.O_RDONLY)
            try:
                while chunk := os.read(descriptor, _CHUNK):
                    hashing.update(chunk)
            finally:
                os.close(descriptor)
            hashing.hexdigest()

    threads = [threading.Thread(target=work) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
