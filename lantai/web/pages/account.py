"""Account: what a person sees of herself: roles, when she was here before, where she is signed in."""

from __future__ import annotations

from fastapi import Response

from lantai import i18n
from lantai.part import Part
from lantai.web import administering, saying, views_people
from lantai.web.rendering import page
from lantai.web.visit import Form, SignedVisit

router = Part(prefix="/account")


@router.get("")
def show(visit: SignedVisit) -> Response:
    """Name, organ, roles with their term, the last visit, signed-in browsers."""
    with visit.reading() as session:
        row, line = views_people.own_account(session, visit)
        found = views_people.session_lines(session, visit, account_id=row.id)
        return page(
            visit,
            "account.html",
            one=line,
            sessions=found,
            previous_visit_at=row.previous_visit_at,
            password_changed_at=row.password_changed_at,
        )


@router.post("/sessions/{session_id}/end")
def end_session(visit: SignedVisit, session_id: str, _form: Form) -> Response:
    """Sign out another browser of one's own."""
    administering.end_session(visit, session_id)
    _ = i18n.translations(visit.language).gettext
    return saying.after(visit, "/account", _("That browser is signed out."))
