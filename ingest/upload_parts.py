"""The bytes of a file that arrives by parts: appended, made safe, and digested once when they are all there.

The row of ``upload`` says how many bytes are *safely* on disk: it is raised only after an fsync, and whatever lies
beyond it (a process was killed while writing) is cut off before the next part is appended. One writer at a time holds a
lock on the file itself, which the operating system gives back when the process dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ingest import containers, quarantine
from ingest.receiving import wanted
from ingest.streaming import stream
from ingest.submissions import read_submission
from metadata.digests import MultiDigest
from metadata.errors import Conflict, Invalid, NotFound, Unavailable
from repository.archive import Archive
from repository.tables import SubmissionFile, Upload

CHECKSUMS = ("sha1", "sha256")
"""Algorithms of the checksum of a part; sha1 is what the protocol asks for at least."""
_SAVED_EVERY = 64 << 20
_READ = 1 << 20
_SMALL = 16 << 20


@dataclass(frozen=True, slots=True)
class UploadState:
    """How far an upload has come; ``offset`` of ``length`` bytes are safely kept."""

    id: str
    submission_id: str
    path: str
    offset: int
    length: int
    expires_at: datetime
    done: bool


@dataclass(frozen=True, slots=True)
class Checksum:
    """The digest that a part must have, or nothing of it is kept."""

    algorithm: str
    digest: bytes


def state(row: Upload) -> UploadState:
    """The state that ``row`` holds."""
    return UploadState(
        row.id, row.submission_id, row.path, row.received, row.length, row.expires_at, row.state == "done"
    )


def gone() -> NotFound:
    """The error for an upload that ended, expired or never was."""
    return NotFound(
        "upload.gone",
        zh="这个分段上传已结束或已过期，请重新上传该文件。",
        en="This upload by parts has ended or expired; send the file again.",
    )


def not_receiving() -> Conflict:
    """The error for a deposit that takes no files any more."""
    return Conflict(
        "submission.not_receiving",
        zh="这次移交已结束接收，不能再加文件。请另开一次移交。",
        en="This deposit has ended its receiving; open another one for more files.",
    )


def _busy() -> Conflict:
    return Conflict(
        "upload.busy",
        zh="这个文件的上一段仍在接收，请稍后再续传。",
        en="An earlier part of this file is still being received; go on in a moment.",
    )


def _too_long(length: int) -> Invalid:
    return Invalid(
        "upload.too_long",
        zh=f"发来的字节多于声明的 {length} 字节，这一段没有保存。请核对文件是否已改动。",
        en=f"More came than the {length} bytes announced; this part was not kept. See whether the file has changed.",
        length=length,
    )


def _mismatch() -> Invalid:
    return Invalid(
        "upload.checksum_mismatch",
        zh="这一段的校验值不符，没有保存。请重新发送这一段。",
        en="The checksum of this part does not match; it was not kept. Send the part again.",
    )


def _elsewhere(safe: int) -> Conflict:
    return Conflict(
        "upload.offset",
        zh=f"续传位置不对：服务器已收妥 {safe} 字节。请从该位置继续。",
        en=f"Not the place to go on: {safe} bytes are safely here. Go on from there.",
        offset=safe,
    )


def read_upload(session: Session, submission_id: str, upload_id: str) -> Upload:
    """The row of an upload of this submission; ``NotFound`` (``upload.gone``) when it ended, expired or never was."""
    wanted_row = select(Upload).where(Upload.id == upload_id, Upload.submission_id == submission_id)
    found = session.scalars(wanted_row).first()
    if found is None:
        raise gone()
    return found


def location(archive: Archive, row: Upload) -> Path:
    """Where the bytes of an upload lie."""
    return quarantine.folder(archive.quarantine, row.submission_id) / row.source


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """The file open for this caller alone; ``Conflict`` (``upload.busy``) while another writes it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise gone() from error
    except OSError as error:
        raise quarantine.trouble(error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy() from error
        if os.fstat(handle).st_nlink == 0:  # given up between the opening and the lock; a new file may have its name
            raise gone()
        yield handle
    finally:
        os.close(handle)


def append(
    archive: Archive,
    submission_id: str,
    upload_id: str,
    *,
    offset: int,
    stream_in: BinaryIO,
    hours: int,
    checksum: Checksum | None = None,
) -> UploadState:
    """Append what ``stream_in`` gives, which may break off: what came is kept, unless a checksum was to prove it.

    The bytes are on stable storage when this returns or raises, and the row says how many. ``Conflict``:
    ``upload.busy`` while another part is written, ``upload.offset`` when ``offset`` is not where the upload stands (its
    ``params`` name it), ``submission.not_receiving``; ``NotFound`` (``upload.gone``); ``Invalid``
    (``upload.checksum_mismatch``, ``upload.too_long``). The last part makes the file an ordinary one of its deposit;
    ``hours`` from its newest part an upload is dropped.
    """
    with archive.reading() as session:
        path = location(archive, read_upload(session, submission_id, upload_id))
    with locked(path) as handle:
        row = _resumed(archive, submission_id, upload_id, offset, handle)
        if row.state == "done":
            return state(row)
        part = _Part(archive, row, handle, hours, checksum)
        try:
            part.write(stream_in)
        except OSError as error:
            raise quarantine.trouble(error) from error
        finally:
            part.settle()
        if part.at == row.length:
            return _finish(archive, upload_id, handle)
        return UploadState(row.id, submission_id, row.path, part.at, row.length, part.expires_at, False)


def _resumed(archive: Archive, submission_id: str, upload_id: str, offset: int, handle: int) -> Upload:
    """The row before a part is written; the file is cut to what it says is safe."""
    with archive.sessions.begin() as session:
        row = read_upload(session, submission_id, upload_id)
        if row.state == "open" and row.expires_at <= archive.clock.now():
            raise gone()
        if read_submission(session, submission_id).state != "receiving":
            raise not_receiving()
        row.received = min(row.received, os.fstat(handle).st_size)  # less only if the disk lost what it had confirmed
    if offset != row.received:
        raise _elsewhere(row.received)
    if row.state == "open":
        os.ftruncate(handle, offset)
        os.lseek(handle, offset, os.SEEK_SET)
    return row


class _Part:
    """One part on its way onto the disk."""

    def __init__(self, archive: Archive, row: Upload, handle: int, hours: int, checksum: Checksum | None) -> None:
        self._archive, self._row, self._handle = archive, row, handle
        self._hours, self._checksum = hours, checksum
        self._saved = self.at = row.received
        self._kept = checksum is None
        self._ended = False
        self.expires_at = row.expires_at

    def write(self, stream_in: BinaryIO) -> None:
        """Write what comes; now and then what was written is made safe, so that a kill costs little."""
        digest = hashlib.new(self._checksum.algorithm) if self._checksum else None
        while chunk := stream_in.read1(_READ):  # type: ignore[attr-defined]  # a buffered reader
            if self.at + len(chunk) > self._row.length:
                self._kept = False
                raise _too_long(self._row.length)
            quarantine.write_all(self._handle, chunk)
            self.at += len(chunk)
            if digest is not None:
                digest.update(chunk)
            elif self.at - self._saved >= _SAVED_EVERY:
                self._save()
        if digest is not None and self._checksum is not None and digest.digest() != self._checksum.digest:
            raise _mismatch()
        self._kept = self._ended = True

    def settle(self) -> None:
        """Make safe what was written, or take back what is not to be kept."""
        if not self._kept:
            os.ftruncate(self._handle, self._saved)
            self.at = self._saved
        elif self._ended and self.at == self._row.length <= _SMALL:
            os.fsync(self._handle)  # the row is written once, when the file is finished
        elif self.at != self._saved:
            self._save()

    def _save(self) -> None:
        os.fsync(self._handle)
        now = self._archive.clock.now()
        self.expires_at = now + timedelta(hours=self._hours)
        with self._archive.sessions.begin() as session:
            kept = session.scalars(
                update(Upload)
                .where(Upload.id == self._row.id, Upload.state == "open")
                .values(received=self.at, updated_at=now, expires_at=self.expires_at)
                .returning(Upload.seq)
            ).all()
        if not kept:
            raise gone()
        self._saved = self.at


def finish(archive: Archive, submission_id: str, upload_id: str) -> UploadState:
    """Make a whole upload an ordinary file of its deposit; harmless when it is one already."""
    with archive.reading() as session:
        row = read_upload(session, submission_id, upload_id)
    if row.state == "done":
        return state(row)
    with locked(location(archive, row)) as handle:
        return _finish(archive, upload_id, handle)


def _finish(archive: Archive, upload_id: str, handle: int) -> UploadState:
    with archive.reading() as session:
        row = session.scalars(select(Upload).where(Upload.id == upload_id)).one()
    if row.state == "done":
        return state(row)
    several, chunks, head = _digested(archive, handle, row.length)
    values = {
        "size": several.size,
        "crc32": several.crc32,
        "digests": several.result(),
        "chunk_sha256": chunks,
        "role": "container" if containers.kind_of(row.path, head) else "payload",
    }
    with archive.sessions.begin() as session:
        if read_submission(session, row.submission_id).state != "receiving":
            raise not_receiving()
        twice = _place(session, row, values)
        done = session.get_one(Upload, row.seq)
        done.state, done.received, done.updated_at = "done", row.length, archive.clock.now()
    if twice:
        location(archive, row).unlink(missing_ok=True)
    return state(done)


def _place(session: Session, row: Upload, values: dict[str, Any]) -> bool:
    """Make the place kept for the file the file itself; True when the deposit has the same bytes under this name."""
    mine = SubmissionFile.submission_id == row.submission_id
    place = (mine, SubmissionFile.position == row.position, SubmissionFile.role == "arriving")
    same = session.scalars(
        select(SubmissionFile.digests).where(
            mine, SubmissionFile.path == row.path, SubmissionFile.role.in_(("payload", "container"))
        )
    ).all()
    if values["digests"] in same:
        session.execute(delete(SubmissionFile).where(*place))
        return True
    kept = session.scalars(update(SubmissionFile).where(*place).values(values).returning(SubmissionFile.seq)).all()
    if not kept:
        raise not_receiving()
    return False


def _digested(archive: Archive, handle: int, length: int) -> tuple[MultiDigest, str | None, bytes]:
    """Every digest of the whole file in one read; a large one on a thread a digest."""
    algorithms = wanted(archive.profile.digest_algorithms)
    os.lseek(handle, 0, os.SEEK_SET)
    with open(handle, "rb", buffering=0, closefd=False) as whole:
        found = stream(whole, None, algorithms, side_by_side=length > _SMALL, size=length)
    if found[0].size != length:
        raise Unavailable(
            "quarantine.unavailable",
            zh="隔离区里的文件长度与收妥的不符，请重新上传该文件并检查磁盘。",
            en="The file in quarantine is not as long as what was received; send it again and check the disk.",
        )
    return found
