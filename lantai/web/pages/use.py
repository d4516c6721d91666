"""Use: the register, as far as the person may read it; her own looks always."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from access import alarms, gate, use_register
from access.register_lines import Filters, UseEntry
from lantai import i18n
from lantai.part import Part
from lantai.result_lists import MEDIA_TYPES
from lantai.web import views_use
from lantai.web.pages.files import disposition
from lantai.web.rendering import page, query
from lantai.web.views_use import Asked
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Invalid
from metadata.identifiers import is_id
from metadata.rights import Permission
from repository.alarms import AlarmArea
from repository.clock import local_date

router = Part()
_PAGE = 50
_PRINTED = 2_000


@router.get("/use")
def show(visit: SignedVisit, all: bool = False, own: bool = False, before: int = 0) -> Response:  # noqa: A002 - the word in the address
    """The own looks, or with ``all`` or a filter those of others that the role may read, entered as a look itself.

    Who is there to read the register (the auditor) finds all of it; ``own`` leads her to her own looks.
    """
    asked = Asked.read(visit.request.query_params)
    others = all or asked.narrowed or (visit.may(Permission.USE_REGISTER_EXPORT) and not own)
    wide = use_register.reads_others(visit.person, visit.site.archive.profile) and others
    wrong = ""
    entries: list[UseEntry] = []
    totals = use_register.Totals({}, more=False)
    with visit.writing() if wide else visit.reading() as session:
        try:
            wanted = views_use.filters(session, asked, visit.person, visit.site.archive.profile)
        except Invalid as error:
            wanted, wrong = Filters(), error.sentence(visit.language)
        else:
            entries, totals = _found(session, visit, wanted, wide=wide, before=before)
        lines = views_use.lines(session, visit, entries[:_PAGE])
        choices = views_use.choices(session, visit) if wide else None
        if wide and not wrong:
            visit.looked(session, "register.viewed", **subjects(wanted))
    given = {"all": "1" if wide else "", "own": "1" if own else "", **asked.fields}
    return page(
        visit,
        "use.html",
        room="use",
        status=422 if wrong else 200,
        tabs=tabs(visit, "all" if wide else "own"),
        entries=lines,
        show_who=wide,
        asked=asked,
        choices=choices,
        totals=totals,
        wrong=wrong,
        exports=wide and not wrong and visit.may(Permission.USE_REGISTER_EXPORT),
        as_xlsx=asked.address("/use.xlsx"),
        as_csv=asked.address("/use.csv"),
        as_print=asked.address("/use/print"),
        first="/use" + query(given) if before else "",
        following="/use" + query(given, before=lines[-1].seq) if len(entries) > _PAGE else "",
    )


def _found(
    session: Session, visit: Visit, wanted: Filters, *, wide: bool, before: int
) -> tuple[list[UseEntry], use_register.Totals]:
    person, archive = visit.person, visit.site.archive
    if not wide:
        own = use_register.entries(session, actor_id=person.id, after=before or None, limit=_PAGE + 1)
        return use_register.veiled(session, person, archive.profile, own), use_register.Totals({}, more=False)
    found = use_register.register(
        session, person, archive.profile, filters=wanted, zone=archive.zone, after=before or None, limit=_PAGE + 1
    )
    return found, use_register.totals(session, person, archive.profile, wanted, zone=archive.zone)


def subjects(wanted: Filters) -> dict[str, Any]:
    """The record or case file that was asked about, as a look names it."""
    given = {"record_id": wanted.record_id, "case_file_id": wanted.case_file_id}
    return {name: value for name, value in given.items() if value and is_id(value)}


def tabs(visit: Visit, here: str) -> list[tuple[str, str, bool]]:
    """What stands in this room: the register, alarms, and the requests of who has to do with them."""
    _ = i18n.translations(visit.language).gettext
    found = [(_("My use"), "/use?own=1", here == "own")]
    if use_register.reads_others(visit.person, visit.site.archive.profile):
        found.append((_("All that I may read"), "/use?all=1", here == "all"))
    if AlarmArea.USE in alarms.areas(visit.person, visit.site.archive.profile):
        found.append((_("Alarms"), "/alarms?area=use", here == "alarms"))
    if any(visit.may(one) for one in (Permission.REQUEST_FILE, Permission.REQUEST_READ, Permission.REQUEST_DECIDE)):
        found.append((_("Requests"), "/requests", False))
    return found


@router.get("/use.xlsx")
def as_xlsx(visit: SignedVisit) -> Response:
    """The register as a workbook, for the auditor."""
    return export(visit, "xlsx")


@router.get("/use.csv")
def as_csv(visit: SignedVisit) -> Response:
    """The register as CSV, for the auditor."""
    return export(visit, "csv")


def export(visit: Visit, kind: str) -> Response:
    """The entries that were asked for as a file; entered in the register."""
    use_register.require_export(visit.person, visit.site.archive.profile)
    with visit.reading() as session:
        wanted = views_use.filters(
            session, Asked.read(visit.request.query_params), visit.person, visit.site.archive.profile
        )
    pieces = views_use.taken_out(visit, wanted, kind)
    return StreamingResponse(pieces, 200, file_headers(visit, kind), MEDIA_TYPES[kind])


def file_headers(visit: Visit, kind: str) -> dict[str, str]:
    """What names the file: the day, never what was asked for."""
    day = local_date(visit.site.archive.clock.now(), visit.site.archive.zone)
    word = "use-register" if visit.language == "en" else "使用登记册"
    return {"Content-Disposition": disposition("attachment", f"{word}-{day.isoformat()}.{kind}")}


@router.get("/use/print")
def printed(visit: SignedVisit) -> Response:
    """The register as a form to print (A4), for the auditor; at most 2,000 lines."""
    use_register.require_export(visit.person, visit.site.archive.profile)
    archive = visit.site.archive
    asked = Asked.read(visit.request.query_params)
    with visit.reading() as session:
        wanted = views_use.filters(session, asked, visit.person, visit.site.archive.profile)
    views_use.enter_export(visit, wanted, "print")
    with visit.reading() as session:
        found = use_register.register(
            session, visit.person, archive.profile, filters=wanted, zone=archive.zone, limit=_PRINTED + 1
        )
        lines = views_use.lines(session, visit, found[:_PRINTED])
        told = views_use.about(session, visit, asked)
        totals = use_register.totals(session, visit.person, archive.profile, wanted, zone=archive.zone)
    return page(
        visit,
        "use_print.html",
        room="use",
        entries=lines,
        told=told,
        totals=totals,
        cut=len(found) > _PRINTED,
        back=asked.address("/use", all="1"),
    )


@router.post("/use/printed")
def note_printed(visit: SignedVisit, form: Form) -> Response:
    """A page, a record or a case file goes to the printer: the browser says so, the register has it."""
    record_id, case_file_id, file_id = (form.text(name) or None for name in ("record_id", "case_file_id", "file_id"))
    leaf = form.text("page")
    profile = visit.site.archive.profile
    with visit.looking(record_id, case_file=case_file_id) as session:
        if record_id:
            gate.get_record(session, visit.person, record_id, profile)
        else:
            case_file_id = gate.get_case(session, visit.person, case_file_id or "", profile).id
        visit.looked(
            session,
            "page.printed",
            record_id=record_id,
            case_file_id=None if record_id else case_file_id,
            file_id=file_id if file_id and is_id(file_id) else None,
            page=int(leaf) if leaf.isascii() and leaf.isdigit() and len(leaf) < 7 else None,
            form="print",
        )
    return Response(status_code=204)
