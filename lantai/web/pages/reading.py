"""Around the viewer: may it go on, the watermark over text, pages for the printer."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from fastapi.responses import JSONResponse

from access import copies
from lantai import i18n
from lantai.part import Part
from lantai.web import views_records
from lantai.web.display import iso, masked
from lantai.web.opening import can_be_pictured, ends_at, open_file, open_record, watermark
from lantai.web.rendering import page
from lantai.web.security import FILE_POLICY
from lantai.web.visit import SignedVisit
from metadata.errors import NotFound
from repository.derivatives import get_pages

router = Part()
MOST_PRINTED = 50
"""Pages that are printed in one go."""


@router.get("/records/{record_id}/still")
def still(visit: SignedVisit, record_id: str) -> Response:
    """Whether a record that stands open may be read on; what an open viewer asks now and then. No look.

    When it may not (404), the sentence says why: a grant that ended says when.
    """
    try:
        with visit.noting_refusal(record_id), visit.reading() as session:
            _record, terms = open_record(session, visit, record_id)
    except NotFound as error:
        told = {"still": False, "code": error.code, "sentence": error.sentence(visit.language)}
        return JSONResponse(told, 404)
    return JSONResponse({"still": True, "ends_at": iso(ends_at(terms)) or None})


@router.get("/records/{record_id}/watermark.svg")
def mark(visit: SignedVisit, record_id: str) -> Response:
    """The watermark that lies over text which somebody reads under a grant; empty for whoever reads by a role."""
    with visit.noting_refusal(record_id), visit.reading() as session:
        _record, terms = open_record(session, visit, record_id)
        made = watermark(session, visit, terms)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": FILE_POLICY}
    return Response(copies.watermark_svg(made), media_type="image/svg+xml", headers=headers)


@router.get("/files/{file_id}/print")
def printed(
    visit: SignedVisit,
    file_id: str,
    first: Annotated[int, Query(alias="from", ge=1)] = 1,
    last: Annotated[int, Query(alias="to", ge=0)] = 0,
) -> Response:
    """Pages ``from`` to ``to`` of a file on one sheet for the printer, at most ``MOST_PRINTED``; each is entered.

    As in the viewer: pictures for whoever sees numbers as they are, else the masked text; under a grant with watermark.
    """
    _ = i18n.translations(visit.language).gettext
    with visit.looking(file_id=file_id) as session:
        opened = open_file(session, visit, file_id)
        row = opened.row
        file = views_records.file_view(visit, row, terms=opened.terms)
        told = get_pages(visit.site.archive.derivatives, row.record_id, opened.version.number, row.position)
        texts = [masked(one.text) for one in told.pages] if told and row.text_state == "done" else []
        pictured = opened.terms.pictures and can_be_pictured(row)
        count = (row.page_count if pictured else None) or len(texts)
        first = min(first, max(count, 1))
        last = min(last or first, count, first + MOST_PRINTED - 1)
        numbers = list(range(first, last + 1))
        for number in numbers:
            visit.looked(session, "page.printed", record_id=row.record_id, file_id=row.id, page=number, form="print")
    return page(
        visit,
        "print.html",
        room="holdings",
        record={"id": opened.record.id, "title": masked(opened.record.title)},
        file=file,
        sheets=[(number, "" if pictured else texts[number - 1]) for number in numbers],
        pictured=pictured,
        marked=opened.terms.grant is not None,
        count=count,
        first=first,
        last=last,
        most=MOST_PRINTED,
        back=f"/files/{file_id}?page={first}",
    )
