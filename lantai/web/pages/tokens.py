"""Access tokens of the person signed in: create (the text is shown once), revoke."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from access.tokens import DAYS
from lantai.part import Part
from lantai.web import tokening
from lantai.web.rendering import page
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Invalid

router = Part()
_LASTING = (30, 90, DAYS, 2 * DAYS)


def _page(
    visit: Visit, *, label: str = "", days: int = DAYS, text: str = "", errors: dict[str, str] | None = None
) -> Response:
    return page(
        visit,
        "tokens.html",
        status=422 if errors else 200,
        tokens=tokening.listed(visit),
        lasting=_LASTING,
        label=label,
        days=days,
        text=text,
        errors=errors or {},
    )


@router.get("/tokens")
def show(visit: SignedVisit) -> Response:
    """The person's tokens and the form for a new one."""
    return _page(visit)


@router.post("/tokens")
def create(visit: SignedVisit, form: Form) -> Response:
    """Make a token and show its text, this once."""
    label = form.text("label")
    days = int(form.text("days")) if form.text("days").isdigit() else DAYS
    permissions = ["deposit"] if form.flag("deposit_only") else []
    try:
        _line, text = tokening.create(visit, label=label, days=days, permissions=permissions)
    except Invalid as error:
        field = {"token.label": "label", "token.days": "days"}.get(error.code, "deposit_only")
        return _page(visit, label=label, days=days, errors={field: error.sentence(visit.language)})
    return _page(visit, text=text)


@router.post("/tokens/{token_id}/revoke")
def revoke(visit: SignedVisit, token_id: str, form: Form) -> Response:
    """End a token; ``next`` leads back to the page it was ended from."""
    tokening.revoke(visit, token_id)
    return RedirectResponse("/system/sessions" if form.text("next") == "system" else "/tokens", 303)
