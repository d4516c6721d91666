"""Acts for many records at once: filing them, correcting one thing about all of them, taking out their list."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence

from fastapi import Response
from sqlalchemy.orm import Session

from access import gate
from lantai import filing, i18n, revising
from lantai.part import Part
from lantai.revising import Revised
from lantai.web import saying, views_holdings
from lantai.web.chosen import chosen
from lantai.web.pages.holdings import taken_out
from lantai.web.pages.household import filed, household_number, nothing_chosen
from lantai.web.saying import Undo
from lantai.web.security import local_path
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Conflict, LantaiError
from metadata.rights import Permission

router = Part()


@router.post("/holdings/records/file")
def file(visit: SignedVisit, form: Form) -> Response:
    """File the records ticked into the household file of a number and programme."""
    archive, target, ids = visit.site.archive, _target(form), chosen(form)
    if not ids:
        return nothing_chosen(visit, target)
    number = household_number(form.text("household_no"))
    with visit.noting_refusal(case_file=number), visit.writing() as session:
        programme = form.text("programme") or None
        case = filing.case_to_arrange(session, archive, visit.person, number, programme)
        new = filing.file_into(session, archive=archive, actor=visit.person, case=case, record_ids=ids)
        return filed(session, visit, case, new, target)


@router.post("/holdings/records/describe")
def describe(visit: SignedVisit, form: Form) -> Response:
    """Give the records ticked another document type, access level or one mark more; all of them or none."""
    _ = i18n.translations(visit.language).gettext
    archive, target, ids = visit.site.archive, _target(form), chosen(form)
    if not ids:
        return nothing_chosen(visit, target)
    typed = {name: form.text(name) for name in ("document_type", "access_level") if form.text(name)}
    mark = form.text("mark")
    if not typed and not mark:
        return saying.after(visit, target, _("Nothing was chosen to be changed, so nothing was changed."))
    with visit.noting_refusal(ids[0]), visit.writing() as session:
        done = revising.revise_many(
            session, archive=archive, actor=visit.person, record_ids=ids, typed=typed, add_mark=mark or None
        )
        return _said(visit, done, target)


def _said(visit: Visit, done: Sequence[Revised], target: str) -> Response:
    translated = i18n.translations(visit.language)
    words = translated.ngettext("%(num)d description changed", "%(num)d descriptions changed", len(done)) % {
        "num": len(done)
    }
    profile = visit.site.archive.profile
    kept = all(gate.decide(visit.person, one.record, Permission.DESCRIBE, profile) is not None for one in done)
    back = None
    if done and kept:
        named = ",".join(f"{_short(one.record.id)}.{one.number}" for one in done)
        back = Undo("/holdings/records/undo", {"revisions": named, "next": target})
    return saying.after(visit, target, words, back)


@router.post("/holdings/records/undo")
def undo(visit: SignedVisit, form: Form) -> Response:
    """Give the records named back what their descriptions said before; one that changed since stops it whole."""
    translated = i18n.translations(visit.language)
    named = [_named(one) for one in form.text("revisions").split(",")[: filing.MOST]]
    pairs = [one for one in named if one is not None]
    with visit.writing() as session:
        count = _undone(session, visit, pairs)
    words = translated.ngettext("%(num)d description brought back", "%(num)d descriptions brought back", count)
    return saying.after(visit, _target(form), words % {"num": count})


def _undone(session: Session, visit: Visit, pairs: Sequence[tuple[str, int]]) -> int:
    archive, count = visit.site.archive, 0
    for record_id, number in pairs:
        record = revising.record_to_describe(session, archive, visit.person, record_id)
        if record.description_revision == number - 1:
            continue  # the same form sent twice
        if record.description_revision != number:
            raise Conflict(
                "record.changed",
                zh="其中有的档案此后又被修改，没有撤销任何一件。请逐件查看修订历史。",
                en="Some of these records were changed again since; none was brought back. Look at their revisions one by one.",
            )
        done = revising.restore(session, archive=archive, actor=visit.person, record_id=record_id, number=number - 1)
        count += bool(done.changed)
    return count


@router.post("/holdings/records/export")
def export(visit: SignedVisit, form: Form) -> Response:
    """The list of the records ticked, as a workbook."""
    visit.require(Permission.RECORD_LIST)
    ids = chosen(form)
    if not ids:
        return nothing_chosen(visit, _target(form))
    with visit.reading() as session:
        found = gate.records_by_id(
            session, visit.person, ids, visit.site.archive.profile, permission=Permission.RECORD_LIST
        )
        columns = views_holdings.columns(session, visit, "records")
        rows = [found[one] for one in ids if one in found]
        sheet = views_holdings.record_sheet(session, visit, rows, columns)
    return taken_out(visit, sheet, "csv" if form.text("as") == "csv" else "xlsx")


def _target(form: Posted) -> str:
    return local_path(form.text("next"), default="/holdings/records")


def _short(record_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(record_id).bytes).decode().rstrip("=")


def _named(text: str) -> tuple[str, int] | None:
    short, _dot, number = text.partition(".")
    try:
        return str(uuid.UUID(bytes=base64.urlsafe_b64decode(short + "=="))), int(number)
    except (ValueError, binascii.Error, LantaiError):
        return None
