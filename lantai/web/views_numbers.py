"""Read models of numbers in clear: of one record or one household file, for one answer, with the reason entered."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from access import gate, masking
from lantai.web import views_records
from lantai.web.opening import open_record, version_of
from lantai.web.visit import Visit
from metadata.errors import Invalid
from repository.derivatives import get_text
from repository.tables import CaseFile, StoredFile

_MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class RecordNumbers:
    """What a record says with its numbers as they are. ``text``: of the page asked for, its beginning."""

    id: str
    title: str
    description: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    text: str = ""


@dataclass(frozen=True, slots=True)
class MemberNumber:
    """A member of a household with the ID number as it is; empty when none is known."""

    name: str
    relation: str
    id_number: str


@dataclass(frozen=True, slots=True)
class CaseNumbers:
    """What a household file says with its numbers as they are."""

    id: str
    title: str
    members: list[MemberNumber]


def record_numbers(
    session: Session, visit: Visit, record_id: str, reason: str, *, position: int | None = None, page: int = 1
) -> RecordNumbers:
    """Show the numbers of a record, for ``reason``, and enter the look; of the file at ``position`` its page too.

    ``Forbidden`` when she may not unmask, ``Invalid`` when the reason says nothing.
    """
    record, terms = open_record(session, visit, record_id)
    if terms.numbers is None:
        raise masking.not_to_unmask()
    reason = masking.checked_reason(reason)
    version = version_of(session, record, None)
    files = views_records.files_of(session, version)
    row = next((one for one in files if one.position == position), None)
    visit.looked(
        session,
        "numbers.unmasked",
        record_id=record.id,
        file_id=row.id if row else None,
        page=page if row else None,
        reason=reason,
    )
    return RecordNumbers(
        id=record.id,
        title=record.title,
        description=views_records.description_lines(visit, record, clear=True),
        names=[one.original_name for one in files],
        text=_text(visit, row, page) if row else "",
    )


def _text(visit: Visit, row: StoredFile, page: int) -> str:
    if row.text_state != "done":
        return ""
    pages = get_text(visit.site.archive.derivatives, row.record_id, row.version, row.position) or []
    return pages[page - 1][:_MOST_TEXT] if 0 < page <= len(pages) else ""


def case_numbers(session: Session, visit: Visit, number: str, reason: str) -> CaseNumbers:
    """Show the ID numbers of a household's members, for ``reason``, and enter the look; errors as ``record_numbers``."""
    case = gate.get_case(session, visit.person, number, visit.site.archive.profile)
    if masking.sees_numbers_of_case(visit.person, case, visit.site.archive.profile) is None:
        raise masking.not_to_unmask()
    reason = masking.checked_reason(reason)
    visit.looked(session, "numbers.unmasked", case_file_id=case.id, reason=reason)
    return CaseNumbers(case.id, case.title, _members(visit, case))


def _members(visit: Visit, case: CaseFile) -> list[MemberNumber]:
    made = []
    for one in case.state.get("members", []):
        sealed = one.get("id_sealed")
        try:
            plain = visit.site.archive.keys.unseal(base64.b64decode(sealed)) if sealed else ""
        except (Invalid, ValueError):
            plain = str(one.get("id_masked") or "")  # sealed with a key that is lost: what is known stays masked
        made.append(MemberNumber(str(one.get("name", "")), str(one.get("relation") or ""), plain))
    return made


def may_unmask_record(session: Session, visit: Visit, record_id: str) -> str:
    """The masked title of a record whose numbers she may see; errors as ``record_numbers``."""
    record, terms = open_record(session, visit, record_id)
    if terms.numbers is None:
        raise masking.not_to_unmask()
    return masking.masked(record.title)


def may_unmask_case(session: Session, visit: Visit, number: str) -> tuple[str, str]:
    """Id and masked title of a household file whose numbers she may see; errors as ``case_numbers``."""
    case = gate.get_case(session, visit.person, number, visit.site.archive.profile)
    if masking.sees_numbers_of_case(visit.person, case, visit.site.archive.profile) is None:
        raise masking.not_to_unmask()
    return case.id, masking.masked(case.title)
