"""Signing in and out for programs."""

from __future__ import annotations

from fastapi import Request, Response

from lantai.api.models import LIMITED, Session, SignIn
from lantai.part import ApiPart
from lantai.problems import BadToken, SignInRequired
from lantai.web.pages.signing import close_login, open_login, set_session
from lantai.web.security import CSRF_HEADER, same_token
from lantai.web.visit import AnyVisit, ApiVisit, Visit
from metadata.errors import Forbidden
from metadata.rights import Permission

router = ApiPart(prefix="/session", tags=["session"], responses=LIMITED)


def _session(visit: Visit, csrf: str) -> Session:
    person = visit.person
    return Session(
        username=visit.username,
        name=person.name,
        organ_id=person.organ_id,
        roles=list(person.role_codes),
        permissions=[one.value for one in Permission if visit.may(one)],
        csrf_token=csrf,
    )


class WrongPassword(SignInRequired):
    """Name or password is wrong; which of them is not said."""

    def __init__(self) -> None:
        super().__init__()
        self.code = "session.wrong_password"
        self.zh = "帐号或口令不正确。"
        self.en = "Account or password is not right."


@router.post("", summary="Sign in")
def sign_in(request: Request, visit: AnyVisit, given: SignIn, response: Response) -> dict[str, str]:
    """Open a session: the answer sets its cookie and names the token for requests that change something.

    Only JSON is read, which no form on a foreign site can send.
    """
    origin = request.headers.get("origin")
    if origin and origin != f"{request.url.scheme}://{request.headers.get('host')}":
        raise Forbidden(
            "session.foreign_origin", zh="不接受来自其他网站的登录。", en="Sign-in from another site is refused."
        )
    opened = open_login(visit, given.username, given.password)
    if opened is None:
        raise WrongPassword
    set_session(response, visit, opened.token)
    return {"csrf_token": opened.csrf}


@router.get("", summary="Who is signed in")
def show(visit: ApiVisit) -> Session:
    """The person, her roles and permissions, and the token of the session."""
    return _session(visit, visit.csrf)


@router.delete("", summary="Sign out", status_code=204)
def sign_out(request: Request, visit: AnyVisit) -> Response:
    """End the session."""
    if visit.actor is not None and not same_token(visit.csrf, request.headers.get(CSRF_HEADER)):
        raise BadToken
    close_login(request, visit)
    return Response(status_code=204)
