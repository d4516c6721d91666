"""System, for those who keep people: accounts, roles, sessions, each to the administrator whose part it is."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy.orm import Session

from access.account_lists import AccountFilter
from lantai import i18n
from lantai.part import Part
from lantai.web import administering, saying, tokening, views_people, views_system
from lantai.web.options import Options
from lantai.web.rendering import page, query
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Conflict, Invalid, LantaiError, NotFound
from metadata.rights import Permission

router = Part(prefix="/system")
_PAGE = 50
_FIELDS = {
    "account.malformed": "username",
    "account.exists": "username",
    "organ.exists": "code",
    "organ.malformed": "code",
    "organ.wrong_division": "division",
    "organ.below_outside": "division",
    "organ.outside_parent": "division",
    "organ.roles_held": "division",
    "division.malformed": "division",
    "organ.unknown_level": "level",
    "organ.circle": "superior",
    "organ.closed": "organ",
    "organ.not_found": "organ",
    "day.malformed": "starts_on",
    "role.empty_term": "ends_on",
}


def refused(visit: Visit, error: LantaiError, default: str, fields: tuple[str, ...]) -> dict[str, str]:
    """The sentence beside the field that it is about."""
    name = _FIELDS.get(error.code, default)
    return {name if name in fields else default: error.sentence(visit.language)}


def seen(form: Posted) -> int | None:
    """The revision that the person had before her eyes."""
    text = form.text("seen")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@router.get("/accounts")
def accounts(
    visit: SignedVisit, q: str = "", organ: str = "", role: str = "", state: str = "", after: str = ""
) -> Response:
    """Accounts by user name, filtered; the form for another one."""
    return _accounts(visit, AccountFilter(q[:100], organ[:40], role[:50], state), after=after[:100])


def _accounts(
    visit: Visit,
    wanted: AccountFilter,
    *,
    after: str = "",
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    permission = administering.kept_by(visit)
    with visit.reading() as session:
        found = views_people.account_lines(session, visit, wanted, after=after, limit=_PAGE + 1)
        organs = views_people.organ_choices(session, visit, permission)
    given = {"q": wanted.words, "organ": wanted.organ, "role": wanted.role, "state": wanted.state}
    return page(
        visit,
        "system_accounts.html",
        room="system",
        status=422 if errors else 200,
        tabs=views_system.tabs(visit),
        accounts=found[:_PAGE],
        organs=organs,
        roles=views_people.role_choices(visit),
        asked=given,
        first="/system/accounts" + query(given) if after else "",
        following="/system/accounts" + query(given, after=found[_PAGE - 1].username) if len(found) > _PAGE else "",
        typed=typed or {},
        errors=errors or {},
    )


@router.post("/accounts")
def enter_account(visit: SignedVisit, form: Form) -> Response:
    """Open an account; the first half of its one-time password is shown this once."""
    fields = ("username", "name", "organ")
    typed = {name: form.text(name) for name in fields}
    try:
        account_id, half = administering.enter_account(visit, **typed)
    except (Invalid, Conflict, NotFound) as error:
        return _accounts(visit, AccountFilter(), typed=typed, errors=refused(visit, error, "username", fields))
    return _account(visit, account_id, half=half)


@router.get("/accounts/{account_id}")
def account(visit: SignedVisit, account_id: str) -> Response:
    """One account: roles past and present, sessions, tokens, history."""
    return _account(visit, account_id)


def _account(
    visit: Visit,
    account_id: str,
    *,
    half: administering.Half | None = None,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    keeps, grants = visit.may(Permission.ACCOUNT_WRITE), visit.may(Permission.GRANT_WRITE)
    known = visit.site.archive.profile.roles.values()
    with visit.reading() as session:
        row, line = views_people.one_account(session, visit, account_id)
        return page(
            visit,
            "system_account.html",
            room="system",
            status=422 if errors else 200,
            one=line,
            half=half,
            keeps=keeps,
            grants=grants,
            own=row.id == visit.person.id,
            history=views_system.history(session, row.id),
            role_names={one.code: views_people.role_name(visit, one.code) for one in known},
            sessions=views_people.session_lines(session, visit, account_id=row.id) if keeps else [],
            tokens=tokening.of_account(session, visit, row.id) if keeps else [],
            organs=_organs_for(session, visit),
            roles=views_people.role_choices(visit) if grants else [],
            typed=typed or {},
            errors=errors or {},
        )


def _organs_for(session: Session, visit: Visit) -> Options:
    return views_people.organ_choices(session, visit, administering.kept_by(visit))


@router.post("/accounts/{account_id}/change")
def change_account(visit: SignedVisit, account_id: str, form: Form) -> Response:
    """Another name or organ; refused when somebody changed the account meanwhile."""
    typed = {name: form.text(name) for name in ("name", "organ")}
    try:
        administering.change_account(
            visit, account_id, name=typed["name"], organ=typed["organ"] or None, seen=seen(form)
        )
    except (Invalid, NotFound) as error:
        if error.code == "account.not_found":
            raise
        return _account(visit, account_id, typed=typed, errors=refused(visit, error, "name", ("name", "organ")))
    _ = i18n.translations(visit.language).gettext
    return saying.after(visit, f"/system/accounts/{account_id}", _("The account was changed."))


@router.post("/accounts/{account_id}/close")
def close_account(visit: SignedVisit, account_id: str, _form: Form) -> Response:
    """Close an account with everything that opened it."""
    administering.close_account(visit, account_id)
    _ = i18n.translations(visit.language).gettext
    words = _("The account was closed; its roles, sessions and tokens ended.")
    return saying.after(visit, f"/system/accounts/{account_id}", words)


@router.post("/accounts/{account_id}/reopen")
def reopen_account(visit: SignedVisit, account_id: str, _form: Form) -> Response:
    """Open an account again."""
    administering.reopen_account(visit, account_id)
    _ = i18n.translations(visit.language).gettext
    words = _("The account is open again, without roles and without a password.")
    return saying.after(visit, f"/system/accounts/{account_id}", words)


@router.post("/accounts/{account_id}/reset")
def reset_password(visit: SignedVisit, account_id: str, _form: Form) -> Response:
    """A new one-time password: its first half is shown this once."""
    return _account(visit, account_id, half=administering.reset_password(visit, account_id))


@router.post("/accounts/{account_id}/hand-over")
def hand_over(visit: SignedVisit, account_id: str, _form: Form) -> Response:
    """The second half of a one-time password is shown this once."""
    return _account(visit, account_id, half=administering.hand_over(visit, account_id))


@router.post("/accounts/{account_id}/roles")
def grant_role(visit: SignedVisit, account_id: str, form: Form) -> Response:
    """Give the person a role in an organ."""
    fields = ("role", "organ", "starts_on", "ends_on")
    typed = {name: form.text(name) for name in fields}
    try:
        administering.grant_role(
            visit,
            account_id,
            role=typed["role"],
            organ=typed["organ"],
            starts_on=administering.day(typed["starts_on"]),
            ends_on=administering.day(typed["ends_on"]),
        )
    except (Invalid, Conflict, NotFound) as error:
        if error.code == "account.not_found":
            raise
        return _account(visit, account_id, typed=typed, errors=refused(visit, error, "role", fields))
    _ = i18n.translations(visit.language).gettext
    words = _("The role “%(role)s” was granted.") % {"role": views_people.role_name(visit, typed["role"])}
    return saying.after(visit, f"/system/accounts/{account_id}", words)


@router.post("/accounts/{account_id}/roles/end")
def end_role(visit: SignedVisit, account_id: str, form: Form) -> Response:
    """End a role at once."""
    administering.end_role(visit, account_id, role=form.text("role"), organ=form.text("organ"))
    _ = i18n.translations(visit.language).gettext
    words = _("The role “%(role)s” ended; it counts no longer from now on.")
    told = words % {"role": views_people.role_name(visit, form.text("role"))}
    return saying.after(visit, f"/system/accounts/{account_id}", told)


@router.get("/roles")
def roles(visit: SignedVisit, role: str = "", organ: str = "", after: int = 0) -> Response:
    """Who holds what where, whose one-time password waits, and what each role permits."""
    visit.require(Permission.GRANT_WRITE)
    with visit.reading() as session:
        found = views_people.holders(session, visit, role=role[:50], organ=organ[:40], after=after, limit=_PAGE + 1)
        waiting = views_people.account_lines(session, visit, AccountFilter(state="waiting"), limit=_PAGE)
        roleless = views_people.account_lines(session, visit, AccountFilter(state="roleless"), limit=_PAGE)
        organs = views_people.organ_choices(session, visit, Permission.GRANT_WRITE)
    given = {"role": role, "organ": organ}
    return page(
        visit,
        "system_roles.html",
        room="system",
        tabs=views_system.tabs(visit),
        held=found[:_PAGE],
        waiting=waiting,
        roleless=roleless,
        organs=organs,
        roles=views_people.role_choices(visit),
        asked=given,
        matrix=views_people.matrix(visit),
        permissions=[one.value for one in Permission],
        first="/system/roles" + query(given) if after else "",
        following="/system/roles" + query(given, after=found[_PAGE - 1].seq) if len(found) > _PAGE else "",
    )


@router.get("/sessions")
def sessions(visit: SignedVisit, after: str = "") -> Response:
    """Signed-in browsers and access tokens of those whose accounts she keeps."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.reading() as session:
        found = views_people.session_lines(session, visit, after=after[:40], limit=_PAGE + 1)
    return page(
        visit,
        "system_sessions.html",
        room="system",
        tabs=views_system.tabs(visit),
        sessions=found[:_PAGE],
        tokens=tokening.listed(visit, everybody=True),
        first="/system/sessions" if after else "",
        following="/system/sessions" + query({}, after=found[_PAGE - 1].id) if len(found) > _PAGE else "",
    )


@router.post("/sessions/{session_id}/end")
def end_session(visit: SignedVisit, session_id: str, form: Form) -> Response:
    """End somebody's session."""
    visit.require(Permission.ACCOUNT_WRITE)
    administering.end_session(visit, session_id)
    _ = i18n.translations(visit.language).gettext
    account_id = form.text("account")
    target = f"/system/accounts/{account_id}" if account_id else "/system/sessions"
    return saying.after(visit, target, _("The session was ended."))
