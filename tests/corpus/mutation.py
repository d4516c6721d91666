"""Damage at random but by a seed: the files of the good corpus and of the sample county, and what is done to them.

The same seed does the same to the same file, so that what broke something can be made again: ``damaged(seed)`` is one
file, ``damaged_deposit(seed, folder)`` a whole deposit, a bag or a container or a list with its files, damaged in place.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from lantai.sample import write_sample
from tests.corpus.cases import Case, cases

LARGEST = 400_000
"""Bytes of an original; damage to larger ones teaches nothing more and costs time."""
_GOOD = [one for one in cases() if one.kind == "good"]
_TELLING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
Original = tuple[str, bytes]


@cache
def originals() -> tuple[Original, ...]:
    """Every file of the good corpus and of a small county, by name, each content once."""
    found: dict[bytes, str] = {}
    with tempfile.TemporaryDirectory(prefix="lantai-fuzz-") as folder:
        base = Path(folder)
        for number, case in enumerate(_GOOD):
            _collect(case, base / str(number), found)
        write_sample(base / "county", households=2, seed=7, files=20)
        _gather(base / "county", found)
    return tuple((name, data) for data, name in found.items())


def _collect(case: Case, folder: Path, found: dict[bytes, str]) -> None:
    folder.mkdir()
    made = case.make(folder)
    _gather(made if made.is_dir() else folder, found)


def _gather(folder: Path, found: dict[bytes, str]) -> None:
    for raw, folders, names in os.walk(os.fsencode(folder)):
        folders.sort()
        for name in sorted(names):
            path = raw + b"/" + name
            with open(path, "rb") as opened:
                data = opened.read(LARGEST + 1)
            if 0 < len(data) <= LARGEST:
                found.setdefault(data, name.decode("utf-8", "backslashreplace"))


def files_of(source: Path) -> list[bytes]:
    """The paths of every file below ``source``, or its own; in order."""
    if source.is_file():
        return [os.fsencode(source)]
    return sorted(raw + b"/" + name for raw, _, names in os.walk(os.fsencode(source)) for name in names)


def damaged_deposit(seed: int, folder: Path) -> tuple[Path, Case]:
    """A deposit of the good corpus made below ``folder``, with damage to one to three of its files."""
    source = Random(seed)
    case = source.choice(_GOOD)
    made = case.make(folder)
    for path in source.sample(found := files_of(made), min(len(found), source.randrange(1, 4))):
        with open(path, "r+b") as opened:
            changed = bytearray(opened.read())
            for _ in range(source.randrange(1, 3)):
                source.choice(_KINDS)(source, changed)
            opened.seek(0)
            opened.truncate()
            opened.write(changed)
    return made, case


def damaged(seed: int) -> Original:
    """The file that ``seed`` makes: a name and its bytes after one to four kinds of damage."""
    source = Random(seed)
    name, data = source.choice(originals())
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 1, 2, 2, 3, 4))):
        source.choice(_KINDS)(source, changed)
    if source.random() < 0.1:  # under the name of another kind
        name = Path(name).stem + Path(source.choice(originals())[0]).suffix
    return name, bytes(changed)


def _place(source: Random, data: bytearray) -> int:
    """Anywhere, but more often near the beginning and the end, where headers and directories stand."""
    length = max(1, len(data))
    near = min(length, 600)
    return source.choice((source.randrange(length), source.randrange(near), length - 1 - source.randrange(near)))


def _flip_bits(source: Random, data: bytearray) -> None:
    for _ in range(source.choice((1, 1, 4, 30))):
        if data:
            data[_place(source, data)] ^= 1 << source.randrange(8)


def _overwrite(source: Random, data: bytearray) -> None:
    at = _place(source, data)
    piece = source.randbytes(source.choice((1, 2, 16, 500)))
    data[at : at + len(piece)] = piece


def _cut(source: Random, data: bytearray) -> None:
    del data[source.randrange(len(data) + 1) :]


def _cut_front(source: Random, data: bytearray) -> None:
    del data[: source.choice((1, 4, 512, len(data) // 2))]


def _zero(source: Random, data: bytearray) -> None:
    at = _place(source, data)
    length = min(len(data) - at, source.choice((1, 4, 512, 4096)))
    data[at : at + length] = bytes(max(0, length))


def _swap(source: Random, data: bytearray) -> None:
    size = source.choice((1, 8, 512))
    first, second = sorted((_place(source, data), _place(source, data)))
    if first + size <= second and second + size <= len(data):
        data[first : first + size], data[second : second + size] = (
            data[second : second + size],
            data[first : first + size],
        )


def _insert(source: Random, data: bytearray) -> None:
    at = _place(source, data)
    data[at:at] = source.choice((source.randbytes(source.randrange(1, 200)), b"\0" * 600, bytes(data[at : at + 300])))


def _remove(source: Random, data: bytearray) -> None:
    at = _place(source, data)
    del data[at : at + source.choice((1, 2, 30, 2000))]


def _splice(source: Random, data: bytearray) -> None:
    """The front of this file and the rest of another."""
    _, other = source.choice(originals())
    data[_place(source, data) :] = other[source.randrange(len(other)) :]


def _tweak_number(source: Random, data: bytearray) -> None:
    """A length, a count or an offset that promises too much or too little."""
    width, form = source.choice(((1, "B"), (2, "<H"), (2, ">H"), (4, "<I"), (4, ">I")))
    at = _place(source, data)
    if at + width <= len(data):
        (now,) = struct.unpack_from(form, data, at)
        value = source.choice((*_TELLING, now + 1, now - 1, now * 2)) % (1 << 8 * width)
        struct.pack_into(form, data, at, value)


def _tweak_digits(source: Random, data: bytearray) -> None:
    """The same in formats that write numbers as text."""
    at = _place(source, data)
    for place in range(at, min(len(data), at + 400)):
        if 0x30 <= data[place] <= 0x39:
            data[place : place + 1] = source.choice((b"0", b"9", b"-1", b"99999999999"))
            return


_KINDS: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip_bits, _flip_bits, _overwrite, _cut, _cut_front, _zero, _swap, _insert, _remove, _splice, _tweak_number,
    _tweak_number, _tweak_digits,
)  # fmt: skip
