"""A process that stood still in a step wakes up after another one has gone on: it writes nothing more, and nothing is twice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import func, select

from access.actors import Actor
from ingest import pipeline
from ingest.context import Context, TakenOver
from ingest.limits import IngestLimits
from ingest.outcome import Progress
from ingest.pipeline import STEPS, advance, run_step
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.storage import layout
from repository.tables import Finding, LedgerEntry, Record, RecordPlan, Submission
from tests.unit.ingest.conftest import FAST


def _received(archive: Archive, actor: Actor, path: Path) -> str:
    with archive.sessions.begin() as session:
        submission_id = open_submission(
            session,
            archive=archive,
            actor=actor,
            organ_id=None,
            title="测试",
            channel="console",
            options={"accept": True},
        ).id
    receive_path(archive, submission_id, [path])
    return submission_id


@pytest.mark.parametrize("step", [one.name for one in STEPS])
def test_who_wakes_up_in_a_step_that_others_have_ended_writes_nothing(
    step: str, archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    for number in range(3):
        (papers / f"申请书 {number}.txt").write_text(f"低保申请 {number}")
    submission_id = _received(archive, actor, papers)
    for one in STEPS[: [one.name for one in STEPS].index(step)]:
        while run_step(one.name, context, submission_id).progress is Progress.MORE:
            pass
    assert pipeline._enter(step, context, submission_id) is None  # and here it stands still
    other = Context.open(archive, IngestLimits(), checks=FAST)
    assert advance(other, submission_id) == "done"
    other.close()

    def entered() -> list[object]:
        with archive.reading() as session:
            submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
            numbers = [session.scalar(select(func.count()).select_from(one)) for one in (Record, RecordPlan, Finding)]
            acts = session.scalar(select(func.count()).select_from(LedgerEntry))
            plans = session.scalars(select(RecordPlan.state)).all()
            return [submission.state, submission.step, submission.attempts, submission.counts, *numbers, acts, plans]

    before = entered()
    with pytest.raises(TakenOver):
        next(one for one in STEPS if one.name == step).run(context, submission_id)
    context.end_turn()
    assert entered() == before
    assert run_step(step, context, submission_id).progress is Progress.PASSED
    with archive.reading() as session:
        stored = session.execute(select(RecordPlan.record_id, RecordPlan.object_sha256)).tuples().all()
    for record_id, sha256 in stored:
        for name in archive.replicas.names:
            body = b"".join(archive.replicas.store(name).read(layout.bag_key(record_id, 1)))
            assert hashlib.sha256(body).hexdigest() == sha256


def test_a_failure_of_who_was_taken_over_is_nobodys_attempt(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    paper = tmp_path / "甲.txt"
    paper.write_text("甲")
    submission_id = _received(archive, actor, paper)
    assert pipeline._enter("examine", context, submission_id) is None
    other = Context.open(archive, IngestLimits(), checks=FAST)
    assert run_step("examine", other, submission_id).progress is Progress.PASSED
    other.close()
    told = pipeline._failed(context, submission_id, pipeline._unexpected(ValueError("too late")))
    assert (told.progress, told.reason) == (Progress.RETRY, "submission.taken_over")
    with archive.reading() as session:
        found = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        assert (found.attempts, found.error) == (0, None)
