"""Holds: the list, placing one, looking at one, putting off its review, lifting it."""

from __future__ import annotations

from datetime import date

from fastapi import Response
from starlette.datastructures import QueryParams

from lantai import i18n
from lantai.part import Part
from lantai.web import saying, views_holds
from lantai.web.chosen import row_version
from lantai.web.rendering import page
from lantai.web.searching import Asked
from lantai.web.views_holds import Meant
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Invalid, NotFound
from metadata.identifiers import is_id, new_id
from metadata.rights import Permission
from retention import holding
from retention.holding import NewHold

router = Part()
_PAGE = 50
_TEXTS = ("title", "authority", "reference", "reason", "review_on", "subjects", "search")


@router.get("/retention/holds")
def show_list(visit: SignedVisit, state: str = "in_force", after: int = 0) -> Response:
    """Holds that the person may know of."""
    visit.require(Permission.HOLD_READ)
    with visit.reading() as session:
        found = views_holds.lines(session, visit, state, after=after, limit=_PAGE + 1)
    path = f"/retention/holds?state={state if state in {'review', 'lifted', 'all'} else 'in_force'}"
    return page(
        visit,
        "holds.html",
        room="retention",
        here_tab="holds",
        state=state,
        holds=found[:_PAGE],
        first=path if after else "",
        following=f"{path}&after={found[_PAGE - 1].seq}" if len(found) > _PAGE else "",
    )


@router.get("/retention/holds/new")
def show_form(
    visit: SignedVisit, record: str = "", case_file: str = "", household_no: str = "", search: str = ""
) -> Response:
    """The form for a hold over a record, a household file, a list of them, or all that a search finds."""
    visit.require(Permission.HOLD_PLACE)
    named = "\n".join(one for one in (record, case_file, household_no) if one)[:200]
    return _form(visit, {"subjects": named, "search": search[:2000], "number": new_id()})


@router.post("/retention/holds")
def place(visit: SignedVisit, form: Form) -> Response:
    """Place a hold; the same form sent twice places one."""
    visit.require(Permission.HOLD_PLACE)
    given = {name: form.text(name) for name in _TEXTS}
    given["number"] = form.text("number") if is_id(form.text("number")) else new_id()
    try:
        meant = _meant(visit, given)
        told = NewHold(
            given["title"], given["authority"], given["reason"], given["reference"], _day(given["review_on"])
        )
        with visit.writing() as session:
            hold = holding.place(
                session,
                archive=visit.site.archive,
                actor=visit.person,
                told=told,
                record_ids=meant.record_ids,
                case_file_ids=meant.case_file_ids,
                hold_id=given["number"],
            )
            hold_id = hold.id
    except (Invalid, NotFound) as error:
        field = error.code.removeprefix("hold.")
        if field == "id_number":
            field = str(error.params.get("field", "reason"))
        known = field if field in _TEXTS else "search" if given["search"] else "subjects"
        return _form(visit, given, {known: error.sentence(visit.language)})
    _ = i18n.translations(visit.language).gettext
    if meant.case_file_ids and meant.record_ids:
        words = _(
            "The hold stands: %(records)s records and %(cases)s household files are neither appraised nor destroyed."
        )
    elif meant.case_file_ids:
        words = _("The hold stands: all that is in %(cases)s household files is neither appraised nor destroyed.")
    else:
        words = _("The hold stands: %(records)s records are neither appraised nor destroyed.")
    counts = {"records": len(meant.record_ids), "cases": len(meant.case_file_ids)}
    return saying.after(visit, f"/retention/holds/{hold_id}", words % counts)


@router.get("/retention/holds/{hold_id}")
def show_one(visit: SignedVisit, hold_id: str, after_case: int = 0, after_record: int = 0) -> Response:
    """A hold with what it names, as far as the person may know."""
    visit.require(Permission.HOLD_READ)
    return _one(visit, hold_id, after_case=after_case, after_record=after_record)


@router.post("/retention/holds/{hold_id}/review")
def review(visit: SignedVisit, hold_id: str, form: Form) -> Response:
    """The hold was looked at and stands until it is looked at again."""
    visit.require(Permission.HOLD_PLACE)
    try:
        day = _day(form.text("review_on"))
        if day is None:
            raise _no_day()
        with visit.writing() as session:
            holding.review(
                session,
                archive=visit.site.archive,
                actor=visit.person,
                hold_id=hold_id,
                review_on=day,
                row_version=row_version(form),
            )
    except Invalid as error:
        return _one(visit, hold_id, errors={"review_on": error.sentence(visit.language)}, form=form)
    _ = i18n.translations(visit.language).gettext
    return saying.after(
        visit, f"/retention/holds/{hold_id}", _("The hold stands; it is looked at again on the new day.")
    )


@router.post("/retention/holds/{hold_id}/lift")
def lift(visit: SignedVisit, hold_id: str, form: Form) -> Response:
    """Lift a hold, with authority and reason; it takes effect when the ledger is sealed."""
    visit.require(Permission.HOLD_LIFT)
    try:
        with visit.writing() as session:
            holding.lift(
                session,
                archive=visit.site.archive,
                actor=visit.person,
                hold_id=hold_id,
                authority=form.text("lift_authority"),
                reason=form.text("lift_reason"),
                row_version=row_version(form),
            )
    except Invalid as error:
        field = str(error.params.get("field", error.code.removeprefix("hold.")))
        return _one(visit, hold_id, errors={f"lift_{field}": error.sentence(visit.language)}, form=form)
    _ = i18n.translations(visit.language).gettext
    return saying.after(
        visit, f"/retention/holds/{hold_id}", _("The hold is lifted. It takes effect when sealed, within a minute.")
    )


def _one(
    visit: Visit,
    hold_id: str,
    *,
    after_case: int = 0,
    after_record: int = 0,
    errors: dict[str, str] | None = None,
    form: Posted | None = None,
) -> Response:
    with visit.reading() as session:
        hold = views_holds.view(session, visit, hold_id, after_case=after_case, after_record=after_record)
    return page(
        visit,
        "hold.html",
        room="retention",
        here_tab="holds",
        status=422 if errors else 200,
        hold=hold,
        errors=errors or {},
        typed={name: form.text(name) if form else "" for name in ("review_on", "lift_authority", "lift_reason")},
    )


def _form(visit: Visit, given: dict[str, str], errors: dict[str, str] | None = None) -> Response:
    return page(
        visit,
        "hold_new.html",
        room="retention",
        here_tab="holds",
        status=422 if errors else 200,
        given={name: given.get(name, "") for name in (*_TEXTS, "number")},
        searched_for=Asked.read(QueryParams(given.get("search", ""))).text,
        errors=errors or {},
    )


def _meant(visit: Visit, given: dict[str, str]) -> Meant:
    """What the form names: the lines typed, and what the search finds."""
    with visit.reading() as session:
        typed = views_holds.meant(session, visit, given["subjects"])
    if typed.unknown:
        raise NotFound(
            "hold.unknown_subjects",
            zh=f"没有找到，或不在您的冻结权限内：{'、'.join(typed.unknown[:5])}。请核对后再提交。",
            en=f"Not there, or you may not put it on hold: {', '.join(typed.unknown[:5])}. Check it and send again.",
        )
    if not given["search"]:
        return typed
    found = views_holds.search_meant(visit, Asked.read(QueryParams(given["search"])))
    return Meant((*typed.record_ids, *found.record_ids), (*typed.case_file_ids, *found.case_file_ids))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _no_day() from None


def _no_day() -> Invalid:
    return Invalid(
        "hold.review_on",
        zh="日期看不懂；请写成 2030-12-31 的样子。",
        en="This is no date; write it as 2030-12-31.",
    )
