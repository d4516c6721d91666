"""Access tokens for programs: list, create, revoke."""

from __future__ import annotations

from fastapi import Response

from lantai.api.models import PROBLEMS, NewToken, Token, TokenMade
from lantai.part import ApiPart
from lantai.web import tokening
from lantai.web.visit import ApiVisit
from metadata.errors import Forbidden

router = ApiPart(prefix="/tokens", tags=["tokens"], responses=PROBLEMS)


@router.get("", summary="List access tokens")
def listed(visit: ApiVisit, everybody: bool = False) -> list[Token]:
    """The caller's tokens, newest first; ``everybody``: all, for those who keep the accounts. None tells its text."""
    return [Token.model_validate(one) for one in tokening.listed(visit, everybody=everybody)]


@router.post("", summary="Create an access token", status_code=201)
def created(visit: ApiVisit, given: NewToken) -> TokenMade:
    """A token for the person signed in; its text is in this answer and nowhere else. A token cannot make tokens."""
    if visit.by_token:
        raise Forbidden(
            "token.by_token",
            zh="不能用令牌建立令牌。请登录后在“访问令牌”页面建立。",
            en="A token cannot make tokens. Sign in and make it on the page “Access tokens”.",
        )
    line, text = tokening.create(visit, label=given.label, days=given.days, permissions=given.permissions)
    return TokenMade(**Token.model_validate(line).model_dump(), token=text)


@router.delete("/{token_id}", summary="Revoke an access token", status_code=204)
def revoked(visit: ApiVisit, token_id: str) -> Response:
    """End a token at once: one's own, or anybody's for those who keep the accounts. Harmless when repeated."""
    tokening.revoke(visit, token_id)
    return Response(status_code=204)
