"""Read model of describing a deposit's records: what is known, what is guessed, what a person said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest.suggest import given, sureness
from ingest.suggest.types import LIKELY
from lantai import i18n
from lantai.i18n import N_
from lantai.web import labels
from lantai.web.display import masked
from lantai.web.visit import Visit
from repository.tables import RecordPlan, Submission, SubmissionFile

SURENESS = {"very_likely": N_("very likely"), "likely": N_("likely"), "unsure": N_("unsure")}
BASIS = {
    "name": N_("by its name"),
    "folder": N_("by its folder"),
    "text": N_("by its first page"),
    "neighbours": N_("by the papers before and after"),
    "id_number": N_("by the ID number in it"),
    "applicant": N_("by the applicant's name"),
    "camera": N_("by the camera's clock"),
    "file_time": N_("by the time of the file"),
}
FIELDS = ("document_type", "household_no", "date", "title")
"""Fields of the page, in the order of its columns."""
_NAMES = 3
# what cameras, scanners and chat programs call a file: a word of theirs and numbers, nothing a person wrote
_OF_A_MACHINE = re.compile(
    r"(?i:img|image|dsc[fn]?|pict?|photo|scan|doc|cam|camscanner|mmexport|wechat|screenshot|扫描|扫描件|图片|照片|相片|微信图片)?"
    r"[\s\d_.()（）-]*(?:副本|copy)?"
)


@dataclass(slots=True)
class Guess:
    """A suggestion in words."""

    value: str
    words: str
    sure: str
    basis: str


@dataclass(slots=True)
class ConfirmRow:
    """One record of a deposit before it is packed."""

    position: int
    record_id: str
    names: list[str]
    more: int
    pages: int
    households: int
    said: bool
    values: dict[str, str]
    guesses: dict[str, Guess] = field(default_factory=dict)
    others: list[tuple[str, str]] = field(default_factory=list)
    programme: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def base(plan: RecordPlan, submission: Submission) -> dict[str, str]:
    """What is known of a record without guess or person: from the deposit list, else the depositor's options."""
    listed, options = plan.spec.get("listed", {}), submission.options
    numbers = listed.get("household_nos", [])
    return {
        "document_type": str(listed.get("document_type") or options.get("document_type") or ""),
        "household_no": str(numbers[0] if len(numbers) == 1 else options.get("household_no") or "")
        if len(numbers) < 2
        else "",
        "date": str(listed.get("date") or ""),
        "title": str(plan.spec.get("title") or ""),
    }


def shown(plan: RecordPlan, submission: Submission) -> dict[str, str]:
    """What the fields of the page hold at first: what was said, else known, else a guess that is at least likely."""
    said, guessed = plan.given or {}, plan.suggested or {}
    values = base(plan, submission)
    for name in FIELDS:
        one = guessed.get(name)
        if name in said:
            values[name] = str(said[name] or "")
        elif not values[name] and isinstance(one, dict) and one["confidence"] >= LIKELY:
            values[name] = str(one["value"])
    offered, nameless = guessed.get("title"), _OF_A_MACHINE.fullmatch(values["title"]) and "title" not in said
    if nameless and isinstance(offered, dict) and offered["confidence"] >= LIKELY:
        values["title"] = str(offered["value"])
    return values


def masked_title(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with ID, bank and telephone numbers in the title masked, as on every page; files are often named so."""
    return {name: masked(one) if name == "title" and isinstance(one, str) else one for name, one in values.items()}


def meant_title(plan: RecordPlan, submission: Submission, typed: str) -> str:
    """The title that ``typed`` stands for: a masked one that nobody changed means the one behind it."""
    guessed = (plan.suggested or {}).get("title")
    behind = [shown(plan, submission)["title"], str(guessed["value"]) if isinstance(guessed, dict) else ""]
    return next((one for one in behind if one and masked(one).strip() == typed.strip()), typed)


def programme_of(plan: RecordPlan, submission: Submission) -> str:
    """The programme of the household's file, as far as it is known."""
    guessed = (plan.suggested or {}).get("household_no") or {}
    found = (
        (plan.given or {}).get("programme")
        or plan.spec.get("listed", {}).get("programme")
        or submission.options.get("programme")
        or guessed.get("programme")
    )
    return str(found or "")


def plans(session: Session, submission_id: str, *, after: int, limit: int) -> list[RecordPlan]:
    """Records that may still be described, by position after ``after``."""
    wanted = (
        select(RecordPlan)
        .where(RecordPlan.submission_id == submission_id, RecordPlan.state == "planned", RecordPlan.position > after)
        .order_by(RecordPlan.position)
        .limit(limit)
    )
    return list(session.scalars(wanted))


def plans_at(session: Session, submission_id: str, positions: Iterable[int]) -> dict[int, RecordPlan]:
    """Records at these positions of the deposit."""
    wanted = select(RecordPlan).where(
        RecordPlan.submission_id == submission_id,
        RecordPlan.state == "planned",
        RecordPlan.position.in_(list(positions)),
    )
    return {one.position: one for one in session.scalars(wanted)}


def sure(session: Session, visit: Visit, submission_id: str) -> int:
    """How many records have a guess that is very likely and that nobody has answered."""
    profile = visit.site.archive.profile
    waiting = select(RecordPlan).where(
        RecordPlan.submission_id == submission_id, RecordPlan.state == "planned", RecordPlan.suggested.is_not(None)
    )
    return sum(1 for one in session.scalars(waiting) if given.surely(one, profile))


def counted(session: Session, submission_id: str) -> tuple[int, int]:
    """How many records the deposit has that may be described, and of how many something was said."""
    mine = (RecordPlan.submission_id == submission_id, RecordPlan.state == "planned")
    total, said = session.execute(select(func.count(), func.count(RecordPlan.given)).where(*mine)).one()
    return total, said


def rows(session: Session, visit: Visit, submission: Submission, some: list[RecordPlan]) -> list[ConfirmRow]:
    """``some`` as rows of the page."""
    names = _names(session, submission.id, [one.record_id for one in some])
    return [_row(visit, submission, one, names.get(one.record_id, [])) for one in some]


def _names(session: Session, submission_id: str, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    wanted = (
        select(SubmissionFile.record_id, SubmissionFile.path)
        .where(SubmissionFile.submission_id == submission_id, SubmissionFile.record_id.in_(ids))
        .order_by(SubmissionFile.position)
    )
    for record_id, path in session.execute(wanted):
        if record_id is not None:
            found.setdefault(record_id, []).append(path)
    return found


def _row(visit: Visit, submission: Submission, plan: RecordPlan, names: list[str]) -> ConfirmRow:
    guessed: Mapping[str, Any] = plan.suggested or {}
    kinds = visit.site.archive.profile.document_types
    others = [
        (one["value"], labels.term(visit.language, kinds[one["value"]]))
        for one in [guessed.get("document_type") or {}, *(guessed.get("document_type") or {}).get("others", [])]
        if one.get("value") in kinds
    ]
    return ConfirmRow(
        position=plan.position,
        record_id=plan.record_id,
        names=[masked(one) for one in names[:_NAMES]],
        more=max(0, len(names) - _NAMES),
        pages=int(guessed.get("page_count") or 0),
        households=len(plan.spec.get("listed", {}).get("household_nos", [])),
        said=bool(plan.given),
        values=masked_title(shown(plan, submission)),
        guesses={name: _guess(visit, name, guessed[name]) for name in FIELDS if isinstance(guessed.get(name), dict)},
        others=others,
        programme=programme_of(plan, submission),
    )


def _guess(visit: Visit, name: str, one: Mapping[str, Any]) -> Guess:
    _ = i18n.translations(visit.language).gettext
    value = masked(str(one["value"])) if name == "title" else str(one["value"])
    kind = visit.site.archive.profile.document_types.get(value) if name == "document_type" else None
    sureness_ = sureness(float(one["confidence"]))
    comma = "、" if visit.language == "zh" else ", "
    return Guess(
        value=value,
        words=labels.term(visit.language, kind) if kind is not None else value,
        sure=_(SURENESS[sureness_]),
        basis=comma.join(_(BASIS[each]) for each in one.get("basis", []) if each in BASIS),
    )
