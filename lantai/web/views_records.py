"""Read models of records: rows of lists, the record page, its files, copies and incidents.

Every function takes records that the gate has let through; rows that hang below them (versions, files, copies) are read
here and nowhere else in the web.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from access.copies import Terms
from lantai import i18n
from lantai.web import labels
from lantai.web.content import FileBytes
from lantai.web.display import masked
from lantai.web.opening import version_of
from lantai.web.showing import Showing, showing
from lantai.web.visit import Visit
from metadata.profile import DocumentType
from repository.tables import CaseRecord, Incident, Record, RecordVersion, ReplicaObject, StoredFile

__all__ = [
    "FAULTS",
    "FILES_SHOWN",
    "Copy",
    "FileView",
    "RecordRow",
    "case_ids",
    "copies",
    "description_lines",
    "file_bytes",
    "file_view",
    "files_of",
    "incidents_of",
    "rows",
    "version_of",
    "versions_of",
    "worst",
]

VOLUME = "volume"
FAULTS = ("damaged", "missing", "unreadable", "unexpected", "stale")
FILES_SHOWN = 200
SHORT = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/tiff": "TIFF",
    "application/pdf": "PDF",
    "text/plain": "TXT",
    "text/csv": "CSV",
    "text/xml": "XML",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/msword": "DOC",
    "application/vnd.ms-excel": "XLS",
    "audio/x-wav": "WAV",
    "audio/mpeg": "MP3",
    "video/mp4": "MP4",
}
"""Names of formats that everybody knows; for others the extension as deposited."""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One line of a list of records."""

    seq: int
    id: str
    title: str
    code: str
    type_name: str
    stage: str
    dated: date | None
    division_code: str
    files: int
    bytes: int
    fixity: str
    created_at: datetime
    author: str = ""
    document_number: str = ""
    pages: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """The state of one version's object on one replica."""

    name: str
    outcome: str
    checked_at: datetime | None
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a record as a page shows it."""

    id: str
    position: int
    name: str
    original_name: str
    path: str
    size: int
    format: str
    mime: str
    puid: str | None
    text_state: str
    image_state: str
    ocr_state: str
    page_count: int | None
    digests: dict[str, str]
    showing: Showing
    why: str
    damaged: str = ""
    thumbed: bool = True

    @property
    def short(self) -> str:
        """The format in a word, for tiles."""
        return SHORT.get(self.mime) or self.original_name.rpartition(".")[2].upper()[:8] or "–"

    @property
    def kind(self) -> str:
        """How it is shown."""
        return self.showing.kind

    @property
    def pictured(self) -> bool:
        """Whether it is shown by pictures of its pages."""
        return self.thumbed and self.image_state == "done" and bool(self.page_count)

    @property
    def shows(self) -> bool:
        """Whether it can be shown."""
        return self.showing.shows


def _stage(kind: DocumentType | None) -> str:
    """The group of the contents that a type stands in; registers that cover many households have one of their own."""
    if kind is None:
        return ""
    return VOLUME if kind.level == VOLUME else kind.stage


def worst(outcomes: Iterable[str]) -> str:
    """The one outcome that stands for several copies: a fault before a gap before a pass."""
    found = set(outcomes)
    for one in (*FAULTS, "pending", "not_checked"):
        if one in found:
            return one
    return "intact" if found else "not_checked"


def copies(session: Session, keys: Sequence[str]) -> dict[str, list[Copy]]:
    """Object key -> its state on every replica, by name."""
    found: dict[str, list[Copy]] = {}
    table = ReplicaObject
    wanted = select(table.key, table.replica, table.outcome, table.checked_at, table.written_at)
    for row in session.execute(wanted.where(table.key.in_(keys)).order_by(table.key, table.replica)):
        state = row.outcome or ("pending" if row.written_at is None else "not_checked")
        found.setdefault(row.key, []).append(Copy(row.replica, state, row.checked_at, row.written_at))
    return found


def rows(session: Session, visit: Visit, records: Sequence[Record]) -> list[RecordRow]:
    """Lines of a list, with file counts and the state of the copies, in the order given."""
    if not records:
        return []
    table = RecordVersion
    head = and_(Record.id == table.record_id, Record.head_version == table.number)
    wanted = select(table.record_id, table.object_key, table.file_count, table.payload_bytes).join(Record, head)
    found = session.execute(wanted.where(table.record_id.in_([one.id for one in records])))
    versions = {one.record_id: one for one in found}
    states = copies(session, [one.object_key for one in versions.values()])
    types = visit.site.archive.profile.document_types
    made = []
    for record in records:
        version = versions.get(record.id)
        kind = types.get(record.document_type or "")
        made.append(
            RecordRow(
                seq=record.seq,
                id=record.id,
                title=masked(record.title),
                code=record.document_type or "",
                type_name=labels.term(visit.language, kind) if kind else (record.document_type or "–"),
                stage=_stage(kind),
                dated=record.dated,
                division_code=record.division_code,
                files=version.file_count if version else 0,
                bytes=version.payload_bytes if version else 0,
                fixity=worst(one.outcome for one in states.get(version.object_key, [])) if version else "missing",
                created_at=record.created_at,
                author=masked(str(record.description.get("author") or "")),
                document_number=masked(str(record.description.get("document_number") or "")),
                pages=str(record.description.get("page_count") or ""),
            )
        )
    return made


def versions_of(session: Session, record: Record) -> list[RecordVersion]:
    """All versions of ``record``, newest first."""
    wanted = select(RecordVersion).where(RecordVersion.record_id == record.id).order_by(RecordVersion.number.desc())
    return list(session.scalars(wanted))


def file_view(visit: Visit, row: StoredFile, damaged: bool = False, terms: Terms | None = None) -> FileView:
    """``row`` as a page shows it: personal numbers in names are masked; only a download bears the name as deposited.

    With ``terms`` on which no picture is shown it has none.
    """
    _ = i18n.translations(visit.language).gettext
    how = showing(row.mime, row.size, row.text_state, row.image_state)
    name = row.original_name.replace("\\", "/").rsplit("/", 1)[-1] or row.path
    known = " ".join(part for part in (row.format_name, row.format_version) if part)
    return FileView(
        id=row.id,
        position=row.position,
        name=masked(name),
        original_name=masked(row.original_name),
        path=masked(row.path),
        size=row.size,
        format=known or row.mime or _("unknown format"),
        mime=row.mime or "",
        puid=row.puid,
        text_state=row.text_state,
        image_state=row.image_state,
        ocr_state=row.ocr_state,
        thumbed=terms is None or terms.pictures,
        page_count=row.page_count,
        digests={str(name): str(value) for name, value in row.digests.items()},
        showing=how,
        why=_(how.why) if how.why else "",
        damaged=_("A copy of this file is damaged. It is shown from an intact copy.") if damaged else "",
    )


def files_of(session: Session, version: RecordVersion, *, start: int = 0, limit: int = FILES_SHOWN) -> list[StoredFile]:
    """Files of a version from position ``start`` on."""
    wanted = (
        select(StoredFile)
        .where(
            StoredFile.record_id == version.record_id,
            StoredFile.version == version.number,
            StoredFile.position >= start,
        )
        .order_by(StoredFile.position)
        .limit(limit)
    )
    return list(session.scalars(wanted))


def file_bytes(visit: Visit, version: RecordVersion, row: StoredFile) -> FileBytes:
    """Where the bytes of ``row`` lie."""
    return FileBytes(
        archive=visit.site.archive,
        key=version.object_key,
        offset=row.offset,
        size=row.size,
        digests={str(name): str(value) for name, value in row.digests.items()},
        chunk_sha256=row.chunk_sha256,
    )


def case_ids(session: Session, record: Record) -> list[str]:
    """Case files that ``record`` stands in; the caller asks the gate for each before naming it."""
    wanted = select(CaseRecord.case_file_id).where(CaseRecord.record_id == record.id).limit(50)
    return list(session.scalars(wanted))


def incidents_of(session: Session, record: Record) -> list[Incident]:
    """Incidents of ``record``, newest first."""
    wanted = select(Incident).where(Incident.record_id == record.id).order_by(Incident.seq.desc()).limit(10)
    return list(session.scalars(wanted))


def description_lines(
    visit: Visit, record: Record, *, clear: bool = False, division: str = ""
) -> list[tuple[str, str]]:
    """What is known about ``record``, as words for people; empty fields are left out.

    ``clear``: numbers as they are; ``division``: its division as ``places.place`` tells it.
    """
    told_of = str if clear else masked
    _ = i18n.translations(visit.language).gettext
    profile = visit.site.archive.profile
    told = record.description
    kind = profile.document_types.get(record.document_type or "")
    programme = profile.programmes.get(record.programme or "")
    names = {
        _("Document type"): f"{record.document_type} {labels.term(visit.language, kind)}"
        if kind
        else record.document_type,
        _("Programme"): labels.term(visit.language, programme) if programme else record.programme,
        _("Dated"): record.dated.isoformat() if record.dated else (record.year and str(record.year)),
        _("Author"): told_of(str(told.get("author") or "")),
        _("Document number"): told_of(str(told.get("document_number") or "")),
        _("Division"): division or record.division_code,
        _("Persons"): told_of("、".join(str(one) for one in told.get("persons") or [])),
        _("Pages"): told.get("page_count"),
        _("Note"): told_of(str(told.get("note") or "")),
        _("Number"): record.id,
    }
    return [(name, str(value)) for name, value in names.items() if value]
