"""The catalogue's own copy of the ledger: what is changed in the database alone is named too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from metadata.identifiers import new_id
from repository.archive import Archive
from repository.ledger.catalogue import tail_missing, verify_catalogue
from repository.ledger.seal import seal
from repository.ledger.verify import verify_store


@pytest.fixture
def sealed(archive: Archive, act: Callable[[int], None]) -> Archive:
    """Two blocks a stream, and entries that still wait."""
    act(2)
    seal(archive)
    act(2)
    seal(archive)
    act(1)
    return archive


def _codes(archive: Archive) -> list[str]:
    with archive.reading() as session:
        return [one.code for one in verify_catalogue(session, archive).problems]


def test_an_untouched_catalogue_agrees_with_its_blocks(sealed: Archive) -> None:
    with sealed.reading() as session:
        report = verify_catalogue(session, sealed)
    assert report.ok
    assert (report.blocks, report.entries) == (4, 8)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("update ledger_entry set body=replace(body, 'organ.created', 'organ.deleted') where seq=1", "altered"),
        ("update ledger_entry set actor_id='console:other' where seq=1", "altered"),
        ("delete from ledger_entry where seq=1", "removed"),
        (
            (
                "insert into ledger_entry (id, stream, at, act, actor_id, body) "
                "select :id, stream, at, act, actor_id, body from ledger_entry where seq=1"
            ),
            "inserted",
        ),
    ],
)
def test_a_row_changed_in_the_database_is_named(sealed: Archive, change: str, code: str) -> None:
    with sealed.sessions.begin() as session:
        session.execute(text(change), {"id": new_id()} if ":id" in change else {})
    assert _codes(sealed) == [f"ledger.catalogue_entry_{code}"]


def test_a_block_changed_in_the_database_is_named(sealed: Archive) -> None:
    with sealed.sessions.begin() as session:
        session.execute(
            text(
                "update ledger_block set body=cast(replace(cast(body as text), 'organ.created', 'organ.deleted') as blob) where stream='acts' and number=1"
            )
        )
    assert "ledger.entry_altered" in _codes(sealed)


def test_a_replica_whose_tail_was_cut_is_named_without_a_checkpoint(sealed: Archive, replica_folder: Path) -> None:
    for one in (replica_folder / "ledger" / "use").rglob("000000002.jsonl"):
        one.unlink()
    with sealed.reading() as session:
        report = verify_store(sealed.replicas.store("a"), [sealed.keys.public_bytes()])
        assert report.ok
        (cut,) = tail_missing(session, "a", report)
        assert (cut.code, cut.stream, cut.block) == ("ledger.tail_missing", "use", 2)
        whole = verify_store(sealed.replicas.store("b"), [sealed.keys.public_bytes()])
        assert not list(tail_missing(session, "b", whole))
