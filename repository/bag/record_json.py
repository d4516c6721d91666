"""``metadata/record.json``: the facts of the deposit, inside the bag (storage format 1).

Written once when a record is packed and never changed; later facts are revisions and ledger entries. Ingest writes it,
``rebuild`` reads it: this module is the one place that knows its shape.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from metadata.errors import Invalid
from repository import canonical

PATH = "metadata/record.json"
FORMAT: Literal["lantai-record/1"] = "lantai-record/1"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class OrganFact(_Part):
    """The organ that deposited, by id and code."""

    id: str
    code: str


class CaseFileFact(_Part):
    """A case file in which the record stood at accession."""

    id: str
    household_no: str
    programme: str


class SubmissionFact(_Part):
    """The submission that brought the record. ``actor`` is the id of who deposited, ``deposited_at`` UTC with ``Z``."""

    id: str
    deposited_at: str
    actor: str
    channel: str


class FileFact(_Part):
    """A payload file: ``path`` below ``data/``'s parent as the manifests name it, ``original_name`` as deposited.

    ``original_name_base64`` holds the bytes of a name that was not UTF-8. ``identified_by`` names the tools and their
    versions. ``crc32`` is an unsigned 32-bit integer; ``size`` is in bytes; ``chunk_sha256`` is the base64 of the
    SHA-256 digests of the file's 16 MiB chunks, one after another, for files larger than that.
    """

    path: str
    original_name: str
    original_name_base64: str | None = None
    size: int
    crc32: int
    digests: dict[str, str]
    puid: str | None = None
    format: str | None = None
    format_version: str | None = None
    mime: str | None = None
    identified_by: dict[str, str] = Field(default_factory=dict)
    chunk_sha256: str | None = None


class RecordJson(_Part):
    """One record version's facts. ``profile`` is the label of the profile version that governed the accession."""

    format: Literal["lantai-record/1"] = FORMAT
    record_id: str
    version: int = 1
    title: str
    document_type: str | None = None
    category: str = "ZY"
    programme: str | None = None
    year: int | None = None
    date: str | None = None
    organ: OrganFact
    division_code: str
    access_level: str = "internal"
    access_marks: list[str] = Field(default_factory=list)
    household_nos: list[str] = Field(default_factory=list)
    case_files: list[CaseFileFact] = Field(default_factory=list)
    submission: SubmissionFact | None = None
    profile: str
    description: dict[str, Any] = Field(default_factory=dict)
    files: list[FileFact] = Field(default_factory=list)
    empty_folders: list[str] = Field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Canonical JSON with a line end: equal facts give equal bytes."""
        return canonical.dumps(self.model_dump(mode="json", exclude_none=True)) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> RecordJson:
        """The facts in ``data``; ``Invalid`` when they are not a ``record.json`` of format 1."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "-"
            raise Invalid(
                "record_json.malformed",
                zh=f"metadata/record.json 不符合 {FORMAT}：{where} 处有误。",
                en=f"metadata/record.json does not follow {FORMAT}: fault at {where}.",
                where=where,
            ) from error
