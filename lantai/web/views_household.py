"""Read models of the household file's page: the paper in view, what is known about it, the household's timeline.

The gate has let the case file through before anything here is asked; a record is asked of it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from access import gate, masking
from lantai import i18n
from lantai.web import display, labels, views_history, views_preservation, views_records, views_retention
from lantai.web.because import because
from lantai.web.display import masked
from lantai.web.opening import can_be_pictured
from lantai.web.places import place as place_of
from lantai.web.rendering import query
from lantai.web.views_cases import CaseView, Stage
from lantai.web.views_history import Moment
from lantai.web.views_records import FileView, RecordRow
from lantai.web.visit import Visit
from metadata.errors import NotFound
from metadata.rights import Permission
from repository.derivatives import get_text
from repository.tables import Account, Organ, Record, RecordVersion, StoredFile, Submission

_TEXT_SHOWN = 20_000
KINDS = ("all", "case", "file")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page in view: its picture's address, or its text with numbers masked, or why neither is shown.

    ``before`` and ``after`` lead through pages, then files; ``leaf`` counts from 1.
    """

    file: FileView | None = None
    position: int = 0
    files: int = 0
    leaf: int = 1
    leaves: int = 1
    picture: str = ""
    text: str = ""
    note: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class PaperView:
    """A record chosen in the contents, with what stands beside it."""

    id: str
    title: str
    number: int
    granted: str
    access_level: str
    marks: list[str]
    may_describe: bool
    version: int
    version_asked: int | None
    description: list[tuple[str, str]]
    origin: list[tuple[str, str]]
    because: str
    versions: list[RecordVersion]
    replicas: list[views_records.Copy]
    incidents: list[Any]
    retention: views_retention.RetentionView | None
    timeline: list[Moment]
    looks: list[Moment] | None
    sheet: Sheet
    record_before: str = ""
    record_after: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What the address names besides the household."""

    record_id: str
    version: int = 0
    file: int = 0
    leaf: int = 1

    def at(self, case_id: str, **changed: Any) -> str:
        """The address of this place in the household file, with something else in view."""
        fields = {"record": self.record_id, "version": self.version or "", "file": self.file or "", **changed}
        return f"/case-files/{case_id}{query({}, **fields)}#view"


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look at a record needs again and again."""

    session: Session
    visit: Visit
    record: Record
    version: RecordVersion
    case_id: str
    place: Place
    numbers: bool = field(default=False)


def _rows(stages: Sequence[Stage]) -> list[tuple[int, RecordRow]]:
    return [(slot.number, slot.record) for stage in stages for slot in stage.slots if slot.record is not None]


def paper(session: Session, visit: Visit, case: CaseView, stages: Sequence[Stage], place: Place) -> PaperView:
    """The record chosen; ``NotFound`` when it does not stand in the file, is hidden or may only be listed."""
    known = _rows(stages)
    at = next((number for number, (_, row) in enumerate(known) if row.id == place.record_id), None)
    profile = visit.site.archive.profile
    record = gate.get_record(session, visit.person, place.record_id if at is not None else "-", profile)
    assert at is not None  # the gate lets no record "-" through
    version = views_records.version_of(session, record, place.version or None)
    reason = gate.decide(visit.person, record, Permission.RECORD_READ, profile)
    look = _Read(
        session,
        visit,
        record,
        version,
        case.id,
        place,
        masking.sees_numbers(visit.person, record, profile) is not None,
    )
    copies = views_records.copies(session, [version.object_key]).get(version.object_key, [])
    damaged = any(one.outcome in views_records.FAULTS for one in copies)
    neighbours = [
        Place(known[other][1].id).at(case.id) if 0 <= other < len(known) else "" for other in (at - 1, at + 1)
    ]
    return PaperView(
        id=record.id,
        title=masked(record.title),
        number=known[at][0],
        granted=reason.grant.number if reason is not None and reason.grant is not None else "",
        access_level=record.access_level,
        marks=[
            labels.term(visit.language, profile.access_marks[one]) if one in profile.access_marks else one
            for one in map(str, record.access_marks)
        ],
        may_describe=gate.decide(visit.person, record, Permission.DESCRIBE, profile) is not None,
        version=version.number,
        version_asked=version.number if version.number != record.head_version else None,
        description=views_records.description_lines(
            visit, record, division=place_of(session, visit, record.division_code)
        ),
        origin=_origin(session, visit, record),
        because=because(visit, session, record),
        versions=views_records.versions_of(session, record),
        replicas=copies,
        incidents=[views_preservation.incident_line(visit, one) for one in views_records.incidents_of(session, record)],
        retention=views_retention.of_record(session, visit, record.id),
        timeline=views_history.timeline(session, visit, record_id=record.id, limit=10),
        looks=views_history.looks(session, visit, record_id=record.id),
        sheet=_sheet(look, damaged),
        record_before=neighbours[0],
        record_after=neighbours[1],
    )


def _origin(session: Session, visit: Visit, record: Record) -> list[tuple[str, str]]:
    """Where the record came from: organ, channel, who deposited it, when it was taken in."""
    translated = i18n.translations(visit.language)
    _ = translated.gettext
    found = [(_("Organ"), labels.term(visit.language, session.get(Organ, record.organ_id)))]
    row = session.query(Submission).filter(Submission.id == record.submission_id).one_or_none()
    if row is not None:
        account = session.get(Account, row.actor_id)
        found.append((_("Channel"), labels.label(translated, row.channel, "channel")))
        if account is not None:
            found.append((_("Deposited by"), account.display_name))
    found.append((_("Taken in"), display.moment(record.created_at, visit.site.archive.zone)))
    found.append((_("Rules"), record.profile_version))
    return found


def _sheet(look: _Read, damaged: bool) -> Sheet:
    total = look.version.file_count
    rows = views_records.files_of(look.session, look.version, start=max(0, look.place.file), limit=1)
    if not rows or rows[0].position != look.place.file:
        if look.place.file == 0:
            return Sheet()
        raise NotFound(
            "record.no_such_file",
            zh="这件档案没有这个文件。请从左侧列表中选择。",
            en="The record has no such file. Choose one from the list.",
        )
    row = rows[0]
    file = views_records.file_view(look.visit, row, damaged)
    leaves = max(1, row.page_count or 1) if file.pictured else 1
    leaf = min(max(1, look.place.leaf), leaves)
    before = after = ""
    if leaf > 1:
        before = look.place.at(look.case_id, page=leaf - 1 if leaf > 2 else "")
    elif row.position:
        before = look.place.at(look.case_id, file=row.position - 1 or "")
    if leaf < leaves:
        after = look.place.at(look.case_id, page=leaf + 1)
    elif row.position + 1 < total:
        after = look.place.at(look.case_id, file=row.position + 1)
    picture, text, note = _content(look, row, file, leaf)
    return Sheet(file, row.position + 1, total, leaf, leaves, picture, text, note, before, after)


def _content(look: _Read, row: StoredFile, file: FileView, leaf: int) -> tuple[str, str, str]:
    """Address of the picture, text, and why it is not shown otherwise; one of the first two at most."""
    _ = i18n.translations(look.visit.language).gettext
    root = look.visit.site.archive.derivatives
    there = (look.record.id, look.version.number, row.position)
    if look.numbers and can_be_pictured(row):
        return f"/files/{row.id}/pages/{leaf}.webp", "", ""
    note = ""
    if not look.numbers and (can_be_pictured(row) or file.kind in {"image", "scan", "pdf"}):
        note = _("The picture shows numbers as they are, which you may not see; this is its text with numbers masked.")
    if row.text_state == "done" and (file.pictured or file.kind in {"text", "image", "scan", "pdf"}):
        pages = get_text(root, *there) or []
        if file.pictured:
            pages = pages[leaf - 1 : leaf]
        text = masked("\n\n".join(pages))[:_TEXT_SHOWN]
        if text.strip():
            return "", text, note
    return "", "", note or _("Open this file on its own page: sound, film and other formats are shown there.")


def timeline(session: Session, visit: Visit, case: CaseView, kind: str) -> list[Moment]:
    """What happened to the household (its events) and to its file (the ledger), newest first, or one kind of it."""
    found: list[Moment] = []
    if kind in {"all", "case"}:
        for one in case.events:
            try:
                at = datetime.fromisoformat(one.on).replace(tzinfo=UTC)
            except ValueError:
                continue
            found.append(Moment(at=at, when=display.day(one.on), what=one.name, note=one.note))
    if kind in {"all", "file"}:
        found += views_history.timeline(session, visit, case_file_id=case.id)
    return sorted(found, key=lambda one: one.at, reverse=True)


def timeline_kinds(visit: Visit, case: CaseView, kind: str) -> list[tuple[str, str, bool]]:
    """The kinds of things that the timeline can be narrowed to."""
    _ = i18n.translations(visit.language).gettext
    words = {"all": _("Everything"), "case": _("The household"), "file": _("Its file")}
    return [
        (words[one], f"/case-files/{case.id}{query({}, show='' if one == 'all' else one)}#history", one == kind)
        for one in KINDS
    ]
