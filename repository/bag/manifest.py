"""Lines of BagIt tag files: manifests, ``bagit.txt``, ``bag-info.txt`` (RFC 8493 sections 2.1 to 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from metadata.errors import Invalid

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_ENCODED = re.compile(r"%(25|0[AaDd])")
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(\*?)([^\r\n]+)\Z")
_LABEL = re.compile(r"[^\s:][^:\r\n]*(?<!\s)\Z")


def encode_path(path: str) -> str:
    """A path as it stands in a manifest: CR, LF and ``%`` percent-encoded (RFC 8493 section 2.1.3)."""
    if "%" in path:
        path = path.replace("%", "%25")
    return path.replace("\r", "%0D").replace("\n", "%0A")


def decode_path(text: str) -> str:
    """The path that ``encode_path`` wrote; other uses of ``%`` stay as they are."""
    return _ENCODED.sub(lambda match: chr(int(match[1], 16)), text) if "%" in text else text


def manifest(entries: Iterable[tuple[str, str]]) -> bytes:
    """A manifest of (hex digest, path) entries, in the order given."""
    return "".join([f"{digest}  {encode_path(path)}\n" for digest, path in entries]).encode()


def split_line(line: str) -> tuple[str, str] | None:
    """(hex digest in lower case, path as written) of a manifest line, or ``None`` when it is none.

    The asterisk that ``md5sum -b`` puts before a path is dropped, as older bags have it.
    """
    match = _LINE.match(line)
    return (match[1].lower(), match[3]) if match else None


def lines(text: str) -> Iterator[str]:
    """Lines ended by LF, CR or CRLF and by nothing else: other separators of Unicode may stand in a path."""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line:
            yield line


def bag_info(pairs: Iterable[tuple[str, str]]) -> bytes:
    """``bag-info.txt`` of (label, value) pairs in order; line ends inside a value become spaces."""
    written = []
    for label, value in pairs:
        if not _LABEL.match(label):
            raise Invalid(
                "bag.bad_label",
                zh=f"bag-info.txt 的标签不合规：{label!r}。",
                en=f"Not a label for bag-info.txt: {label!r}.",
                label=label,
            )
        written.append(f"{label}: {' '.join(value.split())}\n")
    return "".join(written).encode()


def parse_bag_info(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(pairs in order, lines that are none) of a ``bag-info.txt``; folded lines are joined by a space."""
    pairs: list[tuple[str, str]] = []
    bad: list[str] = []
    for line in lines(text):
        if line.isspace():
            continue
        if line[0] in " \t" and pairs:
            label, value = pairs[-1]
            pairs[-1] = (label, f"{value} {line.strip()}")
        elif ":" in line:
            label, value = line.split(":", 1)
            pairs.append((label.strip(), value.strip()))
        else:
            bad.append(line)
    return pairs, bad
