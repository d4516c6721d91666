"""Divisions as people know them: by the name of the organ that answers for one, its code beside it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from lantai.web import labels
from lantai.web.visit import Visit
from repository.tables import Organ

_DIGITS = 12


def place(session: Session, visit: Visit, code: str) -> str:
    """The organ's name and the ``code``; the code alone where no organ, or more than one, has this division.

    A code of twelve digits stands for the township or county whose shorter code it fills up with zeros. Asked for once
    a request.
    """
    known: dict[str, str] = getattr(visit.request.state, "places", {})
    if code not in known:
        prefixes = [code[:end] for end in range(1, len(code) + 1) if not code[end:].strip("0")]
        wanted = select(Organ).where(Organ.division_prefix.in_(prefixes), Organ.closed_at.is_(None)).limit(2)
        found = session.scalars(wanted).all() if code.isdigit() and len(code) <= _DIGITS else []
        name = labels.term(visit.language, found[0]) if len(found) == 1 else ""
        between = "（%s）" if visit.language == "zh" else " (%s)"
        known[code] = name + between % code if name else code
        visit.request.state.places = known
    return known[code]
