"""Signing in and out, and what a person sets for herself: language, size of type, purpose of use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from access import sessions
from access.account_finding import folded_name
from access.accounts import account_by_name, authenticate, change_password
from access.credentials import known_browser, mark_of
from access.passwords import SLOW_DOWN
from lantai import i18n
from lantai.part import Part
from lantai.web import limits, security
from lantai.web.rendering import page
from lantai.web.visit import AnyVisit, Form, Posted, Visit, everyday_purposes
from metadata.errors import Invalid

router = Part()
_NOT_WORDS = frozenset({"next", "asked", "idempotency_key", "once", "seen", "key", "row_version", "revision", "undo"})
"""Fields of forms that nobody typed."""


def sign_in_page(
    visit: Visit,
    *,
    next_path: str = "/",
    kept: dict[str, str] | None = None,
    wrong: str = "",
    username: str = "",
    status: int = 200,
) -> Response:
    """The sign-in form; ``kept`` is what a session's end interrupted."""
    token = visit.csrf if visit.actor is None and visit.csrf else security.fresh_token()
    answer = page(
        replace(visit, actor=None, username="", csrf=token),
        "sign_in.html",
        status=status,
        next=security.local_path(next_path),
        kept=kept or {},
        wrong=wrong,
        username=username,
    )
    _set(answer, visit, _named(visit, security.VISITOR_COOKIE), token, None)
    return answer


def _named(visit: Visit, name: str) -> str:
    return security.cookie_name(name, secure=visit.site.settings.secure_cookies)


def _set(answer: Response, visit: Visit, name: str, value: str, seconds: int | None, *, path: str = "/") -> None:
    secure = visit.site.settings.secure_cookies
    answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path=path)


@router.get("/sign-in")
def show(visit: AnyVisit, next: str = "/") -> Response:  # noqa: A002 - the word in the address
    """The sign-in form, or straight on for somebody who is signed in."""
    if visit.actor is not None:
        return RedirectResponse(security.local_path(next), 303)
    return sign_in_page(visit, next_path=next)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: the token for the cookie, the token for forms, and the mark of a browser that is known from now on."""

    token: str
    csrf: str
    mark: str
    username: str


def open_login(visit: Visit, username: str, password: str) -> Opened | None:
    """A new session, or nothing when name or password is wrong; which of them is not said.

    The session that the browser brought ends: nobody could sign out of it any more. ``TooMany`` after many wrong
    passwords from this network address, but for a browser that is known (``request.too_many``).
    """
    site, archive = visit.site, visit.site.archive
    request = visit.request
    limit: limits.SignInLimit = request.app.state.sign_in_limit
    address = limits.address_of(request)
    device = request.cookies.get(_device_cookie(username), "")
    _refuse_too_many(visit, limit, address, username, device)
    with visit.writing() as session:
        account = authenticate(
            session,
            username=username,
            password=password,
            archive=archive,
            address=address,
            device=device,
            rules=site.settings.password_rules,
        )
        if account is not None:
            old = request.cookies.get(_named(visit, security.SESSION_COOKIE), "")
            sessions.close_session(session, old, archive.clock)
            token, csrf = sessions.open_session(
                session,
                account,
                clock=archive.clock,
                hours=site.settings.session_hours,
                device=sessions.device_named(request.headers.get("user-agent", "")),
            )
            return Opened(token, csrf, mark_of(account), account.username)
    limit.failed(address)
    return None


def _refuse_too_many(visit: Visit, limit: limits.SignInLimit, address: str, username: str, device: str) -> None:
    seconds = limit.wait(address)
    if not seconds:
        return
    with visit.reading() as session:
        if not known_browser(session, username=username, device=device):
            raise limits.too_many(seconds)


def _device_cookie(username: str) -> str:
    """One cookie an account, for a browser may be shared by colleagues; the name tells whose only to who knows it."""
    digest = hashlib.sha256(folded_name(username[:200]).encode("utf-8", "backslashreplace")).hexdigest()
    return f"{security.DEVICE_COOKIE}_{digest[:12]}"


def typed_words(fields: Mapping[str, str]) -> dict[str, str]:
    """What a person typed of a form; what the page itself put into it says nothing to her."""
    return {
        name: value for name, value in fields.items() if value and name not in _NOT_WORDS and not name.endswith("_id")
    }


@router.post("/sign-in")
def sign_in(visit: AnyVisit, form: Form) -> Response:
    """Open a session; a form that was interrupted is shown again to be sent."""
    username = form.text("username")
    kept = {name[5:]: value for name, value in form.fields.items() if name.startswith("kept.")}
    target = security.local_path(form.text("next", "/"))
    opened = open_login(visit, username, form.fields.get("password", ""))
    if opened is None:
        _ = i18n.translations(visit.language).gettext
        wrong = _("Account or password is not right. After several failed tries the account waits for some minutes.")
        return sign_in_page(visit, next_path=target, kept=kept, wrong=wrong, username=username, status=401)
    answer: Response
    if kept:
        answer = page(
            replace(visit, csrf=opened.csrf),
            "resume.html",
            next=target,
            kept=kept,
            shown=list(typed_words(kept).values()),
        )
    else:
        answer = RedirectResponse(target, 303)
    set_session(answer, visit, opened.token)
    _set(answer, visit, _device_cookie(opened.username), opened.mark, security.YEAR_SECONDS, path="/sign-in")
    return answer


def set_session(answer: Response, visit: Visit, token: str) -> None:
    """Give the browser its session; the guest's token goes.

    The cookie outlives the session by a day: it opens nothing then, but tells that a form which the end of the session
    interrupted comes from this browser.
    """
    lasts = (visit.site.settings.session_hours + 24) * 3600
    _set(answer, visit, _named(visit, security.SESSION_COOKIE), token, lasts)
    _forget(answer, visit, security.VISITOR_COOKIE)


def _forget(answer: Response, visit: Visit, name: str) -> None:
    answer.delete_cookie(
        _named(visit, name), path="/", secure=visit.site.settings.secure_cookies, httponly=True, samesite="lax"
    )


def close_login(request: Request, visit: Visit) -> None:
    """End the session in the database: the cookie is worth nothing from now on."""
    token = request.cookies.get(_named(visit, security.SESSION_COOKIE))
    if token:
        with visit.writing() as session:
            sessions.close_session(session, token, visit.site.archive.clock)


@router.get("/password")
def show_password(visit: AnyVisit) -> Response:
    """The form to change one's own password."""
    return _password_page(visit.person, visit)


def _password_page(_person: object, visit: Visit, errors: dict[str, str] | None = None) -> Response:
    found = errors or {}
    shortest = visit.site.settings.password_rules.shortest
    return page(visit, "password.html", status=422 if found else 200, errors=found, shortest=shortest)


@router.post("/password")
def change(request: Request, visit: AnyVisit, form: Form) -> Response:
    """Change one's own password; every session of the account ends and a new one begins here."""
    _ = i18n.translations(visit.language).gettext
    current, new = form.fields.get("current_password", ""), form.fields.get("new_password", "")
    if new != form.fields.get("repeated_password", ""):
        return _password_page(
            visit.person, visit, {"repeated_password": _("This is not the same as the new password.")}
        )
    person = visit.person
    SLOW_DOWN.wait(visit.username)  # a session left open is no place to guess at its password
    try:
        with visit.writing() as session:
            account = account_by_name(session, visit.username)
            settings, archive = visit.site.settings, visit.site.archive
            change_password(
                session, archive=archive, account=account, current=current, new=new, rules=settings.password_rules
            )
            token, _csrf = sessions.open_session(
                session,
                account,
                clock=archive.clock,
                hours=settings.session_hours,
                device=sessions.device_named(request.headers.get("user-agent", "")),
                goes_on=True,
            )
            mark = mark_of(account)
    except Invalid as error:
        SLOW_DOWN.note(visit.username, success=error.code != "password.wrong")
        field = "current_password" if error.code == "password.wrong" else "new_password"
        return _password_page(person, visit, {field: error.sentence(visit.language)})
    SLOW_DOWN.note(visit.username, success=True)
    answer = RedirectResponse("/", 303)
    set_session(answer, visit, token)
    _set(answer, visit, _device_cookie(visit.username), mark, security.YEAR_SECONDS, path="/sign-in")
    return answer


@router.post("/sign-out")
def sign_out(request: Request, visit: AnyVisit, form: Form) -> Response:
    """End the session."""
    del form
    close_login(request, visit)
    answer = RedirectResponse("/sign-in", 303)
    _forget(answer, visit, security.SESSION_COOKIE)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@router.post("/preferences")
def prefer(visit: AnyVisit, form: Form) -> Response:
    """Language, size of type and purpose of use, kept in cookies for this browser."""
    answer = RedirectResponse(security.local_path(form.text("next", "/")), 303)
    _keep(answer, visit, form)
    return answer


def _keep(answer: Response, visit: Visit, form: Posted) -> None:
    chosen = {
        security.LANGUAGE_COOKIE: (form.text("language"), i18n.LANGUAGES),
        security.TYPE_COOKIE: (form.text("type"), ("normal", "large")),
        security.PURPOSE_COOKIE: (
            form.text("purpose"),
            tuple(one.code for one in everyday_purposes(visit.site.archive.profile)),
        ),
    }
    for name, (value, allowed) in chosen.items():
        if value in allowed:
            _set(answer, visit, name, value, security.YEAR_SECONDS)
