"""Describing a record that is in the holdings: the form, two people at once, revisions and the way back to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n, revising
from lantai.part import Part
from lantai.revising import Revised
from lantai.web import saying, views_describe
from lantai.web.chosen import row_version
from lantai.web.display import masked
from lantai.web.options import document_types
from lantai.web.rendering import page, query
from lantai.web.saying import Undo
from lantai.web.security import local_path
from lantai.web.views_describe import Difference
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Conflict, Invalid
from metadata.rights import Permission
from repository.tables import Record

router = Part()
MARK = "mark."


@router.get("/records/{record_id}/describe")
def show(visit: SignedVisit, record_id: str, next: str = "") -> Response:  # noqa: A002 - the word in the address
    """The form, filled with what is known; personal numbers stand masked in it."""
    with visit.looking(record_id) as session:
        record = revising.record_to_describe(session, visit.site.archive, visit.person, record_id)
        visit.looked(session, "record.viewed", record_id=record.id)
        return _form(visit, record, revising.shown(revising.current(record)), target=local_path(next, default=""))


@router.post("/records/{record_id}/describe")
def describe(visit: SignedVisit, record_id: str, form: Form) -> Response:
    """Keep a correction as a new revision; nothing of what was typed is lost when somebody else was first."""
    archive, typed, target = visit.site.archive, _typed(form), local_path(form.text("next"), default="")
    try:
        with visit.noting_refusal(record_id), visit.writing() as session:
            done = revising.revise(
                session,
                archive=archive,
                actor=visit.person,
                record_id=record_id,
                typed=typed,
                row_version=row_version(form),
            )
            return _said(visit, done, target)
    except (Invalid, Conflict) as error:
        if error.code not in {"description.invalid", "record.changed"}:
            raise
        with visit.noting_refusal(record_id), visit.reading() as session:
            record = revising.record_to_describe(session, archive, visit.person, record_id)
            if isinstance(error, Conflict):
                return _conflict(session, visit, record, form, typed, error, target)
            wrong = {name: told[_key(visit)] for name, told in dict(error.params["fields"]).items()}  # type: ignore[call-overload]  # the error's own dict
            return _form(visit, record, typed, wrong=wrong, form=form, target=target, status=422)


def _key(visit: Visit) -> str:
    return "en" if visit.language == "en" else "zh"


def _typed(form: Posted) -> dict[str, str]:
    """The fields of the form as text; marks are tick boxes of their own."""
    told = {name: form.fields[name].replace("\r\n", "\n") for name in revising.FIELDS if name in form.fields}
    ticked = sorted(name.removeprefix(MARK) for name in form.fields if name.startswith(MARK))
    return {**told, "access_marks": ",".join(ticked)}


def _seen(form: Posted) -> int:
    text = form.text("revision")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _form(
    visit: Visit,
    record: Record,
    values: Mapping[str, str],
    *,
    target: str,
    wrong: Mapping[str, str] | None = None,
    form: Posted | None = None,
    differences: list[Difference] | None = None,
    status: int = 200,
) -> Response:
    """The page; after a conflict it stands upon the newest revision, after an error upon the one that was seen."""
    kept = form is not None and differences is None
    return page(
        visit,
        "describe.html",
        status=status,
        room="holdings",
        record={"id": record.id, "title": masked(record.title)},
        values={name: values.get(name, "") for name in revising.FIELDS},
        row_version=(row_version(form) if kept and form else None) or record.row_version,
        revision=_seen(form) if kept and form else record.description_revision,
        errors=dict(wrong or {}),
        differences=differences or [],
        document_types=document_types(visit),
        levels=views_describe.levels(visit),
        marks=views_describe.marks(visit),
        next=target,
    )


def _conflict(
    session: Session, visit: Visit, record: Record, form: Posted, typed: dict[str, str], error: Conflict, target: str
) -> Response:
    fields, differences = views_describe.compared(session, visit, record, typed, _seen(form))
    if not differences:  # the same form sent twice, or both typed the same: it stands there
        _ = i18n.translations(visit.language).gettext
        return saying.after(visit, target or f"/records/{record.id}", _("This description stands there already."))
    del error  # its sentence stands in the template, with what is to be done
    return _form(visit, record, fields, target=target, form=form, differences=differences, status=409)


def _said(visit: Visit, done: Revised, target: str, restored: int | None = None) -> Response:
    """What the act did; a record that she put out of her own sight leads back to the list, without undo.

    ``restored``: the revision whose values an undo brought back.
    """
    translated = i18n.translations(visit.language)
    record = done.record
    if not done.changed:
        return saying.after(visit, target or f"/records/{record.id}", translated.gettext("Nothing was changed."))
    if gate.decide(visit.person, record, Permission.DESCRIBE, visit.site.archive.profile) is None:
        words = translated.gettext("The description is kept. Your role does not reach this record any more.")
        return saying.after(visit, "/holdings", words)
    told = translated.gettext("The description of “%(title)s” is kept as revision %(number)s.")
    if restored:
        told = translated.gettext("Undone: the description of “%(title)s” is that of revision %(number)s again.")
    elif restored is not None:
        told = translated.gettext("Undone: the description of “%(title)s” is that of its accession again.")
    words = told % {"title": masked(record.title)[:60], "number": done.number if restored is None else restored}
    fields = {"row_version": str(record.row_version), "next": target, "undo": "1"}
    back = Undo(f"/records/{record.id}/revisions/{done.number - 1}/restore", fields)
    return saying.after(visit, target or f"/records/{record.id}", words, back)


# --- revisions --------------------------------------------------------------------------------------------------------


@router.get("/records/{record_id}/revisions")
def show_revisions(visit: SignedVisit, record_id: str, before: Annotated[int, Query(ge=0, le=10**9)] = 0) -> Response:
    """What was changed about the description, when and by whom."""
    with visit.looking(record_id) as session:
        profile = visit.site.archive.profile
        record = gate.get_record(session, visit.person, record_id, profile)
        visit.looked(session, "record.viewed", record_id=record.id)
        found = views_describe.revisions(session, visit, record, before=before or None)
        may = gate.decide(visit.person, record, Permission.DESCRIBE, profile) is not None
    path = f"/records/{record.id}/revisions"
    return page(
        visit,
        "describe_revisions.html",
        room="holdings",
        record={"id": record.id, "title": masked(record.title), "row_version": record.row_version},
        revisions=found,
        may_describe=may,
        first=path if before else "",
        following=path + query({}, before=found[-1].number) if found and found[-1].number else "",
    )


@router.post("/records/{record_id}/revisions/{number}/restore")
def restore(visit: SignedVisit, record_id: str, number: int, form: Form) -> Response:
    """A new revision with the values of an older one."""
    with visit.noting_refusal(record_id), visit.writing() as session:
        done = revising.restore(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            record_id=record_id,
            number=number,
            row_version=row_version(form),
        )
        undone = number if form.flag("undo") else None
        return _said(visit, done, local_path(form.text("next"), default=""), undone)
