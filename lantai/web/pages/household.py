"""The household file (一户一档): contents, the page in view and what is known about it; order, papers in and out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import RedirectResponse

from access import gate
from lantai import filing, i18n
from lantai.part import Part
from lantai.web import saying, views_cases, views_history, views_household, views_records, views_retention
from lantai.web.because import because_of_case
from lantai.web.chosen import chosen, row_version
from lantai.web.places import place as place_of
from lantai.web.rendering import page, query
from lantai.web.saying import Undo
from lantai.web.views_household import Place
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.identifiers import is_id
from metadata.rights import Permission
from repository.tables import CaseFile

router = Part()
After = Annotated[int, Query(ge=0, le=2**62)]
_PAGE = 50


def household_number(text: str) -> str:
    """``text`` as a household number is written; what breaks its rule stays as it is, in capitals."""
    try:
        return check_household_no(text)
    except Invalid:
        return text.strip().upper()


@router.get("/households/{household_no}")
def show_household(visit: SignedVisit, household_no: str) -> Response:
    """A household by its number: on to its file."""
    number = household_number(household_no)
    with visit.noting_refusal(case_file=number), visit.reading() as session:
        case = gate.get_case(session, visit.person, number, visit.site.archive.profile)
    return RedirectResponse(f"/case-files/{case.id}", 303)


@router.get("/case-files/{case_file_id}")
def show_case(
    visit: SignedVisit,
    case_file_id: str,
    record: str = "",
    version: Annotated[int, Query(ge=0, le=10**6)] = 0,
    file: Annotated[int, Query(ge=0, le=10**6)] = 0,
    leaf: Annotated[int, Query(alias="page", ge=0, le=10**6)] = 1,
    arrange: int = 0,
    show: str = "all",
) -> Response:
    """The household file with one of its papers in view; both looks are entered in the use register."""
    profile = visit.site.archive.profile
    place = Place(record, version, file, leaf)
    with visit.looking(record if is_id(record) else None, case_file=case_file_id) as session:
        case = gate.get_case(session, visit.person, case_file_id, profile)
        view = views_cases.case_view(session, visit, case)
        stages, missing = views_cases.contents(session, visit, case)
        chosen_paper = views_household.paper(session, visit, view, stages, place) if record else None
        visit.looked(session, "case.viewed", case_file_id=case.id)
        if chosen_paper is not None:
            visit.looked(session, "record.viewed", record_id=chosen_paper.id, case_file_id=case.id)
        may = filing.may_arrange(visit.person, case, profile)
        kind = show if show in views_household.KINDS else "all"
        context: dict[str, Any] = {
            "case": view,
            "division": place_of(session, visit, view.division_code),
            "stages": stages,
            "missing": missing,
            "paper": chosen_paper,
            "because": because_of_case(visit, session, case),
            "may_arrange": may,
            "arranging": may and bool(arrange),
            "others": views_cases.other_cases(session, visit, case, view.household_no),
            "timeline": views_household.timeline(session, visit, view, kind),
            "timeline_kinds": views_household.timeline_kinds(visit, view, kind),
            "looks": views_history.looks(session, visit, case_file_id=case.id),
            "holds": views_retention.holds_of_case(session, visit, case),
            "retention": views_retention.of_case(session, visit, case) if chosen_paper is None else [],
        }
    return page(visit, "case_file.html", room="holdings", **context)


# --- order ------------------------------------------------------------------------------------------------------------


@router.post("/case-files/{case_file_id}/arrange")
def arrange(visit: SignedVisit, case_file_id: str, form: Form) -> Response:
    """Move a paper (``move``: ``up:``, ``down:`` and its id) or give papers an ``order``; the old one can come back."""
    archive = visit.site.archive
    with visit.noting_refusal(case_file=case_file_id), visit.writing() as session:
        case = filing.case_to_arrange(session, archive, visit.person, case_file_id)
        before = filing.order_of(session, archive, visit.person, case)
        order = _order(form, views_cases.contents(session, visit, case)[0])
        filing.arrange(
            session, archive=archive, actor=visit.person, case=case, order=order, row_version=row_version(form)
        )
        session.flush()
        after = filing.order_of(session, archive, visit.person, case)
        moved = [one for one, new in zip(before, after, strict=True) if one != new]
        seen = case.row_version
    _ = i18n.translations(visit.language).gettext
    target = f"/case-files/{case_file_id}?arrange=1"
    if not moved:
        return saying.after(visit, target, _("The papers stand in this order already."))
    back = Undo(f"/case-files/{case_file_id}/arrange", {"order": ",".join(moved), "row_version": str(seen)})
    return saying.after(visit, target + f"#paper-{moved[0]}", _("The new order of the papers is kept."), back)


def _order(form: Posted, stages: list[views_cases.Stage]) -> list[str]:
    """The papers concerned, in the order wanted."""
    given = [one for one in form.text("order").split(",") if is_id(one)]
    if given:
        return given
    way, _colon, moved = form.text("move").partition(":")
    for stage in stages:
        ids = [slot.record.id for slot in stage.slots if slot.record is not None]
        if moved in ids and way in {"up", "down"}:
            at = ids.index(moved)
            other = at - 1 if way == "up" else at + 1
            if not 0 <= other < len(ids):
                return [moved]
            return [ids[at], ids[other]] if way == "up" else [ids[other], ids[at]]
    raise filing.not_in_file()


# --- papers in and out ------------------------------------------------------------------------------------------------


@router.get("/case-files/{case_file_id}/tray")
def show_tray(visit: SignedVisit, case_file_id: str, after: After = 0) -> Response:
    """Papers in no file yet, of the household's division, to be filed here."""
    archive = visit.site.archive
    with visit.noting_refusal(case_file=case_file_id), visit.reading() as session:
        case = filing.case_to_arrange(session, archive, visit.person, case_file_id)
        found = gate.list_records(
            session,
            visit.person,
            archive.profile,
            after=after,
            limit=_PAGE + 1,
            in_tray=True,
            permission=Permission.DESCRIBE,
        )
        view = views_cases.case_view(session, visit, case)
        rows = views_records.rows(session, visit, found[:_PAGE])
    path = f"/case-files/{case.id}/tray"
    return page(
        visit,
        "case_file_tray.html",
        room="holdings",
        case=view,
        records=rows,
        first=path if after else "",
        following=path + query({}, after=rows[-1].seq) if len(found) > _PAGE else "",
    )


@router.post("/case-files/{case_file_id}/file")
def file(visit: SignedVisit, case_file_id: str, form: Form) -> Response:
    """File the papers chosen into the household file."""
    archive, ids = visit.site.archive, chosen(form)
    if not ids:
        return nothing_chosen(visit, f"/case-files/{case_file_id}/tray")
    with visit.noting_refusal(case_file=case_file_id), visit.writing() as session:
        case = filing.case_to_arrange(session, archive, visit.person, case_file_id)
        new = filing.file_into(session, archive=archive, actor=visit.person, case=case, record_ids=ids)
        return filed(session, visit, case, new, f"/case-files/{case.id}?arrange=1")


@router.post("/case-files/{case_file_id}/take-out")
def take_out(visit: SignedVisit, case_file_id: str, form: Form) -> Response:
    """Take the papers chosen out of the household file; they wait in the tray unless they stand in another."""
    translated = i18n.translations(visit.language)
    archive, ids = visit.site.archive, chosen(form)
    target = f"/case-files/{case_file_id}?arrange=1"
    if not ids:
        return nothing_chosen(visit, target)
    with visit.noting_refusal(case_file=case_file_id), visit.writing() as session:
        case = filing.case_to_arrange(session, archive, visit.person, case_file_id)
        gone = filing.take_out(session, archive=archive, actor=visit.person, case=case, record_ids=ids)
        number = views_cases.household_no(session, case)
    words = translated.ngettext(
        "%(num)d record taken out of %(household)s", "%(num)d records taken out of %(household)s", len(gone)
    ) % {"num": len(gone), "household": number}
    back = Undo(f"/case-files/{case_file_id}/file", {"ids": ",".join(gone)}) if gone else None
    return saying.after(visit, target, words, back)


def filed(session: Any, visit: Visit, case: CaseFile, new: list[str], target: str) -> Response:
    """What is said after papers were filed, with the way back."""
    translated = i18n.translations(visit.language)
    words = translated.ngettext(
        "%(num)d record filed into %(household)s", "%(num)d records filed into %(household)s", len(new)
    ) % {"num": len(new), "household": views_cases.household_no(session, case)}
    back = Undo(f"/case-files/{case.id}/take-out", {"ids": ",".join(new)}) if new else None
    return saying.after(visit, target, words, back)


def nothing_chosen(visit: Visit, target: str) -> Response:
    """A button was pressed and nothing was ticked: say so, and change nothing."""
    _ = i18n.translations(visit.language).gettext
    return saying.after(visit, target, _("Nothing was ticked, so nothing was changed."))
