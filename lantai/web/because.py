"""Why somebody sees what she sees, in words: "You see this because …"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.web.display import until
from metadata.rights import Permission
from repository.tables import CaseFile, Organ, Record

if TYPE_CHECKING:
    from lantai.web.visit import Visit


def because(visit: Visit, session: Session, record: Record, permission: Permission = Permission.RECORD_READ) -> str:
    """Why the person may do ``permission`` on ``record``: her role and its organ, or the grant and its end.

    Empty when she may not.
    """
    return _worded(visit, session, gate.decide(visit.person, record, permission, visit.site.archive.profile))


def because_of_case(visit: Visit, session: Session, case: CaseFile) -> str:
    """Why the person sees the case file; empty when she may not."""
    return _worded(visit, session, gate.decide_case(visit.person, case, visit.site.archive.profile))


def _worded(visit: Visit, session: Session, reason: gate.Because | None) -> str:
    if reason is None:
        return ""
    _, archive = i18n.translations(visit.language).gettext, visit.site.archive
    if reason.grant is None:
        role = archive.profile.roles[reason.role]
        named = role.en if visit.language == "en" else role.zh
        return _("You see this because you are %(role)s in %(organ)s.") % {
            "role": named,
            "organ": _organ(session, reason.organ_id, visit.language),
        }
    if reason.grant.waiting:
        return _("You see this because request %(number)s waits for your decision.") % {"number": reason.grant.number}
    return _("You see this because request %(number)s was granted to you, until %(end)s.") % {
        "number": reason.grant.number,
        "end": until(reason.grant.ends_at, archive.zone),
    }


def _organ(session: Session, organ_id: str | None, language: str) -> str:
    found = session.execute(select(Organ.name_zh, Organ.name_en).where(Organ.id == organ_id)).one_or_none()
    if found is None:
        return "–"
    return str((found.name_en if language == "en" else "") or found.name_zh)
