"""Error pages: what happened, what to do next, what had been typed; never more than the person may know."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request, Response

from access.masking import masked
from lantai import i18n
from lantai.problems import SignInRequired, title_of
from lantai.web import security
from lantai.web.pages.signing import sign_in_page, typed_words
from lantai.web.rendering import page, query
from lantai.web.visit import Visit, language_of, visitor
from metadata.errors import Conflict, LantaiError, Unavailable
from metadata.rights import Permission

if TYPE_CHECKING:
    from lantai.site import Site


@dataclass(frozen=True, slots=True)
class Differing:
    """A field of a form that two people changed: what the person typed, and what stands there now."""

    name: str
    label: str
    typed: str
    now: str
    long: bool = False

    @property
    def differs(self) -> bool:
        """Whether there is anything to decide about this field."""
        return self.typed.strip() != self.now.strip()


def conflict_page(
    visit: Visit,
    error: Conflict,
    *,
    room: str,
    title: str,
    fields: Sequence[Differing],
    action: str,
    keep: Mapping[str, str],
    back: str,
    who: str = "",
    when: str = "",
) -> Response:
    """Somebody else changed ``title`` meanwhile: both versions side by side, what was typed stays in the form.

    ``action`` takes the form again with the fields by their ``name`` and with ``keep`` (the row version that stands
    there now among them), so that keeping is a decision made with open eyes; ``back`` leaves things as they are.
    ``who`` and ``when``: whose version stands there, if the person may know. Answers 409.
    """
    return page(
        visit,
        "conflict.html",
        room=room,
        status=409,
        title=title,
        sentence=masked(error.sentence(visit.language)),
        code=error.code,
        fields=[one for one in fields if one.differs],
        same=[one for one in fields if not one.differs],
        action=action,
        keep=dict(keep),
        back=back,
        who=who,
        changed_at=when,
    )


def error_page(request: Request, error: LantaiError, status: int, number: str | None) -> Response:
    """The page for ``error``; asks the database for nothing that the error may have made unavailable."""
    visit = _visit(request, error)
    if isinstance(error, SignInRequired):
        return sign_in_page(visit, next_path=request.url.path, kept=error.kept, status=401)
    _ = i18n.translations(visit.language).gettext
    away = isinstance(error, Unavailable)
    fetched = request.method in {"GET", "HEAD"}
    back = _own_path(request, request.headers.get("referer")) if status in {400, 409, 413, 422, 429} else None
    typed: Mapping[str, str] = {} if fetched else getattr(request.state, "typed", {})
    return page(
        visit,
        "error.html",
        status=status,
        shown_status=status,
        title=title_of(status, visit.language),
        sentence=masked(error.sentence(visit.language)),
        code=error.code,
        number=number if status >= 500 else None,
        typed=typed_words(typed),
        again=dict(typed) if away and typed and visit.csrf else {},
        action=request.url.path,
        ask=_ask(request, visit) if status == 404 else "",
        away=away,
        back=back or (request.url.path if away and fetched else "/"),
        back_words=_("Try again") if away and fetched else (_("Go back") if back else _("To Today")),
    )


def _ask(request: Request, visit: Visit) -> str:
    """Where access can be asked for, for who may ask: the same whether the thing is hidden or was never there."""
    if not visit.may(Permission.REQUEST_FILE):
        return ""
    parts = request.url.path.strip("/").split("/")
    if len(parts) < 2 or parts[0] not in {"records", "households", "case-files", "files"}:
        return ""
    named = {"records": "record", "households": "household_no"}.get(parts[0])
    return "/requests/new" + (query({}, **{named: parts[1]}) if named else "")


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
        csrf=getattr(request.state, "typed_token", ""),  # asked for again when the form is sent again
        language=language_of(request),
        large_type=False,
        purpose="",
    )
