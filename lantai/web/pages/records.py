"""The record page: what it is, its files one at a time, copies, retention, versions, events, who looked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.part import Part
from lantai.web import views_cases, views_history, views_preservation, views_records, views_retention
from lantai.web.because import because
from lantai.web.display import masked
from lantai.web.labels import term
from lantai.web.opening import open_record, version_of
from lantai.web.places import place
from lantai.web.rendering import page
from lantai.web.viewing import viewer
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import NotFound
from metadata.rights import Permission
from repository.tables import Organ, Record, RecordVersion, StoredFile
from retention import holds

router = Part()


@router.get("/records/{record_id}")
def show(
    visit: SignedVisit,
    record_id: str,
    version: int = 0,
    file: int = -1,
    leaf: Annotated[int, Query(alias="page", ge=0)] = 0,
    start: Annotated[int, Query(alias="from", ge=0)] = 0,
    words: Annotated[str, Query(alias="q")] = "",
) -> Response:
    """A record with one of its files in view; looking at it is entered in the use register."""
    with visit.looking(record_id) as session:
        record, terms = open_record(session, visit, record_id)
        visit.looked(session, "record.viewed", record_id=record.id)
        shown = version_of(session, record, version or None)
        copies = views_records.copies(session, [shown.object_key]).get(shown.object_key, [])
        damaged = any(one.outcome in views_records.FAULTS for one in copies)
        files = views_records.files_of(session, shown, start=start)
        row = _chosen(session, shown, files, file)
        context: dict[str, Any] = {
            "files": [views_records.file_view(visit, one, terms=terms) for one in files],
            "file": views_records.file_view(visit, row, damaged, terms) if row else None,
            "more_files": files[-1].position + 1 if len(files) == views_records.FILES_SHOWN else 0,
            "replicas": copies,
            "cases": _cases(session, visit, record),
            "description": views_records.description_lines(
                visit, record, division=place(session, visit, record.division_code)
            ),
            "incidents": [
                views_preservation.incident_line(visit, one) for one in views_records.incidents_of(session, record)
            ],
            "because": because(visit, session, record),
            "marks": _marks(visit, record),
            "origin": _origin(session, visit, record),
            "holds": holds.shown(session, visit.person, visit.site.archive.profile, [record.id]).get(record.id, []),
            "retention": views_retention.of_record(session, visit, record.id),
            "versions": views_records.versions_of(session, record),
            "timeline": views_history.timeline(session, visit, record_id=record.id),
            "looks": views_history.looks(session, visit, record_id=record.id),
        }
    with visit.reading() as session:  # a page may have to be drawn: nobody waits for this to end
        context["view"] = viewer(
            session, visit, record, shown, row, context["file"], terms=terms, leaf=leaf, words=words
        )
    return page(
        visit,
        "record.html",
        room="holdings",
        record=_head(visit, record),
        version=shown,
        version_asked=shown.number if shown.number != record.head_version else None,
        trail=_trail(visit, context["cases"]),
        terms=terms,
        may_download=terms.takes,
        may_describe=gate.decide(visit.person, record, Permission.DESCRIBE, visit.site.archive.profile) is not None,
        may_package=terms.takes and visit.may(Permission.PACKAGE_READ),
        **context,
    )


def _chosen(session: Session, version: RecordVersion, files: list[StoredFile], position: int) -> StoredFile | None:
    if position < 0:
        return files[0] if files else None
    found = views_records.files_of(session, version, start=position, limit=1)
    if not found or found[0].position != position:
        raise NotFound(
            "record.no_such_file",
            zh="这件档案没有这个文件。请从左侧列表中选择。",
            en="The record has no such file. Choose one from the list.",
        )
    return found[0]


def _cases(session: Session, visit: Visit, record: Record) -> list[views_cases.CaseRow]:
    found = []
    for case_file_id in views_records.case_ids(session, record):
        try:
            found.append(gate.get_case(session, visit.person, case_file_id, visit.site.archive.profile))
        except NotFound:
            continue
    return views_cases.case_rows(session, visit, found)


def _marks(visit: Visit, record: Record) -> list[str]:
    """The marks that set the record apart, in words."""
    known = visit.site.archive.profile.access_marks
    return [term(visit.language, known[one]) if one in known else str(one) for one in map(str, record.access_marks)]


def _origin(session: Session, visit: Visit, record: Record) -> dict[str, Any]:
    """Where the record came from: when, for which organ, in which deposit (for who takes deposits in)."""
    organ = session.get(Organ, record.organ_id)
    name = "" if organ is None else ((organ.name_en if visit.language == "en" else "") or organ.name_zh)
    submission = record.submission_id if visit.may(Permission.ACCEPT) else None
    return {"at": record.created_at, "organ": name, "submission": submission}


def _head(visit: Visit, record: Record) -> dict[str, Any]:
    _ = i18n.translations(visit.language).gettext
    lines = dict(views_records.description_lines(visit, record))
    return {
        "id": record.id,
        "title": masked(record.title),
        "subtitle": " · ".join(
            lines[name] for name in (_("Document type"), _("Programme"), _("Dated")) if name in lines
        ),
        "access_level": record.access_level,
        "confirmed": record.confirmed,
        "head_version": record.head_version,
    }


def _trail(visit: Visit, cases: list[views_cases.CaseRow]) -> list[tuple[str, str]]:
    _ = i18n.translations(visit.language).gettext
    trail = [(_("Holdings"), "/holdings")]
    if len(cases) == 1:
        trail.append((cases[0].title, f"/case-files/{cases[0].id}"))
    return trail
