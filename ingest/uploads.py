"""Uploads by parts that go on after a lost line (tus 1.0.0): begun, asked about, given up, swept.

A whole upload is an ordinary ``SubmissionFile`` at the place that was kept for it when it began, so that files keep the
order in which they were begun. The bytes themselves are the business of ``ingest.upload_parts``.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from ingest import findings, quarantine
from ingest.findings import sentence
from ingest.limits import IngestLimits
from ingest.outcome import Finding
from ingest.receiving import Received
from ingest.submissions import UNFINISHED, name_kept, other_request, read_submission
from ingest.upload_parts import (
    CHECKSUMS,
    Checksum,
    UploadState,
    append,
    finish,
    gone,
    location,
    locked,
    not_receiving,
    read_upload,
    state,
)
from ingest.walk import Name, name_finding, read_name
from metadata.errors import Conflict, Invalid, LantaiError, NotFound
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.tables import Finding as FindingRow
from repository.tables import Submission, SubmissionFile, Upload

__all__ = [
    "CHECKSUMS",
    "Checksum",
    "UploadState",
    "append",
    "begin",
    "give_up",
    "require_none_open",
    "state_of",
    "sweep",
]

_SWEPT = 500


def _too_large(code: str, path: str, limit: int) -> Invalid:
    """A limit passed, in the words of the finding that a local deposit gets."""
    found = Finding(code, path, {"limit": limit})
    zh, en = sentence(found, "zh", advice=True), sentence(found, "en", advice=True)
    return Invalid("upload.too_large", zh=zh, en=en, finding=code, limit=limit)


def begin(
    archive: Archive,
    submission_id: str,
    *,
    account_id: str,
    name: bytes,
    length: int,
    hours: int,
    limits: IngestLimits | None = None,
    key: str | None = None,
) -> UploadState:
    """Begin an upload of ``length`` bytes; the same ``key`` of the same account gives the same upload again.

    ``name`` is the path as the depositor's system has it; bytes that are not UTF-8 are kept beside its readable form.
    An unfinished upload is dropped after ``hours``, counted from when it was last asked for. ``Invalid``: ``upload.too_large`` beyond a limit of the site, in
    the finding's words, ``idempotency.other_request`` for a key used for another file. ``Conflict``
    (``submission.not_receiving``); ``Unavailable`` (``quarantine.full``) when the file cannot fit.
    """
    limits = limits or IngestLimits()
    named = read_name(name)
    named = replace(named, text=name_kept(named.text))
    if length > limits.file_bytes:
        raise _too_large("deposit.file_too_large", named.text, limits.file_bytes)
    base = quarantine.folder(archive.quarantine, submission_id)
    upload_id = _id_of(submission_id, account_id, key)
    source = f"files/parts/{upload_id}{Path(quarantine.numbered(0, named.text)).suffix}"
    with archive.reading() as session:
        known = session.scalars(select(Upload).where(Upload.id == upload_id)).first()
        if read_submission(session, submission_id).state != "receiving":
            raise not_receiving()
    if known is None or (known.state == "open" and not location(archive, known).exists()):
        _make_room(archive, base, source, length)
    with archive.sessions.begin() as session:
        row = session.scalars(select(Upload).where(Upload.id == upload_id)).first()
        if row is None:
            row = _enter(session, archive, submission_id, upload_id, account_id, named, source, length, hours, limits)
        elif (row.path, row.length) != (named.text, length):
            raise other_request()
        elif row.state == "open":  # who asks for it again goes on with it, also past its time
            row.expires_at = max(row.expires_at, archive.clock.now() + timedelta(hours=hours))
        told = state(row)
    return told if told.done or told.offset < told.length else finish(archive, submission_id, upload_id)


def _id_of(submission_id: str, account_id: str, key: str | None) -> str:
    """Random, or the same again for the same key of the same account in the same deposit."""
    return new_id() if key is None else str(uuid.uuid5(uuid.UUID(submission_id), f"{account_id}\n{key}"))


def _make_room(archive: Archive, base: Path, source: str, length: int) -> None:
    """The file, still empty; that one cannot fit is said at once, not after hours of sending."""
    path = base / source
    if length > shutil.disk_usage(archive.quarantine).free:
        raise quarantine.trouble(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640))  # never emptied: it may have begun
        quarantine.settle_name(path)
    except OSError as error:
        raise quarantine.trouble(error) from error


def _enter(
    session: Session,
    archive: Archive,
    submission_id: str,
    upload_id: str,
    account_id: str,
    named: Name,
    source: str,
    length: int,
    hours: int,
    limits: IngestLimits,
) -> Upload:
    if read_submission(session, submission_id, to_change=True).state != "receiving":
        raise not_receiving()
    mine = SubmissionFile.submission_id == submission_id
    highest = session.scalar(select(func.max(SubmissionFile.position)).where(mine))
    position = 0 if highest is None else highest + 1
    if position >= limits.files_per_submission:
        raise _too_large("deposit.too_many_files", named.text, limits.files_per_submission)
    now = archive.clock.now()
    place = Received(named, source, 0, None, 0, {}, None, None).row(submission_id, position)
    session.execute(insert(SubmissionFile), [place | {"role": "arriving"}])
    if told := name_finding(named):
        session.execute(insert(FindingRow), findings.rows([told], submission_id, now))
    made = Upload(
        id=upload_id,
        submission_id=submission_id,
        account_id=account_id,
        path=named.text,
        length=length,
        received=0,
        source=source,
        position=position,
        state="open",
        expires_at=now + timedelta(hours=hours),
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    session.flush()
    return made


def state_of(archive: Archive, submission_id: str, upload_id: str) -> UploadState:
    """How far an upload has come. One that is whole but was never finished (a process died) is finished here."""
    with archive.reading() as session:
        row = read_upload(session, submission_id, upload_id)
        if row.state == "open" and row.expires_at <= archive.clock.now():
            raise gone()
    if row.state == "open" and row.received == row.length:
        return finish(archive, submission_id, upload_id)
    return state(row)


def give_up(archive: Archive, submission_id: str, upload_id: str) -> None:
    """Drop an upload and its bytes, also when it is whole, as long as the deposit still receives.

    ``Conflict`` (``upload.busy``, ``submission.not_receiving``), ``NotFound`` (``upload.gone``).
    """
    with archive.reading() as session:
        row = read_upload(session, submission_id, upload_id)
        if read_submission(session, submission_id).state != "receiving":
            raise not_receiving()
    try:
        with locked(location(archive, row)):
            _drop(archive, row)
    except NotFound:  # the bytes are gone already
        _drop(archive, row)


def _drop(archive: Archive, row: Upload, *, unasked: bool = False) -> None:
    """Drop an upload; ``unasked``: nobody gave it up, so a deposit that still receives keeps a finding about it."""
    with archive.sessions.begin() as session:
        receiving = read_submission(session, row.submission_id, to_change=True).state == "receiving"
        there = session.scalar(select(Upload.seq).where(Upload.seq == row.seq)) is not None
        if unasked and receiving and there:
            now = archive.clock.now()
            session.execute(insert(FindingRow), findings.rows([Finding(UNFINISHED, row.path)], row.submission_id, now))
        mine = SubmissionFile.submission_id == row.submission_id
        session.execute(delete(SubmissionFile).where(mine, SubmissionFile.source == row.source))
        session.execute(delete(Upload).where(Upload.seq == row.seq))
    location(archive, row).unlink(missing_ok=True)


def require_none_open(archive: Archive, submission_id: str) -> None:
    """``Conflict`` (``submission.uploads_open``) while a file of the deposit is not whole; nothing is left out unsaid.

    Uploads that are whole but were never finished are finished; those past their time are dropped, which a finding
    (``deposit.unfinished``) tells.
    """
    with archive.reading() as session:
        mine = (Upload.submission_id == submission_id, Upload.state == "open")
        rows = list(session.scalars(select(Upload).where(*mine).order_by(Upload.position)))
    still = []
    for row in rows:
        try:
            if not state_of(archive, submission_id, row.id).done:
                still.append(row.path)
        except NotFound:
            _drop(archive, row, unasked=True)
    if still:
        raise Conflict(
            "submission.uploads_open",
            zh=f"还有 {len(still)} 个文件没有传完，移交尚未提交。请续传或放弃这些文件后再提交。",
            en=f"{len(still)} files have not arrived whole; the deposit was not sent. Go on with them or give them up.",
            files=len(still),
        )


def _drop_past(archive: Archive, row: Upload, now: datetime) -> int:
    try:
        with locked(location(archive, row)):
            with archive.reading() as session:
                newest = session.get(Upload, row.seq)
            if newest is None or newest.state != "open" or newest.expires_at > now:
                return 0  # given up, finished or gone on with meanwhile
            _drop(archive, row, unasked=True)
    except NotFound:
        _drop(archive, row, unasked=True)
    except LantaiError:
        return 0  # a part is being written
    return 1


def sweep(archive: Archive) -> int:
    """Drop uploads past their time, and rows whose deposit receives no longer; how many. The bytes of whole files stay."""
    now = archive.clock.now()
    open_past = select(Upload).where(Upload.state == "open", Upload.expires_at <= now)
    receiving = select(Submission.id).where(Submission.state == "receiving")
    ended = select(Upload).where(Upload.submission_id.not_in(receiving))
    with archive.reading() as session:
        past = list(session.scalars(open_past.order_by(Upload.seq).limit(_SWEPT)))
        over = list(session.scalars(ended.order_by(Upload.seq).limit(_SWEPT)))
    dropped = sum(_drop_past(archive, row, now) for row in past)
    with archive.sessions.begin() as session:
        session.execute(delete(Upload).where(Upload.seq.in_([row.seq for row in over])))
    for row in over:
        if row.state == "open":
            location(archive, row).unlink(missing_ok=True)
    return dropped + len(over)
