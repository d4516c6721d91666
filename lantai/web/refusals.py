"""Refused attempts that leave as errors are entered in the use register, whichever route they came by.

A page that was refused has left nothing in the database, so the entry is made here, in a transaction of its own, after
everything else. The answer to the person does not change by it.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from access import gate, use_counts, use_register
from lantai.web.visit import Visit
from metadata.errors import Forbidden, LantaiError, NotFound
from metadata.identifiers import is_id

log = logging.getLogger(__name__)
_SUBJECTS = ("record_id", "file_id", "case_file_id")


def enter(request: Request, error: LantaiError) -> None:
    """Enter ``error`` when it refuses something to somebody who is signed in, once a request.

    ``Forbidden`` is entered with the right that was lacking; ``NotFound`` when an address named something, because what
    is not there and what is hidden look alike; an export before its time with the alarm that goes with it.
    """
    visit = getattr(request.state, "visit", None)
    if not isinstance(visit, Visit) or visit.actor is None or getattr(request.state, "refusal_entered", False):
        return
    try:
        with visit.writing() as session:
            if error.code == use_counts.SLOWED:
                use_register.put_off(session, archive=visit.site.archive, actor=visit.person, call_id=visit.request_id)
            elif type(error) is Forbidden:  # its kinds say that nobody is signed in, or that a page has expired
                visit.looked(
                    session,
                    "access.refused",
                    permission=str(error.params.get("permission", "")) or None,
                    **_subjects(session, request),
                )
            elif isinstance(error, NotFound) and error.code.endswith(".not_found") and request.path_params:
                visit.looked(session, "access.refused", **_subjects(session, request))
    except SQLAlchemyError:
        log.exception("a refusal could not be entered in the use register")


def _subjects(session: Session, request: Request) -> dict[str, Any]:
    """What the address named, as far as it is an id or a household number that somebody has."""
    given = {name: str(request.path_params.get(name, "")) for name in _SUBJECTS}
    household = request.path_params.get("household_no")
    if household is None and "/case-files/{number}" in getattr(request.scope.get("route"), "path", ""):
        household = request.path_params.get("number")
    if household is not None:
        given["case_file_id"] = gate.case_meant(session, str(household)) or ""
    return {name: value for name, value in given.items() if is_id(value)}
