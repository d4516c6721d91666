"""Opening a record's content: the gate, the terms on which this person sees it, her watermark, pages made on the spot.

Every route that answers bytes, pictures or text of a file begins here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from access import copies, gate, masking
from access.copies import Terms, Watermark
from ingest.extract.fetching import Waiting
from ingest.extract.render import picturable
from lantai.i18n import N_
from lantai.web import display
from metadata.errors import NotFound
from metadata.identifiers import is_id
from metadata.rights import Permission
from repository.derivatives import ImageSize, get_image, image_path
from repository.tables import Organ, Record, RecordVersion, StoredFile

if TYPE_CHECKING:
    from ingest.extract.on_demand import Renders
    from lantai.web.visit import Visit

WAIT_SECONDS = 5.0
"""How long a page waits for the picture of a page before it is sent without."""
WHY_NOT = {
    "time": N_("Drawing this page takes too long."),
    "memory": N_("This page is too large to be drawn here."),
    "no_copy": N_(
        "No replica gives the recorded bytes of this file now. The preservation officer is told by the next audit."
    ),
    "busy": N_("Many pages are being drawn now; look again in a minute."),
    "dropped": N_("Another page was asked for meanwhile."),
    "kind": N_("Pages of this format cannot be drawn here."),
    "no_page": N_("The file has no such page."),
}
"""Why there is no picture of a page; any other reason means damage."""
_NOWHERE = "00000000-0000-4000-8000-000000000000"
"""The id of no record: what is not there costs the same questions as what is hidden."""
DAMAGED = N_("The page is damaged or of a kind that cannot be drawn.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that the gate has let through, and the terms on which its content is seen."""

    record: Record
    version: RecordVersion
    row: StoredFile
    terms: Terms

    @property
    def wanted(self) -> Waiting:
        """The file as whoever draws its pages wants it."""
        return waiting_of(self.version, self.row)


def waiting_of(version: RecordVersion, row: StoredFile) -> Waiting:
    """``row`` as whoever draws its pages wants it."""
    return Waiting(
        id=row.id,
        record_id=row.record_id,
        version=row.version,
        position=row.position,
        name=row.original_name,
        mime=row.mime,
        puid=row.puid,
        object_key=version.object_key,
        offset=row.offset,
        size=row.size,
        digests={str(name): str(value) for name, value in row.digests.items()},
        page_count=row.page_count,
    )


def renders_of(visit: Visit) -> Renders:
    """Whoever draws pages for people who wait."""
    found: Renders = visit.request.app.state.renders
    return found


def open_record(session: Session, visit: Visit, record_id: str) -> tuple[Record, Terms]:
    """The record with the terms on which it is seen; whoever's grant has ended is told so, and when.

    ``NotFound`` in both cases; to anybody else a record that may not be seen is not there.
    """
    profile = visit.site.archive.profile
    try:
        record = gate.get_record(session, visit.person, record_id, profile)
    except NotFound as error:
        raise _ended(session, visit, record_id) or error from None
    terms = copies.terms(visit.person, record, profile)
    if terms is None:
        raise AssertionError("the gate let a record through that it does not permit")
    return record, terms


def open_file(session: Session, visit: Visit, file_id: str, *, pictures: bool = False) -> Opened:
    """A file with its version and record, or ``NotFound`` as for a record that may not be seen.

    ``pictures``: what is wanted shows numbers as they are; ``Forbidden`` (``file.numbers_masked``) when she may not.
    """
    row = session.get(StoredFile, file_id) if is_id(file_id) else None
    record, terms = open_record(session, visit, row.record_id if row is not None else _NOWHERE)
    assert row is not None  # the gate lets no record without this row through
    if pictures and not terms.pictures:
        raise masking.numbers_masked()
    return Opened(record, version_of(session, record, row.version), row, terms)


def version_of(session: Session, record: Record, number: int | None) -> RecordVersion:
    """One version (the head when ``number`` is none), or ``NotFound``."""
    found = session.get(RecordVersion, (record.id, number or record.head_version))
    if found is None:
        raise NotFound(
            "record.no_such_version",
            zh="这件档案没有这个版本。请从版本列表中选择。",
            en="The record has no such version. Choose one from the list of versions.",
        )
    return found


def require_taking(visit: Visit, terms: Terms) -> None:
    """``Forbidden`` unless the original may leave: the right to download, and numbers as they are."""
    if not terms.pictures:
        raise masking.numbers_masked()
    if not terms.takes:
        if terms.grant is not None:
            raise copies.only_a_copy()
        visit.require(Permission.RECORD_DOWNLOAD)
        raise copies.only_a_copy()


def _ended(session: Session, visit: Visit, record_id: str) -> NotFound | None:
    """What she is told whose own grant for this record has ended."""
    if visit.actor is None or not is_id(record_id):
        return None
    found = copies.ended_grant(session, visit.person, record_id, visit.site.archive.clock.now())
    if found is None:
        return None
    at = display.moment(found.at, visit.site.archive.zone)
    return copies.grant_ended(found, at)


def watermark(session: Session, visit: Visit, terms: Terms) -> Watermark | None:
    """The mark on what she reads; None when she reads by a role of hers."""
    if terms.grant is None:
        return None
    organ = session.get(Organ, visit.person.organ_id) if visit.person.organ_id else None
    return Watermark(
        name=visit.person.name,
        organ="" if organ is None else organ.name_zh,
        at=display.moment(visit.site.archive.clock.now(), visit.site.archive.zone),
        number=terms.grant.number,
        username=visit.username,
    )


def ends_at(terms: Terms) -> datetime | None:
    """When what she reads under ends by itself."""
    return terms.grant.ends_at if terms.grant else None


def kept_picture(visit: Visit, opened: Opened, leaf: int, *, thumb: bool = False) -> bytes | None:
    """The picture of a page as it was made before; empty when it is known that the page cannot be shown."""
    place = visit.site.archive.derivatives, opened.row.record_id, opened.version.number, opened.row.position
    size: ImageSize = "thumb" if thumb else "page"
    found = get_image(*place, size, leaf)
    if found is None and image_path(*place, size, leaf).exists():
        return b""
    return found


def can_be_pictured(row: StoredFile) -> bool:
    """Whether pages of this file are shown by pictures: made already, or to be made."""
    if row.image_state == "done":
        return bool(row.page_count)
    return row.image_state == "pending" and row.size > 0 and bool(picturable(row.mime))
