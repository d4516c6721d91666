"""Keys of storage format 1, there and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from metadata.errors import Invalid
from repository.storage import layout
from repository.storage.base import checked_key
from repository.storage.layout import KeyInfo, parse

ID = "3f0c1a2b-0000-4000-8000-000000000001"
AT = datetime(2026, 1, 5, 1, tzinfo=UTC)

KEYS = [
    (layout.bag_key(ID, 1), f"r/3f/0c/{ID}/v00001.zip", KeyInfo("bag", record_id=ID, number=1)),
    (layout.bag_key(ID, 123456), f"r/3f/0c/{ID}/v123456.zip", KeyInfo("bag", record_id=ID, number=123456)),
    (layout.description_key(ID, 2), f"r/3f/0c/{ID}/d00002.json", KeyInfo("description", record_id=ID, number=2)),
    (layout.case_key(ID, 3), f"c/3f/0c/{ID}/d00003.json", KeyInfo("case_file", subject_id=ID, number=3)),
    (
        layout.entity_key("account", ID, 4),
        f"e/account/3f/{ID}/d00004.json",
        KeyInfo("entity", subject_id=ID, number=4, name="account"),
    ),
    (
        layout.profile_key("social_assistance", "2026.1", "documents.yaml"),
        "p/profiles/social_assistance/2026.1/documents.yaml",
        KeyInfo("profile", name="social_assistance/2026.1/documents.yaml"),
    ),
    (
        layout.block_key("acts", 12, AT),
        "ledger/acts/2026/01/000000012.jsonl",
        KeyInfo("block", number=12, name="acts"),
    ),
    (layout.ledger_key_key("ab12"), "ledger/keys/ab12.json", KeyInfo("ledger_key", name="ab12")),
    (
        layout.checkpoint_key(12, "3f.jsonl"),
        "ledger/checkpoints/000000012/3f.jsonl",
        KeyInfo("checkpoint", number=12, name="3f.jsonl"),
    ),
    (layout.tombstone_key(ID), f"tombstones/3f/{ID}.json", KeyInfo("tombstone", record_id=ID)),
    (layout.holding_key(1), "holding/00001.json", KeyInfo("marker", number=1)),
    (layout.READER, "read_bag.py", KeyInfo("document", name="read_bag.py")),
    (layout.DOCUMENT, "STORAGE-FORMAT-1.md", KeyInfo("document", name="STORAGE-FORMAT-1.md")),
    (
        layout.evidence_key(ID, "i1", "b", layout.bag_key(ID, 1)),
        f"evidence/{ID}/i1/b/r/3f/0c/{ID}/v00001.zip",
        KeyInfo("evidence", record_id=ID, subject_id="i1", name=f"r/3f/0c/{ID}/v00001.zip"),
    ),
    (
        layout.evidence_key(None, "i1", "b", "read_bag.py"),
        "evidence/-/i1/b/read_bag.py",
        KeyInfo("evidence", subject_id="i1", name="read_bag.py"),
    ),
]


@pytest.mark.parametrize(("made", "key", "info"), KEYS)
def test_keys(made: str, key: str, info: KeyInfo) -> None:
    assert made == key
    assert checked_key(key) == key
    assert parse(key) == info


@pytest.mark.parametrize(
    "key",
    [
        "x",
        "",
        f"r/00/0c/{ID}/v00001.zip",  # id and folders disagree
        f"r/3f/0c/{ID}/v1.zip",
        f"r/3f/0c/{ID}/v00001.zip/x",
        f"r/3f/0c/{ID.upper()}/v00001.zip",
        f"tombstones/00/{ID}.json",
        "ledger/acts/2026/01/12.jsonl",
        "evidence/whose/i1/b/x",
        "read_bag.pyc",
    ],
)
def test_other_keys_are_unknown(key: str) -> None:
    assert parse(key) == KeyInfo("unknown")


def test_what_is_refused() -> None:
    with pytest.raises(Invalid):
        layout.bag_key("张三", 1)
    with pytest.raises(ValueError, match="begin at 1"):
        layout.bag_key(ID, 0)
    with pytest.raises(Invalid):
        layout.profile_key("a", "..", "b")
