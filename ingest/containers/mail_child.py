"""Mail (RFC 5322, MIME) opened: its attachments written out. Runs in a process of its own (``ingest.pool``).

The mail itself is kept as it is; what is written here are copies of what it carries. Names come as RFC 2047, RFC 2231
or as bare bytes of some code page; only their last part counts, and they are made unique, since mails repeat them.
"""

from __future__ import annotations

import binascii
import mimetypes
import os
import unicodedata
from collections.abc import Iterator
from email import policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import unquote
from typing import Any
from urllib.parse import unquote_to_bytes

from ingest.containers.naming import decide, named

_ALIASES = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "gb18030": "gb18030",
    "big5": "cp950", "shift_jis": "cp932", "shift-jis": "cp932", "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
    "us-ascii": "utf-8", "": "utf-8", "unknown-8bit": "utf-8",
}  # fmt: skip
_HARMLESS = ("MultipartInvariantViolationDefect", "ObsoleteHeaderDefect", "NonASCIILocalPartDefect")
_LONGEST = 200
_PARTS = 100  # multiparts inside multiparts


def opened(items: list[tuple[bytes, bytes, int]]) -> list[Any]:
    """For each ``(mail, folder, most attachments)``: ``(whole, [(name, raw, encoding, size), ...])`` or a code.

    The attachments lie in the folder under their numbers.
    """
    return [_opened(*one) for one in items]


def _opened(path: bytes, folder: bytes, most: int) -> Any:
    with open(path, "rb") as source:
        data = source.read()
    mail = BytesParser(policy=policy.compat32).parsebytes(data)  # the newer policy parses every header, for minutes
    line_end = "\r\n" if b"\r\n" in data[:4096] else "\n"
    del data
    told: list[tuple[str, str | None, str, int]] = []
    taken: set[str] = set()
    whole = True
    parts = list(_leaves(mail))
    encoding = decide(raw for part in parts for raw in _bare_names(part))
    for part in parts:
        whole = whole and _is_whole(part)
        if part.get_content_maintype() == "multipart" or not _is_attachment(part):
            continue
        if len(told) >= most:
            return "container.too_many_entries"
        content = _content(part, line_end)
        text, raw, read_as = _name(part, encoding, len(told) + 1)
        _write(folder + b"/%d" % len(told), content)
        told.append((_unique(text, taken), raw, read_as, len(content)))
    return whole, told


def _leaves(mail: Message) -> Iterator[Message]:
    """Every part that has no parts of its own, and multiparts for their defects; a mail inside is one part."""
    waiting = [(mail, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart" and part.is_multipart() and depth < _PARTS:
            inner: Any = part.get_payload()
            waiting += [(one, depth + 1) for one in reversed(inner) if isinstance(one, Message)]


def _is_whole(part: Message) -> bool:
    return all(type(one).__name__ in _HARMLESS for one in part.defects)


def _is_attachment(part: Message) -> bool:
    """Whether the part is more than what the mail itself says: its text and the same in HTML."""
    raw = _headers(part)
    if b"attachment" in raw.get("content-disposition", b"").lower() or _parameter(part, None)[0]:
        return True
    return part.get_content_type() not in {"text/plain", "text/html"}


def _content(part: Message, line_end: str) -> bytes:
    if part.get_content_maintype() == "message" and part.is_multipart():
        inner = part.get_payload(0)
        if isinstance(inner, Message):
            as_given = policy.default.clone(refold_source="none", linesep=line_end, cte_type="8bit")
            try:
                return inner.as_bytes(policy=as_given)
            except (MessageError, UnicodeError, LookupError, ValueError):
                return inner.as_bytes(policy=policy.compat32)
    found = part.get_payload(decode=True)
    if isinstance(found, bytes):
        return found
    return str(part.get_payload() or "").encode("utf-8", "surrogateescape")


def _headers(part: Message) -> dict[str, bytes]:
    """Headers as they stand, unparsed, first of each name."""
    found: dict[str, bytes] = {}
    for name, value in part.raw_items():
        found.setdefault(name.lower(), str(value).encode("utf-8", "surrogateescape"))
    return found


def _bare_names(part: Message) -> Iterator[bytes]:
    headers = _headers(part)
    for one in ("content-disposition", "content-type"):
        if not (value := headers.get(one, b"")).isascii():
            yield value


def _name(part: Message, encoding: str | None, number: int) -> tuple[str, str | None, str]:
    """The attachment's name, its own bytes in base64 where they are no UTF-8, and how they were read."""
    text, bare = _parameter(part, encoding)
    text = text.replace("\\", "/").rpartition("/")[2].replace("\x00", "\ufffd").strip()
    if text in {"", ".", ".."}:
        suffix = ".eml" if part.get_content_type() == "message/rfc822" else None
        return f"attachment-{number}{suffix or mimetypes.guess_extension(part.get_content_type()) or '.bin'}", None, ""
    kept = named(bare, encoding) if bare else None
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 20] + text[-20:]
    if kept is None or kept.raw is None:
        return text, None, ""
    return text, kept.raw, kept.encoding


def _parameter(part: Message, encoding: str | None) -> tuple[str, bytes]:
    """``filename`` of Content-Disposition, else ``name`` of Content-Type, with its bytes where they are not ASCII."""
    headers = _headers(part)
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = headers.get(header, b"")
        text = named(value, encoding).text
        found = _parameters(" ".join(text.split())).get(parameter, "")
        if not found:
            continue
        if value.isascii():
            return _decoded(found), b""
        codec = {"Shift-JIS": "cp932", "Big5": "cp950", "GB18030": "gb18030", "CP437": "cp437"}.get(encoding or "")
        bare = found.encode(codec, "ignore") if codec else b""
        return _decoded(found), bare
    return "", b""


def _parameters(value: str) -> dict[str, str]:
    """Parameters of a header by name, pieces of RFC 2231 joined and decoded."""
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for part in _split(value)[1:]:
        name, equals, told = part.partition("=")
        name, told = name.strip().lower(), unquote(told.strip())
        if not equals:
            continue
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(name, told)
            continue
        number = rest.rstrip("*")
        pieces.setdefault(base, []).append((int(number) if number.isdecimal() else 0, name.endswith("*"), told))
    for base, some in pieces.items():
        plain[base] = _joined(sorted(some))
    return plain


def _split(value: str) -> list[str]:
    parts: list[str] = []
    current: list[str] = []
    quoted = escaped = False
    for one in value:
        if one == ";" and not quoted:
            parts.append("".join(current))
            current = []
            continue
        if one == '"' and not escaped:
            quoted = not quoted
        escaped = one == "\\" and not escaped
        current.append(one)
    return [*parts, "".join(current)]


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    charset, data = "", b""
    for place, (_, coded, told) in enumerate(pieces):
        text = told
        if coded and place == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if coded else text.encode()
    return _text(data, charset)


def _decoded(value: str) -> str:
    """``value`` with encoded words (RFC 2047) read, also inside quotes, where many mail programs put them."""
    if "=?" not in value:
        return value
    try:
        return "".join(
            one if isinstance(one, str) else _text(one, charset or "") for one, charset in decode_header(value)
        )
    except (HeaderParseError, binascii.Error, ValueError):
        return value


def _text(data: bytes, charset: str) -> str:
    wanted = _ALIASES.get(charset.lower(), charset)
    try:
        return data.decode(wanted)
    except (LookupError, UnicodeDecodeError):
        return named(data, decide([data])).text


def _unique(name: str, taken: set[str]) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    shown, number = name, 1
    while (folded := unicodedata.normalize("NFC", shown).casefold()) in taken:
        number += 1
        shown = f"{stem} ({number}){dot}{suffix}"
    taken.add(folded)
    return shown


def _write(target: bytes, content: bytes) -> None:
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    with open(out, "wb") as file:
        file.write(content)
