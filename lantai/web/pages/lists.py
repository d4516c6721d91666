"""The deposit list by itself: look a spreadsheet through before depositing, and fetch an empty one."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from ingest.findings import kind_of, sentence
from ingest.list_report import ListReport
from ingest.list_template import workbook
from lantai import i18n
from lantai.part import Part
from lantai.problems import BadToken
from lantai.web import lists
from lantai.web.display import masked
from lantai.web.pages.files import disposition
from lantai.web.rendering import page
from lantai.web.security import CSRF_FIELD, same_token
from lantai.web.uploads import Field, FormStream
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import Invalid
from metadata.rights import Permission

router = Part()
_SHOWN = 500
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/deposit/list")
def show(visit: SignedVisit) -> Response:
    """The form for a list."""
    visit.require(Permission.DEPOSIT)
    return _page(visit, None)


@router.get("/deposit/list/template.xlsx")
def template(visit: SignedVisit) -> Response:
    """An empty list with its headings, an example and the codes of the profile."""
    visit.require(Permission.DEPOSIT)
    headers = {"Content-Disposition": disposition("attachment", "移交清单.xlsx")}
    return Response(workbook(visit.site.archive.profile), media_type=XLSX, headers=headers)


@router.post("/deposit/list")
async def check(request: Request, visit: SignedVisit) -> Response:
    """Look a list through and show every row's fault; nothing is kept."""
    visit.require(Permission.DEPOSIT)
    form = FormStream(request)
    token, name, data = "", "", bytearray()
    most = visit.site.settings.limits.list_bytes
    async for part in form.parts():
        if isinstance(part, Field):
            token = part.value if part.name == CSRF_FIELD else token
            continue
        if not same_token(visit.csrf, token):
            raise BadToken
        name = part.filename or name
        async for chunk in part.chunks:
            if len(data) <= most:
                data += chunk
    if not same_token(visit.csrf, token):
        raise BadToken
    return await run_in_threadpool(_checked, visit, name, bytes(data))


def _checked(visit: Visit, name: str, data: bytes) -> Response:
    _ = i18n.translations(visit.language).gettext
    if not name:
        return _page(visit, None, {"list": _("Choose a file first.")})
    try:
        report = lists.checked(visit, name, data)
    except Invalid as error:
        return _page(visit, None, {"list": error.sentence(visit.language)})
    return _page(visit, report)


def _page(visit: Visit, report: ListReport | None, errors: dict[str, str] | None = None) -> Response:
    lines: list[dict[str, Any]] = []
    if report is not None:
        lines = [
            {
                "sheet": row.sheet,
                "row": row.row,
                "title": masked(row.title),
                "faults": [
                    (kind_of(one.code).severity.value, masked(sentence(one, visit.language)), one.code)
                    for one in row.faults
                ],
            }
            for row in report.rows[:_SHOWN]
        ]
    return page(
        visit,
        "deposit_list.html",
        room="deposit",
        status=422 if errors else 200,
        report=report,
        lines=lines,
        more=max(0, len(report.rows) - _SHOWN) if report is not None else 0,
        errors=errors or {},
    )
