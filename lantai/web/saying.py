"""What an act did, said once on the page that follows it, with a way back where nothing legal stands against it.

An act ends with a redirect; the sentence travels in a cookie that is signed with the token of the session (nobody else
can have words put on a page), lives two minutes and is cleared by the page that shows it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Response
from fastapi.responses import RedirectResponse

from lantai.web.security import cookie_name, local_path

if TYPE_CHECKING:
    from lantai.web.visit import Visit

COOKIE = "lantai_said"
_SECONDS = 120
_LONGEST = 3000


@dataclass(frozen=True, slots=True)
class Undo:
    """The form that takes an act back: a POST to ``action`` (a path of ours) with ``fields``."""

    action: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """What an act did, as one whole sentence in the person's language, and how to take it back."""

    words: str
    undo: Undo | None = None


def after(visit: Visit, target: str, words: str, undo: Undo | None = None) -> RedirectResponse:
    """Send the person on to ``target``, a page that says what the act did (``3 documents accepted``) and offers undo.

    ``words`` carry no ID, bank or telephone number; undo asks for the rights that the act asked for, again.
    """
    answer = RedirectResponse(target, 303)
    plain: dict[str, object] = {"words": words}
    if undo is not None:
        plain |= {"action": undo.action, "fields": dict(undo.fields)}
    body = base64.urlsafe_b64encode(json.dumps(plain, ensure_ascii=False).encode()).decode()
    if visit.csrf and len(body) <= _LONGEST:
        answer.set_cookie(
            _cookie(visit),
            f"{body}.{_signature(visit, body)}",
            max_age=_SECONDS,
            httponly=True,
            samesite="lax",
            secure=visit.site.settings.secure_cookies,
            path="/",
        )
    return answer


def said(visit: Visit) -> Said | None:
    """What the act before this page did; nothing when there was none or somebody else wrote the cookie."""
    body, _, signature = visit.request.cookies.get(_cookie(visit), "").partition(".")
    if not body or not visit.csrf or not hmac.compare_digest(signature.encode(), _signature(visit, body).encode()):
        return None
    try:
        plain = json.loads(base64.urlsafe_b64decode(body))
    except (binascii.Error, ValueError):
        return None
    action = local_path(plain.get("action"), default="")
    return Said(str(plain["words"]), Undo(action, plain.get("fields", {})) if action else None)


def clear(visit: Visit, answer: Response) -> None:
    """Forget what was said: ``answer`` shows it."""
    if _cookie(visit) in visit.request.cookies:
        secure = visit.site.settings.secure_cookies
        answer.delete_cookie(_cookie(visit), path="/", httponly=True, samesite="lax", secure=secure)


def _cookie(visit: Visit) -> str:
    return cookie_name(COOKIE, secure=visit.site.settings.secure_cookies)


def _signature(visit: Visit, body: str) -> str:
    return hmac.new(visit.csrf.encode(), b"said:" + body.encode(), hashlib.sha256).hexdigest()
