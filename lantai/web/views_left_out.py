"""Read model of partial acceptance: what of a deposit goes on, what stayed behind and why, what could go on without it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest import leaving_out
from ingest.files import within
from ingest.outcome import Severity
from lantai.web.display import masked
from lantai.web.views_submissions import FindingLine, finding_line, told
from lantai.web.visit import Visit
from repository.tables import Finding, RecordPlan, Submission, SubmissionFile

_SHOWN = 50
_ERRORS = 500


@dataclass(slots=True)
class Behind:
    """A file, or a package not opened, that was left out, and everything that is wrong with it."""

    path: str
    why: list[FindingLine] = field(default_factory=list)

    @property
    def named(self) -> bool:
        """Whether every sentence about it names it already."""
        return bool(self.why) and all(self.path in one.sentence for one in self.why)


@dataclass(slots=True)
class LeftOut:
    """What stayed behind; ``more`` are not shown."""

    total: int
    shown: list[Behind]
    more: int


@dataclass(frozen=True, slots=True)
class Partly:
    """What would happen if the faulty records were left out: so many go on, so many stay, these among them."""

    going: int
    staying: int
    names: list[str]


def left_out(session: Session, visit: Visit, submission: Submission) -> LeftOut | None:
    """What was left out of the deposit, each with its errors in words; nothing when all of it goes on."""
    paths = leaving_out.paths_left_out(session, submission)
    if not paths:
        return None
    shown = [(path, Behind(masked(path))) for path in paths[:_SHOWN]]
    mine = (Finding.submission_id == submission.id, Finding.severity == Severity.ERROR.value, told(visit))
    for one in session.scalars(select(Finding).where(*mine).order_by(Finding.seq).limit(_ERRORS)):
        about = str(one.params.get("container") or one.path or "")
        line = finding_line(one, visit.language, "must")
        for path, behind in shown:
            if about and within(path, about):  # of a bag the fault is told at its folder
                behind.why.append(line)
    return LeftOut(len(paths), [behind for _, behind in shown], len(paths) - len(shown))


def partly(session: Session, submission: Submission) -> Partly | None:
    """What could go on of a deposit that was refused for the faults of single records; nothing when none could."""
    if submission.state != "rejected" or submission.step != "accept":
        return None
    found = leaving_out.faulty(session, submission)
    if not found or found.all_back:
        return None
    mine = (RecordPlan.submission_id == submission.id, RecordPlan.state == "planned")
    planned = session.scalar(select(func.count()).select_from(RecordPlan).where(*mine)) or 0
    names = list(dict.fromkeys([*found.records.values(), *found.packages]))
    return Partly(planned - len(found.records), len(found.records) + len(found.packages), [*map(masked, names)])


def files_going_on(session: Session, submission_id: str) -> int:
    """How many files become part of the holdings when the deposit is accepted as it stands."""
    planned = select(RecordPlan.record_id).where(
        RecordPlan.submission_id == submission_id, RecordPlan.state != leaving_out.LEFT_OUT
    )
    mine = (
        SubmissionFile.submission_id == submission_id,
        SubmissionFile.role == "payload",
        SubmissionFile.record_id.in_(planned),
    )
    return session.scalar(select(func.count()).select_from(SubmissionFile).where(*mine)) or 0
