"""Error pages: what happened, what to do next, what had been typed; never more than the person may know."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fastapi import Request, Response

from access.masking import masked
from lantai import i18n
from lantai.problems import SignInRequired, title_of
from lantai.web import security
from lantai.web.pages.signing import sign_in_page
from lantai.web.rendering import page
from lantai.web.visit import Visit, language_of, visitor
from metadata.errors import Conflict, LantaiError, Unavailable

if TYPE_CHECKING:
    from lantai.site import Site


def error_page(request: Request, error: LantaiError, status: int, number: str | None) -> Response:
    """The page for ``error``; asks the database for nothing that the error may have made unavailable."""
    visit = _visit(request, error)
    if isinstance(error, SignInRequired):
        return sign_in_page(visit, next_path=request.url.path, kept=error.kept, status=401)
    _ = i18n.translations(visit.language).gettext
    again = isinstance(error, Unavailable)
    back = _own_path(request, request.headers.get("referer")) if isinstance(error, Conflict) else None
    return page(
        visit,
        "error.html",
        status=status,
        shown_status=status,
        title=title_of(status, visit.language),
        sentence=masked(error.sentence(visit.language)),
        code=error.code,
        number=number if status >= 500 else None,
        typed=getattr(error, "typed", {}),
        back=back or (request.url.path if again and request.method == "GET" else "/"),
        back_words=_("Try again") if again else (_("Go back") if back else _("To Today")),
    )


def _own_path(request: Request, referer: str | None) -> str | None:
    """The path of a page of ours that the person came from."""
    own = f"{request.url.scheme}://{request.url.netloc}"
    path = referer[len(own) :] if referer and referer.startswith(own + "/") else ""
    return security.local_path(path, default="") or None


def _visit(request: Request, error: LantaiError) -> Visit:
    """Who asks, without asking a database that does not answer."""
    known = getattr(request.state, "visit", None)
    if isinstance(known, Visit):
        return known
    if not isinstance(error, Unavailable):
        with contextlib.suppress(Exception):  # the page about an error must not fail for the same cause
            return visitor(request)
    site: Site = request.app.state.site
    return Visit(
        site=site,
        request=request,
        actor=None,
        username="",
        csrf="",
        language=language_of(request),
        large_type=False,
        purpose="",
    )
