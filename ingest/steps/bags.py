"""Deposited bags: each is validated whole (RFC 8493) and held to the profiles it names, one a batch."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import insert, select

from ingest import bag_profiles, files, findings, quarantine
from ingest.checks import bag_profile
from ingest.checks.bag_profile import BagFacts
from ingest.checks.container import is_unsafe
from ingest.context import Context
from ingest.files import FileRow
from ingest.outcome import Finding
from repository.bag.verify import validate
from repository.tables import Finding as FindingRow
from repository.tables import Submission, SubmissionFile

_CHECKED = "bags_checked"


def validate_next(context: Context, submission_id: str) -> bool:
    """Validate the next deposited bag; False when all are done."""
    with context.archive.reading() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        checked = list(submission.counts.get(_CHECKED, []))
        bagit = SubmissionFile.path.like("%bagit.txt")
        wanted = SubmissionFile.role.in_(("payload", "tag"))
        named = [row.path for row in files.rows(session, submission_id, bagit, wanted)]
        roots = [root for root in files.bag_roots(named) if root not in checked]
        if not roots:
            return False
        rows = [row for row in files.rows(session, submission_id, wanted) if files.within(row.path, roots[0])]
    found = list(_validate(context, submission_id, roots[0], rows, len(checked)))
    with context.writing(submission_id) as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        submission.counts = {**submission.counts, _CHECKED: [*checked, roots[0]]}
        if found:
            told = findings.rows(found, submission_id, context.archive.clock.now())
            session.execute(insert(FindingRow), told)
    return True


def _validate(context: Context, submission_id: str, root: str, rows: Sequence[FileRow], number: int) -> list[Finding]:
    limit = context.limits.tag_bytes
    data = f"{root}/data" if root else "data"
    if sum(row.size for row in rows if not files.within(row.path, data)) > limit:
        return [Finding("bag.tag_files_too_large", root or ".", {"limit": limit})]
    base = context.base(submission_id)
    lying = next(row for row in rows if row.path == (f"{root}/bagit.txt" if root else "bagit.txt"))
    if quarantine.is_in_place(lying.source):
        place = Path(os.fsdecode(os.path.dirname(quarantine.locate(base, lying.source))))  # noqa: PTH120 - bytes path
        return _report(context, place, root, rows)
    place = base / "bags" / f"{number:04d}" / "bag"
    quarantine.remove(place.parent)
    place.mkdir(parents=True)
    try:
        for row in rows:
            _link(base, place, root, row)
        return _report(context, place, root, rows)
    finally:
        quarantine.remove(place.parent)


def _link(base: Path, place: Path, root: str, row: FileRow) -> None:
    """Give a quarantined file its own name again; a name that leads out of the bag is left out, so it is missing."""
    inner = row.path[len(root) + 1 :] if root else row.path
    if is_unsafe(inner):
        return
    raw = inner.encode()
    if row.path_bytes is not None:
        raw = b"/".join(base64.b64decode(row.path_bytes).split(b"/")[-(inner.count("/") + 1) :])
    target = os.fsencode(place) + b"/" + raw
    os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 - bytes path
    os.link(quarantine.locate(base, row.source), target)


def _report(context: Context, place: Path, root: str, rows: Sequence[FileRow]) -> list[Finding]:
    report = validate(place)
    cut = len(root) + 1 if root else 0
    facts = BagFacts(
        info=report.info,
        version=report.version,
        sizes={row.path[cut:]: row.size for row in rows},
        container=next((row.container for row in rows if row.path[cut:] == "bagit.txt"), None),
    )
    return [
        Finding(one.code, "/".join(part for part in (root, one.path or "") if part) or ".", dict(one.params))
        for one in (*report.errors, *report.warnings)
    ] + list(bag_profile.run(root or ".", facts, bag_profiles.load(context.bag_profiles)))
