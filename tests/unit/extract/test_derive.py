"""Text after accession: from bytes that match the digest, in processes of their own, never in the way of anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from ingest.extract.derive import derive_pending
from repository import leases, outbox
from repository.archive import Archive
from repository.derivatives import get_text
from repository.storage.layout import bag_key
from repository.tables import StoredFile

Deposit = Callable[..., str]


def states(archive: Archive) -> list[str]:
    with archive.reading() as session:
        return list(session.scalars(select(StoredFile.text_state).order_by(StoredFile.position)))


def damage(archive: Archive, tmp_path: Path, replica: str, record_id: str) -> None:
    path = tmp_path / "replicas" / replica / bag_key(record_id, 1)
    data = bytearray(path.read_bytes())
    data[6] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def test_texts_are_made_kept_and_announced(archive: Archive, deposit: Deposit, pdf: bytes, word: bytes) -> None:
    record_id = deposit(
        ("a.pdf", "application/pdf", "fmt/20", pdf),
        ("b.docx", None, "fmt/412", word),
        ("c.txt", "text/plain", None, "低保檔案".encode("gb18030")),
        ("d.jpg", "image/jpeg", "fmt/43", b"\xff\xd8"),
        ("e.pdf", "application/pdf", None, b"%PDF-1.4 broken"),
        ("f.txt", "text/plain", None, b""),
    )
    assert derive_pending(archive, 50) == 6
    assert states(archive) == ["done", "done", "done", "not_applicable", "failed", "not_applicable"]
    pages = get_text(archive.derivatives, record_id, 1, 1)
    assert pages is not None
    assert [page.strip() for page in pages] == ["城市低保檔案", "第二頁，劉三。"]
    assert get_text(archive.derivatives, record_id, 1, 3) == ["低保檔案"]
    assert get_text(archive.derivatives, record_id, 1, 5) is None
    with archive.reading() as session:
        assert [(row.kind, row.subject_id) for row in outbox.pending(session)] == [("record", record_id)]
    assert not list(archive.derivatives.glob("work-*"))
    assert derive_pending(archive, 50) == 0


def test_a_batch_is_a_batch(archive: Archive, deposit: Deposit) -> None:
    deposit(*((f"{n}.txt", "text/plain", None, f"文{n}".encode()) for n in range(40)))
    assert derive_pending(archive, 30) == 30
    assert derive_pending(archive, 30) == 10
    assert set(states(archive)) == {"done"}


def test_the_other_replica_serves_when_one_is_damaged(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    record_id = deposit(("a.txt", "text/plain", None, "低保檔案".encode()))
    damage(archive, tmp_path, "a", record_id)
    assert derive_pending(archive) == 1
    assert get_text(archive.derivatives, record_id, 1, 1) == ["低保檔案"]


def test_no_text_from_bytes_that_match_nothing(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    record_id = deposit(("a.txt", "text/plain", None, "低保檔案".encode()))
    damage(archive, tmp_path, "a", record_id)
    (tmp_path / "replicas" / "b" / bag_key(record_id, 1)).unlink()
    assert derive_pending(archive) == 1
    assert states(archive) == ["failed"]
    assert get_text(archive.derivatives, record_id, 1, 1) is None


def test_one_process_at_a_time(archive: Archive, deposit: Deposit) -> None:
    deposit(("a.txt", "text/plain", None, "文".encode()))
    assert leases.take(archive.sessions, "derive", "another", 60, archive.clock)
    assert derive_pending(archive) == 0
    assert states(archive) == ["pending"]
