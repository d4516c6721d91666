"""Package: for each record the tag files are made once and frozen with the plan of its bag.

From then on the bag's bytes are a pure function of that plan (``repository.bag.plan``), so that every retry writes the
same object. Households and case files that the deposit brings are made before, because records name them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ingest import case_files, files, quarantine
from ingest.context import Context
from ingest.deposit_list import DepositList
from ingest.findings import told_to
from ingest.listing import read
from ingest.outcome import MORE, PASSED, StepOutcome
from ingest.packaging import Deposit, Packed, Subject, pack
from metadata.errors import Conflict
from metadata.household import check_household_no
from repository.bag.plan import save
from repository.tables import Finding as FindingRow
from repository.tables import Organ, RecordPlan, Submission, SubmissionFile

_CASES_MADE = "cases_made"
_EMPTY_FOLDER = "deposit.empty_folder"
_CASES = 200
_FILES = 20_000
_IN = 500


def run(context: Context, submission_id: str) -> StepOutcome:
    """Freeze the plans of one batch of records."""
    if _make_cases(context, submission_id):
        return MORE
    with context.archive.reading() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        plans = session.scalars(
            select(RecordPlan)
            .where(RecordPlan.submission_id == submission_id, RecordPlan.state == "planned")
            .order_by(RecordPlan.position)
            .limit(context.limits.batch_records)
        ).all()
        deposit = _deposit(context, session, submission, next((one.spec.get("organ") for one in plans), None))
        subjects = _subjects(context, session, submission, plans)
        told = _findings(session, submission, subjects)
    if subjects:
        _freeze(context, submission_id, replace(deposit, findings=told), subjects)
        return MORE
    with context.writing(submission_id) as session:
        session.execute(update(Submission).where(Submission.id == submission_id).values(state="storing", step="store"))
    return PASSED


def _make_cases(context: Context, submission_id: str) -> bool:
    """Make some of the deposit's case files; False when all are there."""
    archive = context.archive
    with archive.reading() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        done = submission.counts.get(_CASES_MADE, 0)
        if done is None:
            return False
        listed = deposit_list_of(context, session, submission)
    until = time.monotonic() + context.limits.batch_seconds
    while True:  # at least once, however short a batch is
        with context.writing(submission_id) as session:
            submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
            made = case_files.make_some(session, archive, submission, listed, done, _CASES)
            done += made
            finished = made < _CASES
            submission.counts = {**submission.counts, _CASES_MADE: None if finished else done}
        if finished or time.monotonic() > until:
            return True


def deposit_list_of(context: Context, session: Session, submission: Submission) -> DepositList | None:
    """The deposit list as it was examined; ``Conflict`` when its bytes are no longer the same."""
    rows = files.rows(session, submission.id, SubmissionFile.role == "list")
    if not rows:
        return None
    listing = read(context, submission.id, rows)
    if listing.listed is None:
        raise Conflict(
            "source.changed",
            zh="移交清单在移交途中发生变化，未入库。请重新移交。",
            en="The deposit list changed while it was being taken in; nothing was stored. Deposit again.",
            codes=[one.code for one in listing.findings],
        )
    return listing.listed


def _deposit(context: Context, session: Session, submission: Submission, organ_code: str | None) -> Deposit:
    """What the records share; ``organ_code`` is the organ that the deposit list names, if it is known here."""
    archive = context.archive
    named = session.scalars(select(Organ).where(Organ.code == organ_code)).first() if organ_code else None
    organ = named or session.scalars(select(Organ).where(Organ.id == submission.organ_id)).one()
    empty = session.scalars(
        select(FindingRow.path).where(FindingRow.submission_id == submission.id, FindingRow.code == _EMPTY_FOLDER)
    )
    return Deposit(
        submission_id=submission.id,
        deposited_at=submission.created_at,
        packed_at=archive.clock.now(),
        zone=archive.zone,
        actor_id=submission.actor_id,
        channel=submission.channel,
        organ_id=organ.id,
        organ_code=organ.code,
        organ_name=organ.name_zh,
        division_code=organ.division_prefix,
        profile=archive.profile,
        options=submission.options,
        tools=submission.counts.get("tools", {}),
        empty_folders=sorted(path for path in empty if path is not None),
    )


def _findings(
    session: Session, submission: Submission, subjects: Sequence[Subject]
) -> dict[str | None, list[FindingRow]]:
    """Findings about the deposit (None) and about the files of this batch, by path."""
    told: dict[str | None, list[FindingRow]] = defaultdict(list)
    total = sum(submission.counts.get("findings", {}).values())
    if not total:
        return told
    mine = select(FindingRow).where(
        FindingRow.submission_id == submission.id,
        FindingRow.code != _EMPTY_FOLDER,
        told_to(submission.actor_id, may_accept=False),  # whoever may read the record reads them
    )
    paths = [one.path for subject in subjects for one in subject.files]
    parts = [FindingRow.path.in_(paths[start : start + _IN]) for start in range(0, len(paths), _IN)]
    wanted = [mine] if total <= len(paths) else [mine.where(one) for one in (FindingRow.path.is_(None), *parts)]
    for some in wanted:
        for one in session.scalars(some.order_by(FindingRow.seq)):
            told[one.path].append(one)
    return told


def _subjects(context: Context, session: Session, submission: Submission, plans: Sequence[RecordPlan]) -> list[Subject]:
    """The batch's records with their files; fewer records than asked for when these have many files."""
    by_record = files.of_records(session, submission.id, [one.record_id for one in plans], files.File)
    chosen: list[RecordPlan] = []
    count = 0
    for one in plans:
        count += len(by_record[one.record_id])
        if chosen and count > _FILES:
            break
        chosen.append(one)
    keys = {one.record_id: _case_keys(submission, one.spec, one.given or {}) for one in chosen}
    known = case_files.find(session, {key for some in keys.values() for key in some})
    subjects = []
    for one in chosen:
        own = files.in_order(by_record[one.record_id], one.spec)
        cases = [(number, programme, *known[number, programme]) for number, programme in keys[one.record_id]]
        tags = _tags(context, session, submission.id, one.spec)
        subjects.append(Subject(one.record_id, one.spec, own, cases, tags, one.given or {}))
    return subjects


def _case_keys(submission: Submission, spec: dict[str, Any], given: dict[str, Any]) -> list[case_files.CaseKey]:
    """The case files that the record joins: as a person said, else as listed, else as the depositor chose for all."""
    if "household_no" in given:
        return [(given["household_no"], given["programme"])] if given["household_no"] else []
    listed = spec.get("listed", {})
    numbers = [check_household_no(one) for one in listed.get("household_nos", [])]
    programme = listed.get("programme")
    if not numbers and submission.options.get("household_no"):
        numbers = [check_household_no(submission.options["household_no"])]
        programme = submission.options["programme"]
    return [(one, str(programme)) for one in dict.fromkeys(numbers)]


def _tags(context: Context, session: Session, submission_id: str, spec: dict[str, Any]) -> dict[str, bytes]:
    """Tag files of a deposited bag by their path below the bag."""
    positions = spec.get("tags", [])
    if not positions:
        return {}
    cut = len(spec["root"]) + 1 if spec["root"] else 0
    opened = quarantine.opener(context.base(submission_id))
    tags: dict[str, bytes] = {}
    for start in range(0, len(positions), _IN):
        part = SubmissionFile.position.in_(positions[start : start + _IN])
        for row in files.rows(session, submission_id, part):
            with opened(row.source) as source:
                tags[row.path[cut:]] = source.read()
    return tags


def _freeze(context: Context, submission_id: str, deposit: Deposit, subjects: Sequence[Subject]) -> None:
    quarantined = context.archive.quarantine
    folder = context.base(submission_id) / "plans"
    changes: list[dict[str, Any]] = []
    for subject in subjects:
        packed = pack(deposit, subject)
        path = save(packed.plan, folder / subject.record_id[:2], durably=False)
        context.keep_plan(path, packed.plan)
        changes.append(
            {
                "record_id": subject.record_id,
                "state": "frozen",
                "plan_path": str(path.relative_to(quarantined)),
                "object_size": packed.plan.object_size,
                "spec": {**subject.spec, **_frozen(packed), "organ_id": deposit.organ_id},
            }
        )
    quarantine.settle(folder)
    with context.writing(submission_id) as session:
        session.execute(update(RecordPlan), changes)


def _frozen(packed: Packed) -> dict[str, Any]:
    return {
        "description": packed.description.model_dump(mode="json"),
        "case_file_ids": list(packed.case_file_ids),
        "division_code": packed.division_code,
        "category": packed.category,
    }
