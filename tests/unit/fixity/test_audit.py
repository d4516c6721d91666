"""The audit finds every fault, names it, and passes nothing that it could not read."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from metadata.errors import NotFound, Unavailable
from repository.archive import Archive
from repository.bag.read import directory
from repository.clock import FixedClock
from repository.fixity import Outcome, audit, first_audit, open_incidents
from repository.fixity.drilldown import differences, place
from repository.fixity.reading import unread
from repository.fixity.selection import Selection
from repository.ledger.acts import ActorRef
from repository.objects import register
from repository.storage import layout
from repository.storage.failures import of_os_error
from repository.storage.local import LocalStore
from repository.tables import AuditRun, FixityCheck, Incident, LedgerEntry, ReplicaObject, StoredObject

from .conftest import DOCUMENTS, OFFICER, StoreRecord, files_of, flip, folder_of

DOCUMENT_KEYS = sorted([layout.DOCUMENT, layout.READER])
SYSTEM = ActorRef("system", "system")


def test_intact_everywhere(archive: Archive, store_record: StoreRecord) -> None:
    keys = [store_record() for _ in range(3)]
    results = audit(archive, actor=OFFICER)
    assert results == []
    assert results.checked == 2 * (3 + DOCUMENTS)
    assert results.exit_code == 0
    assert results.total("intact") == results.checked
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(FixityCheck)) == results.checked
        outcomes = session.scalars(select(ReplicaObject.outcome).where(ReplicaObject.key.in_(keys))).all()
        runs = session.scalars(select(AuditRun)).all()
        acts = session.scalars(select(LedgerEntry.act)).all()
    assert set(outcomes) == {"intact"}
    assert {run.replica for run in runs} == {"a", "b"}
    assert all(run.finished_at and run.objects == 3 + DOCUMENTS and run.bytes_read > 15_000 for run in runs)
    assert acts.count("fixity.run_finished") == 2


def test_nothing_to_audit(archive: Archive) -> None:
    results = audit(archive, actor=OFFICER, keys=["no/such/key"])
    assert results.checked == 0
    assert results.exit_code == 0
    assert results.runs == []


def _offset_of(archive: Archive, key: str, what: str) -> tuple[int, list[str], bool]:
    """A byte of a region, with the members and the structure flag that the audit should name."""
    members = directory(archive.replicas.store("b"), key)
    if what == "payload":
        one = next(one for one in members if one.path.endswith("1.bin"))
        return one.offset + 17, [one.path], False
    if what == "tag file":
        one = next(one for one in members if one.path.endswith("bag-info.txt"))
        return one.offset + 3, [one.path], False
    if what == "directory":
        return archive.replicas.store("b").head(key).size - 30, [], True
    return members[0].offset - 10, [], True  # local header


@pytest.mark.parametrize("what", ["payload", "tag file", "directory", "local header"])
@pytest.mark.parametrize("other_copy", [True, False])
def test_one_flipped_byte_is_found_and_named(
    archive: Archive, store_record: StoreRecord, what: str, other_copy: bool
) -> None:
    key = store_record()
    offset, members, structure = _offset_of(archive, key, what)
    flip(folder_of(archive, "a") / key, offset)
    if not other_copy:
        flip(folder_of(archive, "b") / key, offset)
    results = audit(archive, actor=OFFICER)
    assert results.exit_code == 1
    first = results[0]
    assert (first.replica, first.key, first.outcome) == ("a", key, Outcome.DAMAGED)
    assert first.detail["members"] == members
    assert first.detail["structure"] is structure
    if other_copy:
        assert len(results) == 1
        assert first.detail["compared_with"] == "b"
        assert first.detail["first_difference"] == offset
        assert str(offset) in first.note
    else:
        assert {one.replica for one in results} == {"a", "b"}
        assert first.detail["compared_with"] is None


def test_truncated_grown_missing(archive: Archive, store_record: StoreRecord) -> None:
    short, long, gone = (store_record() for _ in range(3))
    root = folder_of(archive, "b")
    os.truncate(root / short, 4000)
    with (root / long).open("ab") as out:
        out.write(b"more")
    (root / gone).unlink()
    results = audit(archive, actor=OFFICER)
    found = {one.key: one for one in results}
    assert found[short].outcome is Outcome.DAMAGED
    assert found[short].detail["structure"] is True
    assert len(found[short].detail["members"]) >= 3
    assert found[long].outcome is Outcome.DAMAGED
    assert found[long].detail["differing_bytes"] == 4
    assert found[gone].outcome is Outcome.MISSING
    assert results.total("intact") == 3 + 2 * DOCUMENTS


def test_unreadable_is_not_missing(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    path = folder_of(archive, "a") / key
    path.unlink()
    path.symlink_to(folder_of(archive, "b") / key)  # refused by the store, whoever runs the test
    [one] = audit(archive, actor=OFFICER)
    assert one.outcome is Outcome.UNREADABLE
    assert one.detail["error"] == "store.link"


def test_a_replica_that_is_not_there_is_not_checked(archive: Archive, store_record: StoreRecord) -> None:
    keys = [store_record() for _ in range(3)]
    root = folder_of(archive, "b")
    shutil.move(root, root.with_name("elsewhere"))
    root.mkdir()  # the mount point of a disk that was not mounted
    results = audit(archive, actor=OFFICER)
    assert results.exit_code == 2
    assert results.total("not_checked") == 3 + DOCUMENTS
    assert results.total("intact") == 3 + DOCUMENTS
    assert results.total("missing") == 0
    [one] = results
    assert (one.replica, one.key) == ("b", "-")
    assert one.note
    with archive.reading() as session:
        assert open_incidents(session) == []
        checked = session.scalars(
            select(ReplicaObject.checked_at).where(ReplicaObject.replica == "b", ReplicaObject.key.in_(keys))
        ).all()
    assert set(checked) == {None}


def test_a_replica_that_goes_away_on_the_way(
    archive: Archive, store_record: StoreRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        store_record()
    root = folder_of(archive, "b")
    reading = sys.modules["repository.fixity.reading"]
    original = reading.chunks_of
    calls = []

    def unmount(store: LocalStore, key: str, **named: Any) -> Any:
        if store.name == "b" and key.startswith("r/"):
            calls.append(key)
            if len(calls) == 3 and root.exists():
                shutil.move(root, root.with_name("elsewhere"))
        return original(store, key, **named)

    monkeypatch.setattr(reading, "chunks_of", unmount)
    results = audit(archive, actor=OFFICER)
    assert results.exit_code == 2
    assert results.total("missing", "unreadable") == 0
    assert results.total("not_checked") == 3  # two bags and the reader, which comes after them
    assert results.total("intact") == 2 * (4 + DOCUMENTS) - 3


def test_one_incident_a_fault_until_it_is_closed(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    path = folder_of(archive, "a") / key
    flip(path, 100)
    first = audit(archive, actor=OFFICER)
    second = audit(archive, actor=OFFICER)
    assert first[0].incident_id == second[0].incident_id
    path.unlink()
    third = audit(archive, actor=OFFICER)
    assert third[0].outcome is Outcome.MISSING
    assert third[0].incident_id != first[0].incident_id
    with archive.reading() as session:
        assert [one.seq for one in open_incidents(session)] == sorted({one.seq for one in open_incidents(session)})
        assert len(open_incidents(session)) == 2
        opened = session.scalars(select(LedgerEntry).where(LedgerEntry.act == "incident.opened")).all()
    assert len(opened) == 2
    assert {one.record_id for one in opened} == {layout.parse(key).record_id}
    shutil.copy(folder_of(archive, "b") / key, path)  # a person put the file back
    assert audit(archive, actor=OFFICER).exit_code == 0
    with archive.reading() as session:
        assert open_incidents(session) == []
        assert set(session.scalars(select(Incident.state))) == {"closed"}


def test_oldest_checked_first(archive: Archive, store_record: StoreRecord, clock: FixedClock) -> None:
    keys = sorted(store_record() for _ in range(5))
    audit(archive, actor=OFFICER, keys=DOCUMENT_KEYS)
    clock.moment += timedelta(hours=1)
    for key in (keys[3], keys[1]):
        audit(archive, actor=OFFICER, keys=[key])
        clock.moment += timedelta(hours=1)
    selection = Selection(archive.reading, "a", now=clock.now())
    assert [task.key for task in selection.tasks()] == [
        *(keys[0], keys[2], keys[4]),
        *DOCUMENT_KEYS,
        *(keys[3], keys[1]),
    ]
    assert [task.cold for task in selection.tasks()] == [True] * 3 + [False] * 4
    assert selection.total()[0] == 7
    audit(archive, actor=OFFICER, limit=5)
    due = Selection(archive.reading, "a", now=clock.now(), older_than=clock.now())
    assert [task.key for task in due.tasks()] == [keys[3], keys[1]]


def test_nothing_twice_in_one_run_even_when_the_clock_stands(archive: Archive, store_record: StoreRecord) -> None:
    for _ in range(3):
        store_record()
    for _ in range(3):
        assert audit(archive, actor=OFFICER).checked == 2 * (3 + DOCUMENTS)


def test_first_audit_reads_what_is_new(archive: Archive, store_record: StoreRecord) -> None:
    store_record()
    assert first_audit(archive).checked == 2 + 2 * DOCUMENTS
    assert first_audit(archive).checked == 0
    key = store_record()
    flip(folder_of(archive, "b") / key, 9)
    again = first_audit(archive)
    assert again.checked == 2
    assert [(one.replica, one.key) for one in again] == [("b", key)]


def test_small_objects_are_compared_with_the_catalogue(archive: Archive) -> None:
    body = b'{"format":"x/1"}' * 40
    key = "ledger/acts/2026/01/000000001.jsonl"
    written = archive.replicas.create_bytes(key, body)
    with archive.sessions.begin() as session:
        register(
            session,
            clock=archive.clock,
            key=key,
            kind="block",
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
            body=body,
            written=written,
        )
    flip(folder_of(archive, "a") / key, 33)
    [one] = audit(archive, actor=OFFICER)
    assert one.detail["compared_with"] == "catalogue"
    assert one.detail["first_difference"] == 33


def test_a_damaged_marker_is_a_fault_and_hides_nothing(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    flip(folder_of(archive, "a") / "holding" / "00001.json", 20)
    flip(folder_of(archive, "a") / key, 20)
    results = audit(archive, actor=OFFICER)
    assert {(one.replica, one.key, one.outcome) for one in results} == {
        ("a", "holding/00001.json", Outcome.DAMAGED),
        ("a", key, Outcome.DAMAGED),
    }
    assert results.total("intact") == 1 + 2 * DOCUMENTS


def test_a_destroyed_record_must_not_be_there(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    record_id = layout.parse(key).record_id
    assert record_id is not None
    stone = layout.tombstone_key(record_id)
    body = b"{}"
    written = archive.replicas.create_bytes(stone, body)
    with archive.sessions.begin() as session:
        register(
            session,
            clock=archive.clock,
            key=stone,
            kind="tombstone",
            sha256=hashlib.sha256(body).hexdigest(),
            size=2,
            record_id=record_id,
            body=body,
            written=written,
        )
    (folder_of(archive, "b") / key).unlink()
    results = audit(archive, actor=OFFICER)
    assert [(one.replica, one.outcome) for one in results] == [("a", Outcome.STALE)]
    assert results.total("intact") == 2 + 2 * DOCUMENTS  # the tombstones and the documents


def test_deep_audit_checks_every_manifest(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    assert audit(archive, actor=OFFICER, deep=True).exit_code == 0
    with archive.reading() as session:
        assert None not in set(session.scalars(select(ReplicaObject.deep_checked_at)))
        assert set(session.scalars(select(AuditRun.kind))) == {"deep_audit"}
    members = directory(archive.replicas.store("a"), key)
    payload = next(one for one in members if one.path.startswith("data/"))
    for name in ("a", "b"):  # wrong when it came in: the object is what was recorded, the bag in it is not valid
        flip(folder_of(archive, name) / key, payload.offset)
    sha256 = hashlib.sha256((folder_of(archive, "a") / key).read_bytes()).hexdigest()
    with archive.sessions.begin() as session:
        session.get_one(StoredObject, key).sha256 = sha256
    assert audit(archive, actor=OFFICER).exit_code == 0
    deep = audit(archive, actor=OFFICER, deep=True)
    assert deep.exit_code == 1
    assert any(payload.path == one["path"] for one in deep[0].detail["findings"])


def test_an_unknown_replica_is_said(archive: Archive) -> None:
    with pytest.raises(NotFound, match="There is no replica z"):
        audit(archive, actor=OFFICER, replicas=["z"])


def test_progress_reaches_the_total(archive: Archive, store_record: StoreRecord) -> None:
    store_record(files_of(4, 100_000))
    seen: list[tuple[int, int]] = []
    audit(archive, actor=OFFICER, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 800_000


class _Killed(BaseException):
    """The process is gone."""


def test_a_killed_audit_goes_on_the_next_time(
    archive: Archive, store_record: StoreRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_record()

    def die(*_args: object, **_more: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["repository.fixity.audit"], "finish_run", die)
        with pytest.raises(_Killed):
            audit(archive, actor=OFFICER)
    with archive.reading() as session:
        assert set(session.scalars(select(AuditRun.finished_at))) <= {None}
    assert audit(archive, actor=OFFICER).exit_code == 0


def test_differences_of_streams() -> None:
    one = [b"abc", b"defg", b"h" * 2000]
    two = [b"abcd", b"eXg", b"h" * 1999]
    assert differences(iter(one), iter(two)) == [(5, 6), (2006, 2007)]
    assert differences(iter([]), iter([b"x"])) == [(0, 1)]
    assert differences(iter([b"x" * 9]), iter([b"x" * 9])) == []
    assert differences(iter([bytes(50_000)]), iter([b"\1" * 50_000])) == [(0, 50_000)]
    scattered = differences(iter([bytes(60_000)]), iter([b"\0\1" * 30_000]))
    assert scattered[-1][1] == 60_000


class _Member:
    def __init__(self, path: str, offset: int, size: int) -> None:
        self.path, self.offset, self.size = path, offset, size


def test_spans_are_placed_in_members() -> None:
    members = [_Member("a", 10, 10), _Member("b", 25, 5), _Member("empty", 30, 0)]
    assert place([(12, 13)], members) == (["a"], False)
    assert place([(12, 27)], members) == (["a", "b"], True)
    assert place([(5, 6)], members) == ([], True)
    assert place([(19, 20), (25, 30)], members) == (["a", "b"], False)
    assert place([(29, 31)], members) == (["b"], True)


def test_cold_reading_touches_nothing(archive: Archive, store_record: StoreRecord, tmp_path: Path) -> None:
    key = store_record()
    before = (folder_of(archive, "a") / key).stat()
    first_audit(archive, actor=SYSTEM)
    after = (folder_of(archive, "a") / key).stat()
    assert (before.st_mtime_ns, before.st_size, before.st_ino) == (after.st_mtime_ns, after.st_size, after.st_ino)


def test_what_passes_by_itself_is_no_fault_of_an_object() -> None:
    for code in ("store.busy", "store.down", "store.credentials", "store.clock_skew", "store.full"):
        assert unread(Unavailable(code, zh="", en="")) is Outcome.NOT_CHECKED
    for code in ("store.io_error", "store.failed_inside", "store.link"):
        assert unread(Unavailable(code, zh="", en="")) is Outcome.UNREADABLE
    assert unread(OSError(errno.EIO, "disk")) is Outcome.UNREADABLE
    assert unread(OSError(errno.ESTALE, "server away")) is Outcome.NOT_CHECKED
    assert unread(OSError(errno.ETIMEDOUT, "server slow")) is Outcome.NOT_CHECKED
    stale = of_os_error(OSError(errno.ESTALE, "server away"), "a", "k")
    stale.__cause__ = OSError(errno.ESTALE, "server away")
    assert unread(stale) is Outcome.NOT_CHECKED
