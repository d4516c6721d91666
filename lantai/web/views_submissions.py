"""Read models of submissions: lists by state, one submission with its findings, files and records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from access.scope import within_divisions
from ingest.findings import KINDS, sentence, told_to
from ingest.leaving_out import LEFT_OUT
from ingest.submissions import read_submission
from lantai import i18n
from lantai.i18n import N_
from lantai.web import labels
from lantai.web.display import masked
from lantai.web.visit import Visit
from metadata.errors import Forbidden
from metadata.identifiers import is_id
from metadata.rights import Permission
from repository.tables import Account, Finding, Organ, Submission, SubmissionFile

STEPS = ("receive", "examine", "accept", "package", "store", "accession")
RUNNING = frozenset({"receiving", "examining", "accepted", "storing"})
GROUPS = {
    "all": frozenset(
        {
            "receiving",
            "examining",
            "waiting",
            "accepted",
            "storing",
            "done",
            "rejected",
            "returned",
            "withdrawn",
            "failed",
        }
    ),
    "waiting": frozenset({"waiting"}),
    "running": RUNNING,
    "back": frozenset({"rejected", "returned", "failed"}),
    "done": frozenset({"done"}),
}
FILES_SHOWN = 200
FINDINGS_SHOWN = 100
_SEVERITIES = (
    ("must", "error", N_("Must be mended"), "bad"),
    ("look", "warning", N_("Look at"), "look"),
    ("info", "notice", N_("For information"), "plain"),
)
_WORDS = {
    "receiving": N_("Files are still arriving. Keep the page that sends them open."),
    "examining": N_("The files are being examined."),
    "waiting": N_("Everything has been examined; an archivist decides."),
    "accepted": N_("Accepted; the package is being made."),
    "storing": N_("The package is being written to every replica."),
    "done": N_("Everything is in the holdings, on every replica."),
    "rejected": N_("Something must be mended first; nothing was filed. Mend it and deposit again."),
    "returned": N_("Returned to the depositor; nothing was filed."),
    "withdrawn": N_("Given up before everything had arrived; nothing was filed."),
    "failed": N_("This deposit could not be carried on. Nothing that was given is lost."),
}
_PARTLY = {
    "waiting": N_("Everything has been examined. What has faults was left out; an archivist decides about the rest."),
    "done": N_("What was accepted is in the holdings, on every replica. What has faults was left out."),
}

_OPENED = {"opened": N_("Package, opened")} | dict.fromkeys(("container", "closed"), N_("Package, not opened"))


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One line of a list of deposits, or the head of its page."""

    seq: int
    id: str
    title: str
    organ: str
    state: str
    step: str
    words: str
    files: int
    bytes: int
    records: int
    findings: int
    done: int
    total: int
    channel: str
    depositor: str
    household_no: str
    programme: str
    profile_version: str
    error: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding in words."""

    number: int
    group: str
    code: str
    severity: str
    sentence: str
    path: str | None
    advice: str
    clause: str
    outcome: str
    params: dict[str, Any]
    zh: str
    en: str


@dataclass(slots=True)
class FindingGroup:
    """Findings of one weight; ``more`` are not shown."""

    code: str
    title: str
    shape: str
    findings: list[FindingLine] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file as it was given."""

    path: str
    format: str
    size: int


def visible(visit: Visit) -> ColumnElement[bool]:
    """Deposits a person may see: her own, and those that she may decide about.

    A token sees its account's own deposits only when it may deposit or accept.
    """
    person = visit.person
    if person.narrowed_from(Permission.DEPOSIT) and person.narrowed_from(Permission.ACCEPT):
        return false()
    return or_(Submission.actor_id == person.id, decidable(visit))


def decidable(visit: Visit) -> ColumnElement[bool]:
    """Deposits of organs within the divisions of a role that accepts; that one made it herself adds nothing."""
    person, profile = visit.person, visit.site.archive.profile
    criteria: list[ColumnElement[bool]] = []
    for held in person.roles if not person.narrowed_from(Permission.ACCEPT) else ():
        role = profile.roles.get(held.role)
        if role is None or Permission.ACCEPT not in role.permissions:
            continue
        if held.everywhere:
            return true_of()
        organs = select(Organ.id).where(within_divisions(Organ.division_prefix, held.division_prefix))
        criteria.append(Submission.organ_id.in_(organs))
    return or_(*criteria) if criteria else false()


def true_of() -> ColumnElement[bool]:
    """A criterion that every submission meets."""
    return Submission.seq > 0


def may_decide(visit: Visit, session: Session, submission: Submission) -> bool:
    """Whether the person may accept or return this deposit: she may accept, within her divisions."""
    wanted = select(Submission.seq).where(Submission.id == submission.id, decidable(visit))
    return visit.may(Permission.ACCEPT) and session.scalar(wanted) is not None


def may_withdraw(visit: Visit, session: Session, submission: Submission) -> bool:
    """Whether the person may give this deposit up: its sending has not ended, and it is hers or she may decide."""
    mine = submission.actor_id == visit.person.id
    return submission.state == "receiving" and (mine or may_decide(visit, session, submission))


def arrived(session: Session, submission_id: str) -> int:
    """How many files of a deposit have arrived whole so far."""
    wanted = select(func.count()).where(
        SubmissionFile.submission_id == submission_id, SubmissionFile.role != "arriving"
    )
    return session.scalar(wanted.select_from(SubmissionFile)) or 0


@dataclass(frozen=True, slots=True)
class Looked:
    """How many files have been looked into, of how many; those still inside a package being opened are counted."""

    done: int
    total: int


def looked_into(session: Session, submission: Submission) -> Looked:
    """How far the looking into files has come."""
    mine = (SubmissionFile.submission_id == submission.id, SubmissionFile.role.in_(("payload", "tag", "list")))
    total, done = session.execute(select(func.count(), func.count(SubmissionFile.technical)).where(*mine)).one()
    counts = submission.counts or {}
    waiting = max(0, _whole(counts, "members") - _whole(counts, "unpacked"))
    return Looked(done, total + waiting)


def get(session: Session, visit: Visit, submission_id: str) -> Submission:
    """The submission, or the same ``NotFound`` whether it is hidden or not there."""
    found = session.scalars(select(Submission).where(Submission.id == submission_id, visible(visit))).first()
    return found if found is not None else read_submission(session, "-")


def listed(
    session: Session, visit: Visit, *, group: str = "all", before: int | None = None, limit: int = 50
) -> list[SubmissionRow]:
    """Deposits, newest first, ``before`` the ``seq`` of the last line seen."""
    wanted = (
        select(Submission)
        .where(visible(visit), Submission.state.in_(GROUPS.get(group, GROUPS["all"])))
        .order_by(Submission.seq.desc())
        .limit(limit)
    )
    if before:
        wanted = wanted.where(Submission.seq < before)
    return rows(session, visit, list(session.scalars(wanted)))


def count(session: Session, visit: Visit, group: str, *, own: bool = False) -> int:
    """How many deposits are in a group of states; ``own``: only those the person made."""
    wanted = select(func.count()).where(visible(visit), Submission.state.in_(GROUPS[group]))
    if own:
        wanted = wanted.where(Submission.actor_id == visit.person.id)
    return session.scalar(wanted.select_from(Submission)) or 0


def rows(session: Session, visit: Visit, submissions: Sequence[Submission]) -> list[SubmissionRow]:
    """``submissions`` with the names of organs and depositors."""
    organs = {
        one.id: one for one in session.scalars(select(Organ).where(Organ.id.in_({s.organ_id for s in submissions})))
    }
    people = dict(
        session.execute(
            select(Account.id, Account.display_name).where(Account.id.in_({s.actor_id for s in submissions}))
        )
        .tuples()
        .all()
    )
    found = dict(
        session.execute(
            select(Finding.submission_id, func.count())
            .where(
                Finding.submission_id.in_([one.id for one in submissions]), Finding.severity != "notice", told(visit)
            )
            .group_by(Finding.submission_id)
        )
        .tuples()
        .all()
    )
    return [
        _row(visit, one, organs.get(one.organ_id), people.get(one.actor_id), found.get(one.id, 0))
        for one in submissions
    ]


def _row(visit: Visit, one: Submission, organ: Organ | None, depositor: str | None, findings: int) -> SubmissionRow:
    _ = i18n.translations(visit.language).gettext
    options, counts = one.options, one.counts or {}
    programme = visit.site.archive.profile.programmes.get(str(options.get("programme")))
    step = "receive" if one.state == "receiving" else (one.step if one.step in STEPS else "accession")
    return SubmissionRow(
        seq=one.seq,
        id=one.id,
        title=masked(one.title) if one.title != "-" else _("Deposit without a title"),
        organ=labels.term(visit.language, organ) if organ else "–",
        state=one.state,
        step=step,
        words=_((_PARTLY if LEFT_OUT in counts else _WORDS).get(one.state, _WORDS[one.state])),
        files=_whole(counts, "files"),
        bytes=_whole(counts, "bytes"),
        records=_whole(counts, "records"),
        findings=findings,
        done=len(STEPS) if one.state == "done" else STEPS.index(step),
        total=len(STEPS),
        channel=one.channel,
        depositor=depositor or (one.actor_id.removeprefix("console:")),
        household_no=str(options.get("household_no") or ""),
        programme=labels.term(visit.language, programme) if programme else str(options.get("programme") or ""),
        profile_version=one.profile_version,
        error=_error(one.error, visit.language),
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _whole(counts: dict[str, Any], name: str) -> int:
    value = counts.get(name, 0)
    return value if isinstance(value, int) else 0


def _error(error: dict[str, Any] | None, language: str) -> str:
    if not error:
        return ""
    return str(error.get(language) or error.get("zh") or error.get("code") or "")


def told(visit: Visit) -> ColumnElement[bool]:
    """The criterion on findings of visible deposits for what the person may be told."""
    return told_to(visit.person.id, may_accept=visit.may(Permission.ACCEPT))


def _masked(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they may be shown: one may be the name of another file, and names hold ID numbers."""
    return {
        name: masked(value) if isinstance(value, str) and not is_id(value) else value for name, value in params.items()
    }


def finding_line(one: Finding, language: str, group: str) -> FindingLine:
    """A finding in words: the sentence of the catalogue, what to do next, the clause."""
    kind = KINDS.get(one.code)
    advice = (kind.next_en if language.startswith("en") else kind.next_zh) if kind else ""
    return FindingLine(
        number=one.seq,
        group=group,
        code=one.code,
        severity=one.severity,
        sentence=masked(sentence(one, language)),
        path=masked(one.path) if one.path else one.path,
        advice=advice,
        clause=kind.clause if kind else "",
        outcome=one.outcome,
        params=_masked(one.params),
        zh=masked(sentence(one, "zh")),
        en=masked(sentence(one, "en")),
    )


def findings_after(
    session: Session, visit: Visit, submission_id: str, *, after: str | None, limit: int
) -> tuple[list[FindingLine], str | None]:
    """Findings heaviest first, ``limit`` after the place ``after``, and the place to go on from."""
    weight = case({severity: place for place, (_c, severity, _t, _s) in enumerate(_SEVERITIES)}, value=Finding.severity)
    wanted = select(Finding).where(Finding.submission_id == submission_id, told(visit)).order_by(weight, Finding.seq)
    begun, _, seq = (after or "").partition("-")
    if begun.isdigit() and seq.isdigit():
        wanted = wanted.where(or_(weight > int(begun), and_(weight == int(begun), Finding.seq > int(seq))))
    found = list(session.scalars(wanted.limit(limit + 1)))
    groups = {severity: (place, code) for place, (code, severity, _t, _s) in enumerate(_SEVERITIES)}
    lines = [finding_line(one, visit.language, groups[one.severity][1]) for one in found[:limit]]
    last = found[limit - 1] if len(found) > limit else None
    return lines, f"{groups[last.severity][0]}-{last.seq}" if last is not None else None


def findings(session: Session, visit: Visit, submission_id: str) -> list[FindingGroup]:
    """Findings grouped by weight: must be mended, look at, for information; empty groups are left out."""
    _ = i18n.translations(visit.language).gettext
    made = []
    for code, severity, title, shape in _SEVERITIES:
        mine = (Finding.submission_id == submission_id, Finding.severity == severity, told(visit))
        total = session.scalar(select(func.count()).where(*mine).select_from(Finding)) or 0
        if not total:
            continue
        found = session.scalars(select(Finding).where(*mine).order_by(Finding.seq).limit(FINDINGS_SHOWN))
        lines = [finding_line(one, visit.language, code) for one in found]
        made.append(FindingGroup(code, _(title), shape, lines, total - len(lines)))
    return made


def files(session: Session, visit: Visit, submission_id: str) -> list[FileLine]:
    """The first files of a deposit as they were given."""
    _ = i18n.translations(visit.language).gettext
    wanted = (
        select(SubmissionFile)
        .where(SubmissionFile.submission_id == submission_id, SubmissionFile.role != "arriving")
        .order_by(SubmissionFile.position)
        .limit(FILES_SHOWN)
    )
    return [
        FileLine(
            masked(one.path),
            " ".join(part for part in (one.format_name, one.format_version) if part)
            or (_(_OPENED[one.role]) if one.role in _OPENED else one.mime or "–"),
            one.size,
        )
        for one in session.scalars(wanted)
    ]


def require_decider(visit: Visit, session: Session, submission: Submission) -> None:
    """``Forbidden`` unless the person may decide about this deposit."""
    if not may_decide(visit, session, submission):
        raise Forbidden(
            "submission.not_yours_to_decide",
            zh="您的岗位不能接收或退回这次移交。请交给档案员处理。",
            en="Your role may not accept or return this deposit. Leave it to an archivist.",
        )
