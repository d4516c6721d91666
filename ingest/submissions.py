"""Submissions: opening one, receiving its bytes, the receipt.

State of a submission: ``receiving`` -> ``examining`` -> ``waiting`` (for a person) or ``accepted`` -> ``storing`` ->
``done``; ``rejected`` when errors were found, ``returned`` when a person sent it back, ``withdrawn`` when its sending
never ended and it was given up, ``failed`` when a step was tried three times in vain. ``step`` names the next step of ``ingest.pipeline``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from access.actors import Actor
from ingest import containers, findings, leaving_out, quarantine
from ingest.limits import IngestLimits
from ingest.outcome import Finding
from ingest.receiving import Received, Receiver, wanted
from ingest.streaming import stream
from ingest.walk import Found, Name, walk
from metadata.errors import Conflict, Invalid, NotFound
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.ledger import acts
from repository.tables import Finding as FindingRow
from repository.tables import Organ, Submission, SubmissionFile

FIRST_STEP = "examine"
RELEASED = "released"
UNFINISHED = "deposit.unfinished"
"""The finding about a file that was begun and never arrived whole."""
_BATCH = 5_000
_OPTIONS = frozenset(
    {
        "household_no",
        "programme",
        "document_type",
        "one_record",
        "in_place",
        "accept",
        "accepted_by",
        "leave_out",
        "synthetic",
    }
)

ProgressTold = Callable[[int, int | None, str | None], None]
"""Told ``(files done, total or None, label)`` while receiving."""


def open_submission(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    organ_id: str | None,
    title: str,
    channel: str,
    options: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    request_sha256: str | None = None,
) -> Submission:
    """Begin a deposit and write it into the ledger; the same ``idempotency_key`` gives the same submission again.

    ``options``: household_no, programme, document_type, one_record, in_place, accept, leave_out (faulty papers stay
    behind, the others go on). ``request_sha256``: of what was asked with the key. ``Invalid`` for an unknown option or
    a key that was used for another request (``idempotency.other_request``), ``NotFound`` for an unknown organ.
    """
    if idempotency_key is not None:
        known = session.scalars(select(Submission).where(Submission.idempotency_key == idempotency_key)).first()
        if known is not None:
            if request_sha256 is not None and known.options.get("request_sha256", request_sha256) != request_sha256:
                raise other_request()
            return known
    given = _given(options or {})
    organ = session.get(Organ, organ_id) if organ_id else session.scalars(select(Organ).order_by(Organ.code)).first()
    if organ is None:
        raise NotFound(
            "submission.unknown_organ",
            zh="移交单位不存在，未开始接收。请先建立单位。",
            en="The depositing organ does not exist; receiving did not begin. Create it first.",
        )
    now = archive.clock.now()
    submission = Submission(
        id=new_id(),
        state="receiving",
        step="",
        title=title[:300] or "-",
        channel=channel,
        organ_id=organ.id,
        actor_id=actor.ref.id,
        options={
            **given,
            **({"request_sha256": request_sha256} if request_sha256 else {}),
            "actor": {"id": actor.ref.id, "kind": actor.ref.kind, "organ_id": actor.ref.organ_id},
        },
        counts={},
        profile_version=archive.profile.label,
        idempotency_key=idempotency_key,
        created_at=now,
        updated_at=now,
    )
    session.add(submission)
    session.flush()
    acts.submission_opened(
        session,
        at=now,
        actor=actor.ref,
        submission_id=submission.id,
        channel=channel,
        organ_id=organ.id,
        profile=archive.profile.label,
    )
    return submission


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say; ``Invalid`` for one that is not known."""
    given = {name: value for name, value in options.items() if value is not None}
    if unknown := sorted(given.keys() - _OPTIONS):
        raise Invalid(
            "submission.unknown_option",
            zh=f"不认识的移交选项：{'、'.join(unknown)}。",
            en=f"Unknown option of a deposit: {', '.join(unknown)}.",
            options=unknown,
        )
    return given


def other_request() -> Invalid:
    """The error for an idempotency key that was used for something else before."""
    return Invalid(
        "idempotency.other_request",
        zh="这个幂等键已用于另一个请求，没有做任何更改。请换一个键。",
        en="This idempotency key was used for another request; nothing was changed. Use another key.",
    )


def read_submission(session: Session, submission_id: str, *, to_change: bool = False) -> Submission:
    """One submission, or ``NotFound``.

    ``to_change``: as it stands now, and nobody else changes it before this transaction ends (on SQLite every writing
    transaction is alone anyway), so that of two people who decide at once the second sees what the first decided.
    """
    wanted_row = select(Submission).where(Submission.id == submission_id)
    if to_change:
        wanted_row = wanted_row.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(wanted_row).first()
    if found is None:
        raise NotFound(
            "submission.unknown",
            zh="没有这次移交。请从移交列表中选择。",
            en="There is no such submission. Choose one from the list.",
            submission_id=submission_id,
        )
    return found


def receive_path(
    archive: Archive,
    submission_id: str,
    paths: Iterable[Path],
    *,
    in_place: bool = False,
    progress: ProgressTold | None = None,
    limits: IngestLimits | None = None,
    still: Callable[[], bool] | None = None,
) -> None:
    """Take files and folders in, digesting each byte once, and end the receiving.

    ``in_place`` reads sources where they lie and pins them by digest, size and time of change. A run that was killed is
    simply repeated: it begins anew. ``Unavailable`` when quarantine is full or refuses; nothing is half received.
    ``still`` is asked after the last byte: when it says no, somebody wrote into the sources meanwhile, the receiving
    does not end and ``Conflict`` (``submission.source_changing``) says so.
    """
    limits = limits or IngestLimits()
    with archive.sessions.begin() as session:
        if read_submission(session, submission_id).state != "receiving":
            return
        session.execute(delete(SubmissionFile).where(SubmissionFile.submission_id == submission_id))
        session.execute(delete(FindingRow).where(FindingRow.submission_id == submission_id))
    base = quarantine.folder(archive.quarantine, submission_id)
    try:
        quarantine.remove(base)
        (base / "files").mkdir(parents=True)
        receiver = Receiver(base, wanted(archive.profile.digest_algorithms), in_place)
        summary = _take_in(archive, submission_id, receiver, list(paths), progress, limits)
        if not in_place:
            quarantine.settle(base)
    except OSError as error:
        raise quarantine.trouble(error) from error
    if still is not None and not still():
        raise Conflict(
            "submission.source_changing",
            zh="接收时来源仍在变化，这次接收没有提交。请等文件写完。",
            en="The source changed while it was taken in; the deposit was not sent. Wait until the files are written.",
        )
    with archive.sessions.begin() as session:
        _end_receiving(archive, read_submission(session, submission_id, to_change=True), summary)


def _take_in(
    archive: Archive,
    submission_id: str,
    receiver: Receiver,
    paths: list[Path],
    progress: ProgressTold | None,
    limits: IngestLimits,
) -> dict[str, Any]:
    told: list[Finding] = []
    done = [0]

    def count(files: int, _bytes: int) -> None:
        done[0] += files
        if progress is not None and files:
            progress(done[0], None, None)

    digest = hashlib.sha256()
    files = size = 0
    rows: list[dict[str, Any]] = []
    for position, got in receiver.receive(_placed(walk(paths), told, limits), count):
        if isinstance(got, Finding):
            told.append(got)
            continue
        row = got.row(submission_id, position)
        digest.update(f"{got.digests['sha256']}  {got.name.text}\n".encode("utf-8", "backslashreplace"))
        files, size = files + 1, size + got.size
        rows.append(row)
        if len(rows) >= _BATCH:
            _write(archive, submission_id, rows, told)
    _write(archive, submission_id, rows, told)
    return {"files": files, "bytes": size, "receipt_sha256": digest.hexdigest()}


def _placed(
    entries: Iterator[Found | Finding], told: list[Finding], limits: IngestLimits
) -> Iterator[tuple[int, Found, os.stat_result]]:
    position = 0
    for entry in entries:
        if isinstance(entry, Finding):
            told.append(entry)
            continue
        if position >= limits.files_per_submission:
            told.append(Finding("deposit.too_many_files", None, {"limit": limits.files_per_submission}))
            return
        try:
            found = os.lstat(entry.location)
        except OSError:
            told.append(Finding("source.missing", entry.name.text))
            continue
        if found.st_size > limits.file_bytes:
            told.append(Finding("deposit.file_too_large", entry.name.text, {"limit": limits.file_bytes}))
            continue
        yield position, entry, found
        position += 1


def _write(archive: Archive, submission_id: str, rows: list[dict[str, Any]], told: list[Finding]) -> None:
    if not rows and not told:
        return
    with archive.sessions.begin() as session:
        if rows:
            session.execute(insert(SubmissionFile.__table__), rows)  # type: ignore[arg-type]  # a Table, seen as FromClause
        if told:
            session.execute(
                insert(FindingRow.__table__),  # type: ignore[arg-type]  # as above
                findings.rows(told, submission_id, archive.clock.now()),
            )
    rows.clear()
    told.clear()


def name_kept(name: str) -> str:
    """The name of an uploaded file as its row holds it: no database column takes a NUL."""
    return name.replace("\x00", "\ufffd")[:4000]


def receive_stream(archive: Archive, submission_id: str, name: str, stream_in: BinaryIO) -> int:
    """Take one uploaded file in, digested on the way; its size in bytes. ``name`` may hold folders, it is only text.

    The receiving goes on until ``finish_receiving``. An upload that broke off leaves nothing that counts.
    """
    base = quarantine.folder(archive.quarantine, submission_id)
    shown = Name(name_kept(name))
    with archive.sessions.begin() as session:
        if read_submission(session, submission_id, to_change=True).state != "receiving":
            raise _not_receiving()
        highest = session.scalar(
            select(func.max(SubmissionFile.position)).where(SubmissionFile.submission_id == submission_id)
        )
        position = 0 if highest is None else highest + 1
        row = Received(shown, quarantine.numbered(position, name), 0, None, 0, {}, None, None).row(
            submission_id, position
        )
        session.execute(insert(SubmissionFile), [row | {"role": "arriving"}])
    try:
        handle = quarantine.create(base / str(row["source"]))
        try:
            several, chunks, head = stream(stream_in, handle, wanted(archive.profile.digest_algorithms))  # type: ignore[arg-type]  # every buffered reader has readinto
            os.fsync(handle)
        finally:
            os.close(handle)
        quarantine.settle_name(base / str(row["source"]))
    except OSError as error:
        with archive.reading() as session:
            if read_submission(session, submission_id).state == "withdrawn":
                raise _not_receiving() from error
        raise quarantine.trouble(error) from error
    with archive.sessions.begin() as session:
        kept = session.scalars(
            update(SubmissionFile)
            .where(SubmissionFile.submission_id == submission_id, SubmissionFile.position == position)
            .values(
                size=several.size,
                crc32=several.crc32,
                digests=several.result(),
                chunk_sha256=chunks,
                role="container" if containers.kind_of(name, head) else "payload",
            )
            .returning(SubmissionFile.seq)
        ).all()
    if not kept:  # the receiving ended, or the deposit was withdrawn, while these bytes were on their way
        (base / str(row["source"])).unlink(missing_ok=True)
        raise _not_receiving()
    return several.size


def finish_receiving(session: Session, *, archive: Archive, submission_id: str) -> Submission:
    """End the receiving of uploads; from here the pipeline may run. Harmless when it has ended already."""
    submission = read_submission(session, submission_id, to_change=True)
    if submission.state != "receiving":
        return submission
    mine = SubmissionFile.submission_id == submission_id
    session.execute(delete(SubmissionFile).where(mine, SubmissionFile.role == "arriving"))
    came = select(SubmissionFile.path).where(mine)
    unfinished = (FindingRow.submission_id == submission_id, FindingRow.code == UNFINISHED)
    session.execute(delete(FindingRow).where(*unfinished, FindingRow.path.in_(came)))  # sent again, and whole
    digest = hashlib.sha256()
    files = size = 0
    listed = select(SubmissionFile.path, SubmissionFile.size, SubmissionFile.digests).where(mine)
    for path, bytes_, found in session.execute(listed.order_by(SubmissionFile.position)):
        digest.update(f"{found['sha256']}  {path}\n".encode("utf-8", "backslashreplace"))
        files, size = files + 1, size + bytes_
    _end_receiving(archive, submission, {"files": files, "bytes": size, "receipt_sha256": digest.hexdigest()})
    return submission


def _end_receiving(archive: Archive, submission: Submission, summary: dict[str, Any]) -> None:
    if submission.state == "receiving":
        submission.state = "examining"
        submission.step = FIRST_STEP
        submission.counts = {**(submission.counts or {}), **summary}
        submission.updated_at = archive.clock.now()


def receipt(session: Session, submission_id: str) -> dict[str, Any]:
    """What the depositor is given: what came in, and whether the source must be kept (read in place).

    ``left_out``: what was not taken in because of its faults, to be mended and deposited again.
    ``files_sha256`` is the SHA-256 over one line ``<sha256>  <path>`` a file in the order received (DA/T 70 A13).
    """
    submission = read_submission(session, submission_id)
    in_place = bool(submission.options.get("in_place"))
    return {
        "submission_id": submission.id,
        "title": submission.title,
        "organ_id": submission.organ_id,
        "channel": submission.channel,
        "received_at": submission.created_at.isoformat(),
        "files": submission.counts.get("files", 0),
        "bytes": submission.counts.get("bytes", 0),
        "files_sha256": submission.counts.get("receipt_sha256"),
        "profile": submission.profile_version,
        "in_place": in_place,
        "keep_source": in_place and submission.step != RELEASED,
        "left_out": leaving_out.paths_left_out(session, submission),
    }


def _not_receiving() -> Conflict:
    return Conflict(
        "submission.not_receiving",
        zh="这次移交已结束接收，不能再加文件。请另开一次移交。",
        en="This deposit has ended its receiving; open another one for more files.",
    )
