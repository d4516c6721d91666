"""Case files, records and files for programs; every look is entered in the use register."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from access import gate
from lantai.api import holdings_models as models
from lantai.api.holdings_models import CaseFile, CaseFileWhole, File, Moment, Record, RecordRow, Text
from lantai.api.models import PROBLEMS, Page
from lantai.part import ApiPart
from lantai.web import views_cases, views_history, views_records
from lantai.web.display import masked
from lantai.web.opening import open_file, open_record
from lantai.web.pages import files as file_pages
from lantai.web.visit import ApiVisit
from metadata.errors import NotFound
from metadata.rights import Permission
from repository.derivatives import get_text

router = ApiPart(tags=["holdings"], responses=PROBLEMS)
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/case-files", summary="List case files")
def list_cases(
    visit: ApiVisit,
    household_no: str | None = None,
    programme: str | None = None,
    division: str | None = None,
    after: int = 0,
    limit: Limit = 50,
) -> Page[CaseFile]:
    """Case files that the caller may see."""
    visit.require(Permission.CASE_READ)
    with visit.reading() as session:
        found = gate.list_cases(
            session,
            visit.person,
            visit.site.archive.profile,
            after=after,
            limit=limit,
            programme=programme,
            household_no=household_no,
            division_prefix=division,
        )
        rows = views_cases.case_rows(session, visit, found)
    _enter_list(visit, len(rows))
    return Page[CaseFile](
        items=[CaseFile.model_validate(one) for one in rows], next=str(rows[-1].seq) if len(rows) == limit else None
    )


@router.get("/case-files/{number}", summary="One case file")
def show_case(visit: ApiVisit, number: str, programme: str | None = None) -> CaseFileWhole:
    """A household file by its id or household number, with contents and missing papers."""
    with visit.looking(case_file=number) as session:
        case = gate.get_case(session, visit.person, number, visit.site.archive.profile, programme=programme)
        view = views_cases.case_view(session, visit, case)
        stages, missing = views_cases.contents(session, visit, case)
        visit.looked(session, "case.viewed", case_file_id=case.id)
    return CaseFileWhole(
        id=view.id,
        title=view.title,
        household_no=view.household_no,
        programme=view.programme,
        division_code=view.division_code,
        opened_on=view.opened_on,
        stopped_on=view.stopped_on,
        records=view.records,
        members=[models.Member.model_validate(one) for one in view.members],
        events=[models.CaseEvent.model_validate(one) for one in view.events],
        contents=[models.Stage.model_validate(one) for one in stages],
        missing=missing,
    )


@router.get("/records", summary="List records")
def list_records(
    visit: ApiVisit,
    document_type: str | None = None,
    case_file: str | None = None,
    submission: str | None = None,
    tray: bool = False,
    after: int = 0,
    limit: Limit = 50,
) -> Page[RecordRow]:
    """Records that may be listed; ``tray``: only those in no case file. With ``case_file``, in the order of the file."""
    visit.require(Permission.RECORD_LIST)
    with visit.noting_refusal(case_file=case_file), visit.reading() as session:
        case_file_id = (
            gate.get_case(session, visit.person, case_file, visit.site.archive.profile).id if case_file else None
        )
        found = gate.list_records(
            session,
            visit.person,
            visit.site.archive.profile,
            after=after,
            limit=limit,
            document_type=document_type,
            case_file_id=case_file_id,
            submission_id=submission,
            in_tray=tray,
        )
        rows = views_records.rows(session, visit, found)
    _enter_list(visit, len(rows))
    full = len(rows) == limit
    last = str(after + limit) if case_file else (str(rows[-1].seq) if rows else "")
    return Page[RecordRow](items=[RecordRow.model_validate(one) for one in rows], next=last if full else None)


@router.get("/records/{record_id}", summary="One record")
def show_record(visit: ApiVisit, record_id: str) -> Record:
    """A record with its versions and the state of its copies."""
    profile = visit.site.archive.profile
    with visit.looking(record_id) as session:
        record, _terms = open_record(session, visit, record_id)
        versions = views_records.versions_of(session, record)
        head = views_records.version_of(session, record, None)
        copies = views_records.copies(session, [head.object_key]).get(head.object_key, [])
        cases = []
        for case_file_id in views_records.case_ids(session, record):
            try:
                cases.append(gate.get_case(session, visit.person, case_file_id, profile).id)
            except NotFound:
                continue
        visit.looked(session, "record.viewed", record_id=record.id)
    return Record(
        id=record.id,
        title=masked(record.title),
        document_type=record.document_type,
        programme=record.programme,
        year=record.year,
        dated=record.dated,
        division_code=record.division_code,
        access_level=record.access_level,
        access_marks=[str(one) for one in record.access_marks],
        confirmed=record.confirmed,
        head_version=record.head_version,
        case_files=cases,
        versions=[models.Version.model_validate(one) for one in versions],
        copies=[models.Copy.model_validate(one) for one in copies],
        created_at=record.created_at,
    )


@router.get("/records/{record_id}/files", summary="Files of a record")
def list_files(
    visit: ApiVisit, record_id: str, version: int | None = None, after: int = -1, limit: Limit = 200
) -> Page[File]:
    """Files of the head version, or of another; names with personal numbers masked."""
    with visit.looking(record_id) as session:
        record, _terms = open_record(session, visit, record_id)
        shown = views_records.version_of(session, record, version)
        found = [
            views_records.file_view(visit, one)
            for one in views_records.files_of(session, shown, start=after + 1, limit=limit)
        ]
        visit.looked(session, "record.viewed", record_id=record.id)
    return Page[File](
        items=[File.model_validate(one) for one in found], next=str(found[-1].position) if len(found) == limit else None
    )


@router.get("/records/{record_id}/timeline", summary="What happened to a record")
def timeline(visit: ApiVisit, record_id: str) -> list[Moment]:
    """Events of a record out of the ledger, newest first."""
    with visit.looking(record_id) as session:
        record, _terms = open_record(session, visit, record_id)
        found = views_history.timeline(session, visit, record_id=record.id, limit=200)
        visit.looked(session, "record.viewed", record_id=record.id)
    return [Moment.model_validate(one) for one in found]


@router.get(
    "/files/{file_id}/content",
    summary="The bytes of a file",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        206: {"description": "A range of it"},
        416: {"description": "No such range"},
    },
)
def content(request: Request, visit: ApiVisit, file_id: str) -> Response:
    """The original, byte for byte, compared with its digest; ranges are answered (RFC 9110).

    It shows numbers as they are and leaves the house: that takes the right to download and the right to unmask.
    """
    return file_pages.download(request, visit, file_id)


@router.get("/files/{file_id}/text", summary="The text of a file")
def text(visit: ApiVisit, file_id: str) -> Text:
    """Text page by page with personal numbers masked; 404 when the file has none.

    Numbers as they are: `POST /records/{record_id}/numbers`, with a reason.
    """
    with visit.looking(file_id=file_id) as session:
        opened = open_file(session, visit, file_id)
        row = opened.row
        visit.looked(session, "file.viewed", record_id=row.record_id, file_id=row.id)
    pages = get_text(visit.site.archive.derivatives, row.record_id, row.version, row.position)
    if pages is None:
        raise NotFound("file.no_text", zh="这个文件没有可用的文本。", en="There is no text of this file.")
    return Text(pages=[masked(page) for page in pages])


def _enter_list(visit: ApiVisit, rows: int) -> None:
    """A page of a list is entered with its rows: page by page a program can carry the whole holding away."""
    with visit.writing() as session:
        visit.looked(session, "list.exported", count=rows)
