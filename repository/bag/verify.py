"""Validation of bags, BagIt 0.93 to 1.0: folder, ZIP, TAR, or an object streaming out of a store.

Every file is read once for all algorithms; every manifest counts, ``sm3`` included; all findings are collected.
A manifest whose algorithm cannot be computed here is a warning (``not_checked``), never a pass.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from metadata import digests
from metadata.errors import Invalid
from repository.bag.codes import BagFinding
from repository.bag.control import Control, is_control, parse
from repository.bag.read import members_of, open_bag
from repository.bag.rules import PAYLOAD, BagReport, FileSeen, judge
from repository.bag.sources import CONTROL_LIMIT, READ_ERRORS, OpenBag
from repository.storage.base import Store

_Wanted = Callable[[str], list[str]]
_SMALL = 256 << 10
_HUGE = 32 << 20
_THREADED = 256 << 10


def _constructors() -> dict[str, str]:
    """Letters and digits of a name -> the name that ``hashlib`` knows, for all fixed-length digests."""
    known = {}
    for name in sorted(hashlib.algorithms_available):
        try:
            if hashlib.new(name, usedforsecurity=False).digest_size:
                known[_plain(name)] = name
        except (ValueError, TypeError):
            continue
    return known


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_HASHLIB = _constructors()


def computable(algorithm: str) -> bool:
    """Whether digests of ``algorithm`` (as in a manifest's name) can be computed here."""
    return algorithm in digests.KNOWN or _plain(algorithm) in _HASHLIB


def _new(algorithm: str) -> digests.Hash:
    if algorithm in digests.KNOWN:
        return digests.new(algorithm)
    return hashlib.new(_HASHLIB[_plain(algorithm)], usedforsecurity=False)


def digest_chunks(
    chunks: Iterable[bytes], algorithms: Iterable[str], executor: ThreadPoolExecutor | None = None
) -> FileSeen:
    """Size and digests of one stream of bytes; with an ``executor`` large chunks are hashed in parallel."""
    hashes = {name: _new(name) for name in algorithms}
    first, *others = hashes.values() or [None]
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if executor is not None and others and len(chunk) >= _THREADED:
            running = [executor.submit(one.update, chunk) for one in others if one is not None]
            if first is not None:
                first.update(chunk)
            for future in running:
                future.result()
        else:
            for one in hashes.values():
                one.update(chunk)
    return FileSeen(size, {name: one.hexdigest() for name, one in hashes.items()})


def validate(source: Path | str | tuple[Store, str], *, threads: int | None = None) -> BagReport:
    """Judge a bag wherever it lies (``read.open_bag``). ``NotFound`` and ``Invalid`` only when it cannot be opened."""
    with open_bag(source) as bag:
        control = parse(bag.control_files())
        present = _digest_all(bag, control, threads or os.cpu_count() or 1)
        return judge(
            control,
            present,
            computed=filter(computable, {*control.payload_algorithms, *control.tag_algorithms}),
            has_data_folder=bag.has_data_folder,
            faults=bag.faults,
        )


def _algorithms(control: Control) -> tuple[list[str], list[str]]:
    return (
        [name for name in control.payload_algorithms if computable(name)],
        [name for name in control.tag_algorithms if computable(name)],
    )


def _digest_all(bag: OpenBag, control: Control, threads: int) -> dict[str, FileSeen]:
    for_payload, for_tags = _algorithms(control)
    linked_tags = {target for path, target in bag.aliases.items() if not path.startswith(PAYLOAD)}
    linked_payload = {target for path, target in bag.aliases.items() if path.startswith(PAYLOAD)}

    def wanted(path: str) -> list[str]:
        names = dict.fromkeys(for_payload if path.startswith(PAYLOAD) or path in linked_payload else [])
        names.update(dict.fromkeys(for_tags if not path.startswith(PAYLOAD) or path in linked_tags else []))
        return list(names)

    seen: dict[str, FileSeen] = {}
    with ThreadPoolExecutor(max(2, threads), "bag-validation") as pool:
        if bag.random:
            seen.update(_digest_random(bag, wanted, pool, 2 * threads))
        else:
            _digest_stream(bag, wanted, pool, seen)
    for path in bag.sizes.keys() - seen.keys():
        seen[path] = FileSeen(bag.sizes[path], None)
    for path, target in bag.aliases.items():
        seen[path] = seen[target]
    return seen


def _digest_stream(bag: OpenBag, wanted: _Wanted, pool: ThreadPoolExecutor, seen: dict[str, FileSeen]) -> None:
    try:
        for path, chunks in bag.stream(bag.sizes):
            seen[path] = digest_chunks(chunks, wanted(path), pool)
    except READ_ERRORS as error:
        bag.fault("bag.container_damaged", detail=str(error))


def _digest_random(
    bag: OpenBag, wanted: _Wanted, pool: ThreadPoolExecutor, window: int
) -> Iterator[tuple[str, FileSeen]]:
    """Small files here, one after another (threads only cost at that size); large ones side by side in the pool."""
    running: dict[Future[FileSeen], str] = {}

    def one(path: str, executor: ThreadPoolExecutor | None) -> FileSeen:
        try:
            return digest_chunks(bag.chunks(path), wanted(path), executor)
        except READ_ERRORS as error:
            bag.fault("bag.unreadable_file", path, detail=getattr(error, "strerror", None) or str(error))
            return FileSeen(bag.sizes[path], None)

    def finished(most: int) -> Iterator[tuple[str, FileSeen]]:
        while len(running) > most:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()

    for path, size in sorted(bag.sizes.items()):
        if size < _SMALL:
            yield path, one(path, None)
        elif size >= _HUGE and len(wanted(path)) > 1:
            yield from finished(0)
            yield path, one(path, pool)
        else:
            running[pool.submit(one, path, None)] = path
            yield from finished(window)
    yield from finished(0)


# -- one pass over a stored object -----------------------------------------------------------------------------------


def verify_object(chunks: Iterable[bytes]) -> BagReport:
    """Judge a bag object of storage format 1 from its bytes going by once: every manifest, container included.

    Memory does not grow with file sizes. Errors of ``chunks`` (a store that fails) pass through.
    """
    return ObjectCheck().run(chunks)


class ObjectCheck:
    """The check behind ``verify_object``; ``read`` lets another reader (an export) watch the same single pass."""

    def __init__(self) -> None:
        self._control: dict[str, bytes] = {}
        self._seen: dict[str, FileSeen] = {}
        self._faults: list[BagFinding] = []
        self._tops: set[str] = set()
        self._cut = False

    def run(self, chunks: Iterable[bytes]) -> BagReport:
        """Read everything and judge."""
        for _path, pieces in self.read(chunks):
            for _ in pieces:
                pass
        return self.report()

    def read(self, chunks: Iterable[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """(path, bytes) of each file; each must be exhausted in turn. Structural damage ends the pass as a finding."""
        with ThreadPoolExecutor(2, "bag-object") as pool:
            try:
                for member in members_of(chunks, on_crc_fault=self._crc_fault):
                    top, _, path = member.name.partition("/")
                    self._tops.add(top)
                    if path in self._seen or not path:
                        self._faults.append(BagFinding("bag.duplicate_member", member.name))
                    yield path, self._watched(path, member.size, member.chunks, pool)
                    if self._cut:
                        return
            except Invalid as error:
                self._damaged(error)

    def _damaged(self, error: Invalid) -> None:
        if error.code != "bag.container_damaged":
            raise error
        self._faults.append(BagFinding("bag.container_damaged", None, dict(error.params)))
        self._cut = True

    def _crc_fault(self, name: str) -> None:
        self._faults.append(BagFinding("bag.container_damaged", name.partition("/")[2], {"detail": f"CRC-32 {name}"}))

    def _watched(self, path: str, size: int, chunks: Iterator[bytes], pool: ThreadPoolExecutor) -> Iterator[bytes]:
        kept: list[bytes] | None = [] if is_control(path) and size <= CONTROL_LIMIT else None
        hashes = {name: _new(name) for name in self._wanted(path)}
        running: list[Future[None]] = []
        try:
            for chunk in chunks:
                wait(running)
                if len(chunk) >= _THREADED:
                    running = [pool.submit(one.update, chunk) for one in hashes.values()]
                else:
                    running = []
                    for one in hashes.values():
                        one.update(chunk)
                if kept is not None:
                    kept.append(chunk)
                yield chunk
        except Invalid as error:
            self._damaged(error)
            return
        wait(running)
        self._seen[path] = FileSeen(size, {name: one.hexdigest() for name, one in hashes.items()})
        if kept is not None:
            self._control[path] = b"".join(kept)

    def _wanted(self, path: str) -> list[str]:
        """Manifests come first in an object, so the payload's algorithms are known when it comes."""
        if path.startswith(PAYLOAD):
            met = [name[9:-4] for name in self._control if name.startswith("manifest-")]
            return [name for name in met or digests.WRITTEN if computable(name)]
        met = [name[12:-4] for name in self._control if name.startswith("tagmanifest-")]
        return [name for name in {**dict.fromkeys(met), **dict.fromkeys(digests.WRITTEN)} if computable(name)]

    def report(self) -> BagReport:
        """The judgement on what has been read."""
        if len(self._tops) > 1:
            self._faults.append(BagFinding("bag.several_bags", None, {"found": ", ".join(sorted(self._tops))}))
        control = parse(self._control)
        return judge(
            control,
            self._seen,
            computed=filter(computable, {*control.payload_algorithms, *control.tag_algorithms}),
            has_data_folder=False,
            faults=self._faults,
        )


__all__ = ["BagFinding", "BagReport", "ObjectCheck", "computable", "validate", "verify_object"]
