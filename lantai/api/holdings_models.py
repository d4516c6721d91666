"""What the API says about case files, records and files."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from lantai.api.models import Answer


class CaseFile(Answer):
    """One household in one programme (一户一档)."""

    id: str
    title: str
    household_no: str
    programme: str
    division_code: str
    opened_on: date | None
    stopped_on: date | None
    records: int | None = Field(description="how many you may list; null when you may list none there")


class Member(Answer):
    """A member of the household; the ID number is masked."""

    name: str
    relation: str
    id_number: str


class CaseEvent(Answer):
    """Something that happened in the case."""

    on: str
    name: str
    note: str


class RecordRow(Answer):
    """A record in a list; ``fixity`` is the worst state among its copies."""

    id: str
    title: str
    code: str = Field(description="document type")
    type_name: str
    dated: date | None
    division_code: str
    files: int
    bytes: int
    fixity: str = Field(examples=["intact"])
    created_at: datetime


class Slot(Answer):
    """A place in the contents of a household file; without a record the paper is missing."""

    code: str
    name: str
    record: RecordRow | None


class Stage(Answer):
    """A stage of the procedure with its papers."""

    code: str
    name: str
    slots: list[Slot]


class CaseFileWhole(CaseFile):
    """A household file with its contents."""

    members: list[Member]
    events: list[CaseEvent]
    contents: list[Stage]
    missing: int | None = Field(description="required papers that are not there; null when you may list no records")


class Version(Answer):
    """One version of a record: one object on every replica."""

    number: int
    object_sha256: str
    object_size: int
    file_count: int
    payload_bytes: int
    created_at: datetime


class Copy(Answer):
    """The state of a version's object on one replica."""

    name: str = Field(examples=["a"])
    outcome: str = Field(examples=["intact"])
    checked_at: datetime | None
    written_at: datetime | None


class Record(Answer):
    """A record: one document with its attachments or page images (件)."""

    id: str
    title: str
    document_type: str | None
    programme: str | None
    year: int | None
    dated: date | None
    division_code: str
    access_level: str
    access_marks: list[str]
    confirmed: bool
    head_version: int
    case_files: list[str] = Field(description="ids of the case files that the caller may see")
    versions: list[Version]
    copies: list[Copy] = Field(description="of the head version")
    created_at: datetime


class File(Answer):
    """A file of a record."""

    id: str
    position: int
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


class Moment(Answer):
    """One line of a timeline."""

    at: datetime
    what: str
    who: str
    note: str


class Text(Answer):
    """The text of a file, page by page, personal numbers masked."""

    pages: list[str]
