"""Who asks, in which language, for what purpose: one ``Visit`` per request, handed to every page and API function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from access import gate, sessions, tokens, use_register
from access.actors import Actor
from lantai.i18n import chosen
from lantai.problems import BadToken, PasswordChangeRequired, SignInRequired, TokenRefused
from lantai.web.security import (
    CSRF_FIELD,
    CSRF_HEADER,
    LANGUAGE_COOKIE,
    PURPOSE_COOKIE,
    SESSION_COOKIE,
    TYPE_COOKIE,
    VISITOR_COOKIE,
    cookie_name,
    same_token,
)
from metadata.errors import Forbidden, NotFound
from metadata.identifiers import is_id
from metadata.rights import Permission

if TYPE_CHECKING:
    from lantai.site import Site
    from metadata.profile import Profile
    from metadata.profile.models import Purpose

API = "/api/v1/"
_LONGEST_FORM = 6 * 1024 * 1024
"""Bytes of a form that is kept when its session has ended: long words, or one letter, which is not kept."""


def everyday_purposes(profile: Profile) -> tuple[Purpose, ...]:
    """Why somebody looks without a request, as the use register writes it (借阅使用登记: 利用目的)."""
    return tuple(one for one in profile.borrowing.purposes if one.everyday)


@dataclass(frozen=True)
class Visit:
    """One request: the person (if signed in) and how the answer shall look."""

    site: Site
    request: Request
    actor: Actor | None
    username: str
    csrf: str
    language: str
    large_type: bool
    purpose: str
    must_change_password: bool = False
    by_token: bool = False

    @property
    def person(self) -> Actor:
        """The person signed in; ``SignInRequired`` when there is nobody."""
        if self.actor is None:
            raise SignInRequired
        return self.actor

    @property
    def request_id(self) -> str:
        """The number of this request, in the log and on error pages."""
        return str(self.request.state.request_id)

    def may(self, permission: str) -> bool:
        """Whether the person may do ``permission`` (a value such as ``record.read``) anywhere at all."""
        return self.actor is not None and gate.allowed(self.actor, Permission(permission), self.site.archive.profile)

    def require(self, permission: Permission) -> None:
        """``Forbidden`` unless the person may do ``permission``."""
        gate.require(self.person, permission, self.site.archive.profile)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads: takes no write lock, for what needs no entry in the use register."""
        with self.site.archive.reading.begin() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction; what fails inside leaves nothing."""
        with self.site.archive.sessions.begin() as session:
            yield session

    @contextmanager
    def looking(
        self, record_id: str | None = None, *, file_id: str | None = None, case_file: str | None = None
    ) -> Iterator[Session]:
        """A transaction for a look, which the caller enters in the use register; a refusal is entered here."""
        with self.noting_refusal(record_id, file_id=file_id, case_file=case_file), self.writing() as session:
            yield session

    @contextmanager
    def noting_refusal(
        self, record_id: str | None = None, *, file_id: str | None = None, case_file: str | None = None
    ) -> Iterator[None]:
        """A look at something that is not there or not for this person leaves an entry in the use register.

        It is made in a transaction of its own, so that searching about is seen; the answer to the person does not
        change. ``case_file`` is an id or a household number; of a number that nobody has only the attempt is entered.
        """
        try:
            yield
        except NotFound:
            if self.actor is not None:
                with self.writing() as session:
                    case_file_id = gate.case_meant(session, case_file) if case_file else None
                    subject = {"record_id": record_id, "file_id": file_id, "case_file_id": case_file_id}
                    known: dict[str, Any] = {
                        name: value for name, value in subject.items() if value is not None and is_id(value)
                    }
                    self.looked(session, "access.refused", **known)
                self.request.state.refusal_entered = True  # ``lantai.web.refusals`` enters the others
            raise

    def looked(
        self,
        session: Session,
        act: str,
        *,
        record_id: str | None = None,
        case_file_id: str | None = None,
        file_id: str | None = None,
        form: str = "screen",
        page: int | None = None,
        count: int | None = None,
        reason: str = "",
        permission: str | None = None,
    ) -> None:
        """Enter a look by this person in the use register, before anything is handed out.

        The purpose is that of the request under whose grant she looks, else the one chosen; ``reason``: her own words
        instead. ``page``: of a file; ``count``: rows of a list. ``Unavailable`` (``export.slowed``) when she has taken
        out too much today.
        """
        use_register.looked(
            session,
            archive=self.site.archive,
            actor=self.person,
            act=act,
            record_id=record_id,
            case_file_id=case_file_id,
            file_id=file_id,
            reason=reason or self.purpose,
            form="api" if form == "screen" and self.request.url.path.startswith("/api/") else form,
            page=page,
            count=count,
            call_id=self.request_id,
            permission=permission,
        )


def visitor(request: Request) -> Visit:
    """Whoever asks, signed in or not."""
    known = getattr(request.state, "visit", None)
    if isinstance(known, Visit):
        return known
    site: Site = request.app.state.site
    cookies = request.cookies
    purposes = [one.code for one in everyday_purposes(site.archive.profile)]
    purpose = cookies.get(PURPOSE_COOKIE, "")
    visit = Visit(
        site=site,
        request=request,
        actor=None,
        username="",
        csrf=cookies.get(cookie_name(VISITOR_COOKIE, secure=site.settings.secure_cookies), ""),
        language=language_of(request),
        large_type=cookies.get(TYPE_COOKIE) == "large",
        purpose=purpose if purpose in purposes else next(iter(purposes), ""),
    )
    token = cookies.get(cookie_name(SESSION_COOKIE, secure=site.settings.secure_cookies))
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and request.url.path.startswith(API):
        visit = _with_token(visit, bearer.strip())  # a cookie sent along counts for nothing
    elif token:
        visit = _signed_in(visit, token)
    request.state.visit = visit
    return visit


def anew(visit: Visit) -> Visit:
    """The same caller as she stands at this moment: asked again while something large is on its way to her."""
    visit.request.state.visit = None
    return visitor(visit.request)


def language_of(request: Request) -> str:
    """The language chosen, else the site's when the browser names none that we know."""
    asked = request.cookies.get(LANGUAGE_COOKIE)
    settings = request.app.state.site.settings
    return chosen(asked or settings.language, request.headers.get("accept-language"))


def _with_token(visit: Visit, text: str) -> Visit:
    """A program that brings an access token; it needs no password changed first and no token of a form."""
    archive = visit.site.archive
    try:
        with archive.reading() as session:
            account, actor, unnoted = tokens.bearer(session, archive=archive, permits=visit.site.permits, text=text)
    except Forbidden as error:
        raise TokenRefused(error) from error
    if unnoted is not None:
        with archive.sessions.begin() as session:
            tokens.note_use(session, archive=archive, token_id=unnoted)
    return replace(visit, actor=actor, username=account.username, csrf="", by_token=True)


def _signed_in(visit: Visit, token: str) -> Visit:
    archive = visit.site.archive
    with visit.site.asking() as session:
        found = visit.site.permits.signed_in(session, archive=archive, token=token)
    if found is None:
        return visit
    if found.unnoted:  # once a minute; pages that only read wait for no writer otherwise
        with archive.sessions.begin() as session:
            sessions.session_of(session, token, archive.clock)
    return replace(
        visit,
        actor=found.actor,
        username=found.account.username,
        csrf=found.login.csrf_token,
        must_change_password=found.account.must_change_password,
    )


@dataclass(frozen=True)
class Posted:
    """The fields of a form whose token was right."""

    fields: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """A field without surrounding white space."""
        return self.fields.get(name, default).strip()

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.fields.get(name, "") not in {"", "0", "false"}


async def posted(request: Request, visit: Annotated[Visit, Depends(visitor)]) -> Posted:
    """The form of a POST, refused unless its token is the session's.

    When the session has ended, what was typed travels with ``SignInRequired``, but only for a browser that sent a
    session cookie: a form on a foreign site cannot (SameSite), so nobody can have words put in her mouth.
    """
    form = await request.form(max_files=0, max_fields=600)
    fields = {name: value for name, value in form.multi_items() if not isinstance(value, UploadFile)}
    given = fields.pop(CSRF_FIELD, None)
    session_cookie = cookie_name(SESSION_COOKIE, secure=visit.site.settings.secure_cookies)
    if visit.actor is None and session_cookie in request.cookies and request.url.path != "/sign-in":
        raise SignInRequired(_words(fields))
    if not same_token(visit.csrf, given):
        raise BadToken
    request.state.typed = _words(fields)  # for error pages
    return Posted(fields)


def _words(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if "password" not in name}


async def typed_form(request: Request) -> tuple[dict[str, str], str] | None:
    """What a browser with a session cookie has typed into the form that it sends, and the token that came with it.

    Nothing of a form that is too large to be sent again, or of a browser without the cookie: a form on a foreign site has
    none (SameSite), so nobody can have words put in her mouth.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    size = request.headers.get("content-length", "")
    secure = request.app.state.site.settings.secure_cookies
    if (
        cookie_name(SESSION_COOKIE, secure=secure) not in request.cookies
        or kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}
        or not (size.isascii() and size.isdecimal() and int(size) <= _LONGEST_FORM)
    ):
        return None
    try:
        form = await request.form(max_files=1, max_fields=600)
    except HTTPException:  # not a form that could be sent again
        return None
    fields = {name: value for name, value in form.multi_items() if not isinstance(value, UploadFile)}
    token = fields.pop(CSRF_FIELD, "")
    await form.close()
    return _words(fields), token


async def keep_typed(request: Request) -> None:
    """Keep for the page about an outage what was typed, when the site could not even find out who sends it."""
    if request.method != "POST" or request.url.path.startswith(API) or hasattr(request.state, "typed"):
        return
    found = await typed_form(request)
    if found is not None:
        request.state.typed, request.state.typed_token = found


def signed_in(visit: Annotated[Visit, Depends(visitor)]) -> Visit:
    """A visit by somebody who is signed in, or ``SignInRequired``; a password given by others is changed first."""
    if visit.actor is None:
        raise SignInRequired
    if visit.must_change_password:
        raise PasswordChangeRequired
    return visit


async def page_caller(request: Request, visit: Annotated[Visit, Depends(visitor)]) -> Visit:
    """``signed_in`` for a page: what was typed before the session ended is kept."""
    if visit.actor is None:
        found = await typed_form(request)
        raise SignInRequired(found[0] if found is not None else {})
    return signed_in(visit)


def api_caller(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> Visit:
    """A caller of the API, signed in or with an access token.

    With the cookie of a session whatever changes something must bring the session's token in a header; an access token
    is sent by no browser on its own, so it needs none.
    """
    reads = request.method in {"GET", "HEAD", "OPTIONS"}
    if not reads and not visit.by_token and not same_token(visit.csrf, request.headers.get(CSRF_HEADER)):
        raise BadToken
    return visit


AnyVisit = Annotated[Visit, Depends(visitor)]
SignedVisit = Annotated[Visit, Depends(page_caller)]
ApiVisit = Annotated[Visit, Depends(api_caller)]
Form = Annotated[Posted, Depends(posted)]
