"""Keys of storage format 1: where everything lies in a store (docs/storage-format.md, "Keys").

Keys are made of ids, numbers and fixed words only; never of a fonds, a code, a file name or a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from metadata.identifiers import checked_id
from repository.storage.base import checked_key

FORMAT = 1
DOCUMENT = "STORAGE-FORMAT-1.md"
READER = "read_bag.py"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key says. ``kind`` as in ``tables.StoredObject``, ``ledger_key`` or ``unknown`` (no key of format 1)."""

    kind: str
    record_id: str | None = None
    number: int | None = None
    subject_id: str | None = None
    name: str | None = None


def bag_key(record_id: str, number: int) -> str:
    """The bag of version ``number`` (from 1) of a record."""
    return f"r/{_spread(record_id)}/v{_number(number)}.zip"


def description_key(record_id: str, number: int) -> str:
    """Description revision ``number`` (from 1) of a record."""
    return f"r/{_spread(record_id)}/d{_number(number)}.json"


def case_key(case_file_id: str, number: int) -> str:
    """Revision ``number`` of a case file's whole state."""
    return f"c/{_spread(case_file_id)}/d{_number(number)}.json"


def entity_key(kind: str, entity_id: str, number: int) -> str:
    """Revision ``number`` of whatever else must survive: ``kind`` is ``account``, ``organ``, ``submission``, ..."""
    return f"e/{kind}/{checked_id(entity_id)[:2]}/{entity_id}/d{_number(number)}.json"


def profile_key(name: str, version: str, file: str) -> str:
    """One file of a profile version."""
    return checked_key(f"p/profiles/{name}/{version}/{file}")


def block_key(stream: str, number: int, at: datetime) -> str:
    """A sealed ledger block; year and month are those of its sealing, in UTC."""
    return f"ledger/{stream}/{at.astimezone(UTC):%Y/%m}/{number:09d}.jsonl"


def ledger_key_key(key_id: str) -> str:
    """The public half of a ledger key."""
    return checked_key(f"ledger/keys/{key_id}.json")


def checkpoint_key(number: int, name: str) -> str:
    """A file of the checkpoint that was made at block ``number`` of the stream ``acts``."""
    return checked_key(f"ledger/checkpoints/{number:09d}/{name}")


def tombstone_key(record_id: str) -> str:
    """What remains of a destroyed record or case file."""
    return f"tombstones/{checked_id(record_id)[:2]}/{record_id}.json"


def evidence_key(record_id: str | None, incident_id: str, replica: str, original_key: str) -> str:
    """Where repair puts the damaged bytes of ``original_key``; ``-`` stands for "of no record"."""
    owner = "-" if record_id in {None, "-"} else record_id
    return checked_key(f"evidence/{owner}/{incident_id}/{replica}/{original_key}")


def holding_key(number: int) -> str:
    """A holding marker; the highest number in a store wins."""
    return f"holding/{_number(number)}.json"


def _spread(identifier: str) -> str:
    checked_id(identifier)
    return f"{identifier[:2]}/{identifier[2:4]}/{identifier}"


def _number(number: int) -> str:
    if number < 1:
        raise ValueError(f"numbers begin at 1, not {number}")
    return f"{number:05d}"


_PATTERNS = (
    ("bag", rf"r/(?P<a>..)/(?P<b>..)/(?P<record>{_UUID})/v(?P<number>\d{{5,}})\.zip"),
    ("description", rf"r/(?P<a>..)/(?P<b>..)/(?P<record>{_UUID})/d(?P<number>\d{{5,}})\.json"),
    ("case_file", rf"c/(?P<a>..)/(?P<b>..)/(?P<subject>{_UUID})/d(?P<number>\d{{5,}})\.json"),
    ("entity", rf"e/(?P<name>[a-z_]+)/(?P<a>..)/(?P<subject>{_UUID})/d(?P<number>\d{{5,}})\.json"),
    ("profile", r"p/profiles/(?P<name>[^/]+/[^/]+/.+)"),
    ("ledger_key", r"ledger/keys/(?P<name>[^/]+)\.json"),
    ("checkpoint", r"ledger/checkpoints/(?P<number>\d{9,})/(?P<name>.+)"),
    ("block", r"ledger/(?P<name>[a-z]+)/\d{4}/\d{2}/(?P<number>\d{9,})\.jsonl"),
    ("tombstone", rf"tombstones/(?P<a>..)/(?P<record>{_UUID})\.json"),
    ("marker", r"holding/(?P<number>\d{5,})\.json"),
    ("document", rf"(?P<name>{re.escape(DOCUMENT)}|{re.escape(READER)})"),
)
_COMPILED = tuple((kind, re.compile(pattern + r"\Z")) for kind, pattern in _PATTERNS)
_EVIDENCE = re.compile(rf"evidence/(?P<record>-|{_UUID})/(?P<subject>[^/]+)/[^/]+/(?P<name>.+)\Z")


def parse(key: str) -> KeyInfo:
    """What ``key`` says; kind ``unknown`` when it is no key of format 1 (also when id and folders disagree).

    ``name`` is the kind of an entity, the stream of a block, the path of a profile file, the original key of evidence;
    ``subject_id`` is the id of a case file or entity, the incident of evidence.
    """
    for kind, pattern in _COMPILED:
        match = pattern.match(key)
        if match is None:
            continue
        found = match.groupdict()
        owner = found.get("record") or found.get("subject") or ""
        spread = (found.get("a") or "") + (found.get("b") or "")
        if not owner.startswith(spread):
            break
        number = found.get("number")
        return KeyInfo(
            kind,
            record_id=found.get("record"),
            number=None if number is None else int(number),
            subject_id=found.get("subject"),
            name=found.get("name"),
        )
    evidence = _EVIDENCE.match(key)
    if evidence:
        owner = evidence["record"]
        return KeyInfo(
            "evidence",
            record_id=None if owner == "-" else owner,
            subject_id=evidence["subject"],
            name=evidence["name"],
        )
    return KeyInfo("unknown")
