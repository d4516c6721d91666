"""Signing in and out, and what a person sets for herself: language, size of type, purpose of use."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from access import sessions
from access.accounts import account_by_name, authenticate, change_password
from access.passwords import SLOW_DOWN
from lantai import i18n
from lantai.web import security
from lantai.web.rendering import page
from lantai.web.visit import AnyVisit, Form, Posted, Visit, everyday_purposes
from metadata.errors import Invalid

router = APIRouter()


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
    _set(answer, visit, security.VISITOR_COOKIE, token, None)
    return answer


def _set(answer: Response, visit: Visit, name: str, value: str, seconds: int | None) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="lax", secure=visit.site.settings.secure_cookies, path="/"
    )


@router.get("/sign-in")
def show(visit: AnyVisit, next: str = "/") -> Response:  # noqa: A002 - the word in the address
    """The sign-in form, or straight on for somebody who is signed in."""
    if visit.actor is not None:
        return RedirectResponse(security.local_path(next), 303)
    return sign_in_page(visit, next_path=next)


def open_login(visit: Visit, username: str, password: str) -> tuple[str, str] | None:
    """``(token, csrf)`` of a new session, or nothing when name or password is wrong; which of them is not said.

    The session that the browser brought ends: nobody could sign out of it any more.
    """
    archive = visit.site.archive
    with visit.writing() as session:
        account = authenticate(session, username=username, password=password, clock=archive.clock)
        if account is None:
            return None
        sessions.close_session(session, visit.request.cookies.get(security.SESSION_COOKIE, ""))
        return sessions.open_session(session, account, clock=archive.clock, hours=visit.site.settings.session_hours)


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
    token, csrf = opened
    answer: Response
    if kept:
        answer = page(replace(visit, csrf=csrf), "resume.html", next=target, kept=kept)
    else:
        answer = RedirectResponse(target, 303)
    set_session(answer, visit, token)
    return answer


def set_session(answer: Response, visit: Visit, token: str) -> None:
    """Give the browser its session; the guest's token goes."""
    _set(answer, visit, security.SESSION_COOKIE, token, visit.site.settings.session_hours * 3600)
    answer.delete_cookie(security.VISITOR_COOKIE, path="/")


def close_login(request: Request, visit: Visit) -> None:
    """End the session in the database: the cookie is worth nothing from now on."""
    token = request.cookies.get(security.SESSION_COOKIE)
    if token:
        with visit.writing() as session:
            sessions.close_session(session, token)


@router.get("/password")
def show_password(visit: AnyVisit) -> Response:
    """The form to change one's own password."""
    return _password_page(visit.person, visit)


def _password_page(_person: object, visit: Visit, errors: dict[str, str] | None = None) -> Response:
    found = errors or {}
    return page(visit, "password.html", status=422 if found else 200, errors=found)


@router.post("/password")
def change(visit: AnyVisit, form: Form) -> Response:
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
            change_password(session, archive=visit.site.archive, account=account, current=current, new=new)
            token, _csrf = sessions.open_session(
                session, account, clock=visit.site.archive.clock, hours=visit.site.settings.session_hours
            )
    except Invalid as error:
        SLOW_DOWN.note(visit.username, success=error.code != "password.wrong")
        field = "current_password" if error.code == "password.wrong" else "new_password"
        return _password_page(person, visit, {field: error.sentence(visit.language)})
    SLOW_DOWN.note(visit.username, success=True)
    answer = RedirectResponse("/", 303)
    set_session(answer, visit, token)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, visit: AnyVisit, form: Form) -> Response:
    """End the session."""
    del form
    close_login(request, visit)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(security.SESSION_COOKIE, path="/")
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
