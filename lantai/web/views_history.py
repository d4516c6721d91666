"""Read models of what happened: timelines out of the ledger, who looked last.

Callers have passed the gate for the record or case file concerned before they ask for its history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from access import use_register
from lantai import i18n
from lantai.web import display, labels
from lantai.web.visit import Visit
from repository.ledger.acts import ACTS
from repository.tables import Account, LedgerEntry

SHOWN = 30
ACCESSIONED = "record.accessioned"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline."""

    at: datetime
    when: str
    what: str
    who: str = ""
    note: str = ""


def _note(act: str, body: Mapping[str, object], language: str) -> str:
    _ = i18n.translations(language).gettext
    if act == ACCESSIONED:
        return _("version %s") % body.get("version", 1)
    if act.startswith("incident."):
        return _("replica %s") % body.get("replica", "")
    if "revision" in body:
        return _("revision %s") % body["revision"]
    return ""


def timeline(
    session: Session,
    visit: Visit,
    *,
    record_id: str | None = None,
    case_file_id: str | None = None,
    submission_id: str | None = None,
    limit: int = SHOWN,
) -> list[Moment]:
    """What changed, newest first, from stream ``acts`` of the ledger; exactly one subject is given."""
    subjects: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (LedgerEntry.record_id, record_id),
            (LedgerEntry.case_file_id, case_file_id),
            (LedgerEntry.submission_id, submission_id),
        )
        if value is not None
    ]
    if submission_id is not None:
        # one entry a record would bury everything else; that the state was frozen too is no news to a person
        subjects.append(LedgerEntry.act.not_in((ACCESSIONED, "entity.revised")))
    wanted = (
        select(LedgerEntry, Account.display_name)
        .outerjoin(Account, Account.id == LedgerEntry.actor_id)
        .where(LedgerEntry.stream == ACTS, *subjects)
        .order_by(LedgerEntry.seq.desc())
        .limit(limit)
    )
    catalogue = i18n.translations(visit.language)
    zone = visit.site.archive.zone
    found: list[Moment] = []
    for entry, name in session.execute(wanted).tuples():
        moment = Moment(
            at=entry.at,
            when=display.moment(entry.at, zone),
            what=labels.label(catalogue, entry.act, "act"),
            who=labels.actor(catalogue, entry.actor_id, name or ""),
            note=_note(entry.act, json.loads(entry.body), visit.language),
        )
        same = found and (found[-1].what, found[-1].when, found[-1].who) == (moment.what, moment.when, moment.who)
        if not same:  # a batch of like entries within a minute is one line for a person
            found.append(moment)
    if submission_id is not None:
        found = sorted([*found, *_taken_in(session, visit, submission_id)], key=lambda one: one.at, reverse=True)
    return found


def _taken_in(session: Session, visit: Visit, submission_id: str) -> list[Moment]:
    """The accession of all records of a submission as one line."""
    translated = i18n.translations(visit.language)
    count, at = session.execute(
        select(func.count(), func.max(LedgerEntry.at)).where(
            LedgerEntry.submission_id == submission_id, LedgerEntry.act == ACCESSIONED
        )
    ).one()
    if not count:
        return []
    note = translated.ngettext("%(num)d record", "%(num)d records", count) % {"num": count}
    what = labels.label(translated, ACCESSIONED, "act")
    return [Moment(at=at, when=display.moment(at, visit.site.archive.zone), what=what, note=note)]


def looks(
    session: Session, visit: Visit, *, record_id: str | None = None, case_file_id: str | None = None
) -> list[Moment] | None:
    """Who looked at it lately, or ``None`` when the person may not read the register."""
    if not visit.may("use_register.read"):
        return None
    found = use_register.register(
        session, visit.person, visit.site.archive.profile, record_id=record_id, case_file_id=case_file_id, limit=12
    )
    catalogue = i18n.translations(visit.language)
    return [
        Moment(
            at=one.at,
            when=display.moment(one.at, visit.site.archive.zone),
            what=labels.label(catalogue, one.act, "act"),
            who=labels.actor(catalogue, one.actor_id, one.actor_name),
            note=labels.purpose(catalogue, visit.site.archive.profile, visit.language, one.reason),
        )
        for one in found
    ]
