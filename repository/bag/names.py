"""Payload paths that every system can keep: a safe form of the names as deposited, which stand in ``record.json``.

The safe form is Unicode NFC, unique without regard to case, at most 200 bytes a part, without control characters,
without characters and names that Windows refuses, without trailing dots or spaces. ``%`` and ``$`` become their
full-width forms as well: RFC 8493 percent-encodes ``%`` in manifests, and common validators do not undo it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

PART_BYTES = 200
PATH_BYTES = 1000
PAYLOAD = "data/"
_FULL_WIDTH = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in '<>:"|?*\\%$'})
_PLAIN = re.compile(r"[0-9A-Za-z_\-\u4e00-\u9fff]+(\.[0-9A-Za-z]{1,10})?\Z")
_PLAIN_LENGTH = 60  # of at most three bytes each
_RESERVED = {
    "con", "prn", "aux", "nul", "conin$", "conout$",
    *(f"com{n}" for n in "0123456789¹²³"), *(f"lpt{n}" for n in "0123456789¹²³"),
}  # fmt: skip


def readable(name: str | bytes) -> str:
    """``name`` as text: UTF-8, else GB18030, else with every byte that is no ASCII as ``_``.

    A ``str`` with surrogate escapes (as ``os.fsdecode`` makes them) is taken as the bytes it stands for.
    """
    if isinstance(name, str):
        try:
            name.encode()
        except UnicodeEncodeError:
            return readable(name.encode("utf-8", "surrogateescape"))
        return name
    for encoding in ("utf-8", "gb18030"):
        try:
            text = name.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or not any(unicodedata.category(char) in {"Cn", "Co", "Cc"} for char in text):
            return text
    return name.decode("ascii", "replace").replace("\ufffd", "_")


def safe_payload_paths(originals: Iterable[str | bytes]) -> list[str]:
    """Payload paths, beginning with ``data/``, for the paths as deposited (``/`` between parts), in their order.

    Unique under NFC and case folding; a name never clashes with a folder. A name that had to give way gets ``~2``,
    ``~3``, ... before its extension. Pure: the same list gives the same answer.
    """
    split = [_safe_parts(readable(name)) for name in originals]
    folders = {_fold("/".join(parts[:depth])) for parts in split for depth in range(1, len(parts))}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    paths = []
    for parts in split:
        above = "".join(part + "/" for part in parts[:-1])
        wanted = _fold(above + parts[-1])
        name, folded = parts[-1], wanted
        while folded in taken or folded in folders:
            numbers[wanted] = numbers.get(wanted, 1) + 1
            name = _cut(parts[-1], suffix=f"~{numbers[wanted]}")
            folded = _fold(above + name)
        taken.add(folded)
        paths.append(PAYLOAD + above + name)
    return paths


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


def _safe_parts(path: str) -> list[str]:
    parts = [_safe_part(part) for part in path.split("/") if part not in {"", "."}] or ["_"]
    while len(parts) > 2 and len("/".join(parts).encode()) > PATH_BYTES:
        del parts[-2]
    return parts


def _safe_part(part: str) -> str:
    if len(part) <= _PLAIN_LENGTH and _PLAIN.match(part) and part.split(".", 1)[0].casefold() not in _RESERVED:
        return part  # most names; what follows would change nothing and costs ten times as much
    text = unicodedata.normalize("NFC", part).translate(_FULL_WIDTH)
    text = "".join("_" if unicodedata.category(char) in {"Cc", "Cs", "Cn", "Zl", "Zp"} else char for char in text)
    bare = text.rstrip(". ")
    text = bare + "_" * (len(text) - len(bare))
    if text.startswith(" "):
        text = "_" + text[1:]
    if text.split(".", 1)[0].rstrip(" ").casefold() in _RESERVED:
        text = "_" + text
    return _cut(text)


def _cut(name: str, suffix: str = "") -> str:
    """``name`` with ``suffix`` before its extension, at most ``PART_BYTES`` bytes, cut at a character's border."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 20:
        stem, dot, extension = name, "", ""
    tail = suffix + dot + extension
    room = PART_BYTES - len(tail.encode())
    encoded = stem.encode()
    if len(encoded) > room:
        shortened = encoded[:room].decode("utf-8", "ignore")
        while shortened and unicodedata.combining(stem[len(shortened)]) and len(shortened) > 1:
            shortened = shortened[:-1]
        stem = shortened.rstrip(". ") or "_"
    return stem + tail
