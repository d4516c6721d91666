"""Letters that requests bring (公函、介绍信): a PDF or a picture, kept as what must survive, read by few.

A letter is an entity revision of kind ``letter``: one JSON object in the stores with its bytes as base64. Who may read the
request may read its letter (``access.requests.get``); malware is looked for by who takes the letter in.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from sqlalchemy.orm import Session

from access.actors import Actor
from access.request_rules import words
from metadata import digests
from metadata.errors import Invalid, NotFound, Unavailable
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.revisions import revise_entity
from repository.storage import layout
from repository.tables import StoredObject

KIND = "letter"
MOST_BYTES = 5 << 20
_LONGEST_NAME = 120
_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter's name as given, its media type by signature, its bytes."""

    name: str
    media_type: str
    data: bytes


def checked(name: str, data: bytes) -> Letter:
    """A letter of a kind and size that is taken; ``Invalid`` (``letter.*``) otherwise. The name decides nothing."""
    if not data:
        raise Invalid(
            "letter.empty",
            zh="公函文件是空的。请重新扫描或选择正确的文件。",
            en="The letter's file is empty. Scan it again or choose the right file.",
        )
    if len(data) > MOST_BYTES:
        raise Invalid(
            "letter.too_large",
            zh="公函文件超过 5 MB。请降低扫描分辨率或拆分后重试。",
            en="The letter's file is over 5 MB. Scan it at a lower resolution and try again.",
            size=len(data),
        )
    media_type = next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)
    if media_type is None:
        raise Invalid(
            "letter.wrong_kind",
            zh="公函须为 PDF、JPEG 或 PNG 文件。请另存为其中一种后重试。",
            en="A letter is a PDF, JPEG or PNG file. Save it as one of them and try again.",
        )
    plain = name.replace("\\", "/").rpartition("/")[2]
    return Letter(" ".join(words(plain, _LONGEST_NAME).split()) or KIND, media_type, data)


def keep(session: Session, *, archive: Archive, actor: Actor, letter: Letter) -> str:
    """Freeze the letter in the caller's transaction, to be written to every replica; its id."""
    letter_id = new_id()
    state = {
        "name": letter.name,
        "media_type": letter.media_type,
        "size": len(letter.data),
        "sha256": digests.of_bytes(letter.data),
        "data": base64.b64encode(letter.data).decode("ascii"),
    }
    revise_entity(session, archive=archive, actor=actor.ref, kind=KIND, entity_id=letter_id, state=state)
    return letter_id


def read(session: Session, archive: Archive, letter_id: str) -> Letter:
    """The letter with its bytes checked against their digest. Not gated: ask ``requests.get`` first.

    ``NotFound`` when there is none, ``Unavailable`` when no replica gives the bytes as they were.
    """
    row = session.get(StoredObject, layout.entity_key(KIND, letter_id, 1))
    if row is None:
        raise NotFound(
            "letter.not_found",
            zh="没有这份公函，或您无权查看。",
            en="There is no such letter, or you may not see it.",
        )
    body = row.body if row.body is not None else archive.replicas.read_any(row.key, row.sha256)
    try:
        state = json.loads(body)["state"]
        data = base64.b64decode(state["data"], validate=True)
        if digests.of_bytes(data) == state["sha256"]:
            return Letter(str(state["name"]), str(state["media_type"]), data)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise _damaged() from error
    raise _damaged()


def _damaged() -> Unavailable:
    return Unavailable(
        "letter.damaged",
        zh="这份公函的内容读不出来。请长期保存管理员检查副本。",
        en="The letter's bytes cannot be read. Ask the preservation officer to look at the replicas.",
    )
