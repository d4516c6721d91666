"""Partial acceptance: records with errors stay out, the others go on, where the agreement of the deposit allows it.

An error concerns a record when it is about one of the record's own files, or about the deposited bag that the record is;
a container that was not opened stays out as it came. Any other error (about the deposit as a whole, the deposit list, the
options, or something that was never received) keeps everything back: what is missing there cannot be known. What is
left out is never stored, stands in the receipt, and its bytes stay in quarantine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.orm import Session

from ingest import findings, quarantine
from ingest.files import within
from ingest.outcome import Finding, Severity
from repository.archive import Archive
from repository.tables import Finding as FindingRow
from repository.tables import RecordPlan, Submission, SubmissionFile

LEFT_OUT = "left_out"
_ABOUT_ALL = ("list.", "option.")
_IN = 500


@dataclass
class Faulty:
    """What has errors: ``records`` still to be packed by id, with the path to name them by; ``packages`` not opened.

    ``all_back``: some error concerns more than single records, or nothing would be left.
    """

    records: dict[str, str] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    all_back: bool = False

    def __bool__(self) -> bool:
        return bool(self.records or self.packages or self.all_back)


def faulty(session: Session, submission: Submission) -> Faulty:
    """What of the submission has errors and is not left out already."""
    found = Faulty()
    errors = list(_errors(session, submission.id))
    if not errors:
        return found
    plans = session.execute(
        select(RecordPlan.record_id, RecordPlan.state, RecordPlan.spec).where(RecordPlan.submission_id == submission.id)
    ).all()
    planned = {one.record_id for one in plans if one.state == "planned"}
    bags = [(one.spec["root"], one.record_id) for one in plans if one.spec.get("root") is not None]
    owners = _owners(session, submission.id, {path for _, path in errors if path is not None})
    told = LEFT_OUT in submission.counts
    for code, path in errors:
        if path is None or code.startswith(_ABOUT_ALL):
            found.all_back = True
            continue
        ids, is_package = owners.get(path, (set(), False))
        ids = ids | {record_id for root, record_id in bags if path == (root or ".") or within(path, root)}
        if ids:
            found.records.update((one, path) for one in ids & planned if one not in found.records)
        elif not is_package:
            found.all_back = True
        elif not told and path not in found.packages:
            found.packages.append(path)
    found.all_back = found.all_back or not planned - found.records.keys()
    return found


def _errors(session: Session, submission_id: str) -> Iterator[tuple[str, str | None]]:
    """Code and path of every error; what is wrong inside a container that stayed shut is an error of the container."""
    wanted = select(FindingRow.code, FindingRow.path, FindingRow.params)
    mine = (FindingRow.submission_id == submission_id, FindingRow.severity == Severity.ERROR.value)
    for code, path, params in session.execute(wanted.where(*mine).order_by(FindingRow.seq)):
        yield code, params.get("container") if code.startswith("container.") and params.get("container") else path


def _owners(session: Session, submission_id: str, paths: set[str]) -> dict[str, tuple[set[str], bool]]:
    """By path: the records that have a file of this name, and whether it is a container that was not opened."""
    found: dict[str, tuple[set[str], bool]] = {}
    listed = sorted(paths)
    for start in range(0, len(listed), _IN):
        wanted = select(SubmissionFile.path, SubmissionFile.role, SubmissionFile.record_id).where(
            SubmissionFile.submission_id == submission_id, SubmissionFile.path.in_(listed[start : start + _IN])
        )
        for path, role, record_id in session.execute(wanted):
            ids, is_package = found.get(path, (set(), False))
            own = {record_id} if record_id is not None and role == "payload" else set()
            found[path] = (ids | own, is_package or role == "closed")
    return found


def leave_out(session: Session, archive: Archive, submission: Submission, found: Faulty) -> None:
    """Take the faulty records off the way and tell of each; ``found`` does not concern everything."""
    now = archive.clock.now()
    ids = sorted(found.records)
    for start in range(0, len(ids), _IN):
        some = RecordPlan.record_id.in_(ids[start : start + _IN])
        session.execute(update(RecordPlan).where(some).values(state=LEFT_OUT))
    paths = [*found.records.values(), *found.packages]
    rows = findings.rows([Finding("record.left_out", path) for path in paths], submission.id, now)
    for row, record_id in zip(rows, found.records, strict=False):  # packages are no records
        row["record_id"] = record_id
    if rows:
        session.execute(insert(FindingRow), rows)
    counts = dict(submission.counts)
    told = dict(counts.get("findings", {}))
    told[Severity.NOTICE.value] = told.get(Severity.NOTICE.value, 0) + len(rows)
    submission.counts = {
        **counts,
        "findings": told,
        "records": counts.get("records", 0) - len(ids),
        LEFT_OUT: counts.get(LEFT_OUT, 0) + len(rows),
    }


def _left_out_records(submission_id: str) -> Any:
    return select(RecordPlan.record_id).where(RecordPlan.submission_id == submission_id, RecordPlan.state == LEFT_OUT)


def going_on(submission_id: str) -> ColumnElement[bool]:
    """The criterion on files of the submission that are not left out."""
    return or_(SubmissionFile.record_id.is_(None), SubmissionFile.record_id.not_in(_left_out_records(submission_id)))


def paths_left_out(session: Session, submission: Submission) -> list[str]:
    """The files that were left out, and the containers that were not opened, as deposited: to be deposited again."""
    if LEFT_OUT not in submission.counts:
        return []
    concerned = or_(SubmissionFile.role == "closed", SubmissionFile.record_id.in_(_left_out_records(submission.id)))
    wanted = select(SubmissionFile.path).where(SubmissionFile.submission_id == submission.id, concerned)
    return list(session.scalars(wanted.order_by(SubmissionFile.position)))


def partly(session: Session, submission_ids: Sequence[str]) -> set[str]:
    """Those of ``submission_ids`` (a few hundred) of which something was left out."""
    rows = session.execute(select(Submission.id, Submission.counts).where(Submission.id.in_(submission_ids)))
    return {submission_id for submission_id, counts in rows if LEFT_OUT in counts}


def records_going_on(session: Session, submission_id: str) -> int:
    """How many records of the submission are, or will be, stored."""
    mine = (RecordPlan.submission_id == submission_id, RecordPlan.state != LEFT_OUT)
    return session.scalar(select(func.count()).select_from(RecordPlan).where(*mine)) or 0


def release_stored(archive: Archive, submission_id: str) -> None:
    """Remove from quarantine what is stored; the bytes of what was left out stay there."""
    base = quarantine.folder(archive.quarantine, submission_id)
    with archive.reading() as session:
        stored = select(RecordPlan.record_id).where(
            RecordPlan.submission_id == submission_id, RecordPlan.state == "accessioned"
        )
        sources = session.scalars(
            select(SubmissionFile.source).where(
                SubmissionFile.submission_id == submission_id, SubmissionFile.record_id.in_(stored)
            )
        ).all()
    for source in sources:
        if not quarantine.is_in_place(source):
            (base / source).unlink(missing_ok=True)
    quarantine.remove(base / "plans")
