"""Errors as people and programs meet them: HTTP statuses with problem details (RFC 9457) and exit codes.

The only module that knows both the error kinds of ``metadata.errors`` and HTTP or a process's end.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from access.masking import masked, masked_all
from metadata.errors import Conflict, Forbidden, Invalid, LantaiError, NotFound, Unavailable
from repository.db import is_collision, unavailable

MEDIA_TYPE = "application/problem+json"


class SignInRequired(Forbidden):
    """Nobody is signed in, or the session has ended; ``kept`` holds what the person had typed."""

    def __init__(self, kept: dict[str, str] | None = None) -> None:
        super().__init__(
            "session.required",
            zh="请先登录。若登录已过期，重新登录后可以继续刚才的操作，已填写的内容会保留。",
            en="Sign in first. If your session has ended, sign in again and go on; what you typed is kept.",
        )
        self.kept = kept or {}


class TokenRefused(SignInRequired):
    """The access token that came with a request is worth nothing; ``error`` says why."""

    def __init__(self, error: LantaiError) -> None:
        super().__init__()
        self.code, self.zh, self.en = error.code, error.zh, error.en


class PasswordChangeRequired(Forbidden):
    """The password was given by somebody else and is changed before anything is done."""

    def __init__(self) -> None:
        super().__init__(
            "account.password_must_change",
            zh="这是临时口令，请先改成自己的口令。",
            en="This is a temporary password; change it to one of your own first.",
        )


class BadToken(Forbidden):
    """A form came without the token of its session: refused before anything was done."""

    def __init__(self) -> None:
        super().__init__(
            "session.bad_token",
            zh="本页已过期，没有做任何更改。请返回上一页，刷新后再提交。",
            en="This page has expired; nothing was changed. Go back, reload it and send it again.",
        )


class Malformed(Invalid):
    """The request itself cannot be read (HTTP 400), as distinct from values that break a rule (422)."""


class TooMany(Unavailable):
    """Asked too often; ``params["wait_seconds"]`` says when again (HTTP 429 with Retry-After, RFC 6585)."""


_STATUSES: tuple[tuple[type[LantaiError], int], ...] = (
    (SignInRequired, 401),
    (TooMany, 429),
    (Malformed, 400),
    (NotFound, 404),
    (Invalid, 422),
    (Conflict, 409),
    (Forbidden, 403),
    (Unavailable, 503),
)
_BY_CODE = {
    "export.slowed": 429,
    "quarantine.full": 507,
    "upload.busy": 423,
    "upload.checksum_mismatch": 460,
    "upload.content_type": 415,
    "upload.gone": 410,
    "upload.too_large": 413,
    "upload.version": 412,
    "precondition.failed": 412,
}
"""Statuses that a protocol asks for (tus 1.0.0; RFC 4918 for 423 and 507) where the kind alone would say less."""
_TITLES = {
    400: ("请求无法读取", "The request cannot be read"),
    401: ("请先登录", "Sign in first"),
    403: ("没有权限", "Not permitted"),
    404: ("没有找到", "Not found"),
    405: ("不支持的操作", "Not a way to use this address"),
    409: ("与现有内容冲突", "In conflict with what is there"),
    410: ("已不存在", "No longer there"),
    412: ("前提条件不满足", "A condition is not met"),
    413: ("内容过大", "Too large"),
    415: ("内容类型不对", "Not this type of content"),
    416: ("请求的范围不存在", "No such range"),
    422: ("内容不符合规定", "What was given breaks a rule"),
    423: ("正在使用", "In use"),
    429: ("操作过于频繁", "Too many requests"),
    460: ("校验值不符", "The checksum does not match"),
    500: ("程序出错", "The program failed"),
    503: ("暂时无法使用", "Not available now"),
    507: ("存储空间不足", "No room left"),
}
_EXIT_CODES: tuple[tuple[type[LantaiError], int], ...] = (
    (Invalid, 65),
    (NotFound, 66),
    (Unavailable, 69),
    (Conflict, 73),
    (Forbidden, 77),
)


def status_of(error: LantaiError) -> int:
    """The HTTP status that ``error`` is answered with."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def exit_code(error: LantaiError) -> int:
    """The exit code of a command that ends with ``error``, after sysexits.h; 0 to 3 are left to results of commands."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 70)


def title_of(status: int, language: str) -> str:
    """The short title of ``status`` in ``language`` (``zh`` or ``en``)."""
    zh, en = _TITLES.get(status, ("出错了", "Something went wrong"))
    return en if language.startswith("en") else zh


def problem(error: LantaiError, language: str, *, request_id: str | None = None) -> dict[str, Any]:
    """Problem details (RFC 9457) of ``error``; ``code`` is stable, the words are not."""
    status = status_of(error)
    members: dict[str, Any] = {
        "type": f"urn:lantai:problem:{error.code}",
        "title": title_of(status, language),
        "status": status,
        "detail": masked(error.sentence(language)),
        "code": error.code,
        "zh": masked(error.zh),
        "en": masked(error.en),
    }
    if error.params:
        members["params"] = {name: masked_all(_plain(value)) for name, value in error.params.items()}
    if request_id:
        members["request_id"] = request_id
    return members


def _plain(value: object) -> object:
    """A value that JSON can hold."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return str(value)


def of_exception(error: Exception) -> LantaiError:
    """``error`` as one of our kinds: a database that does not answer is Unavailable, the unknown a plain failure."""
    if isinstance(error, LantaiError):
        return error
    if isinstance(error, OperationalError):
        return unavailable(error)
    if isinstance(error, IntegrityError) and is_collision(error):
        return Conflict(
            "request.collided",
            zh="另有人在同一时刻登记了同样的内容，本次操作没有写入任何内容。请刷新后查看，再决定是否重试。",
            en="Somebody else entered the same thing at this moment; nothing was written here. Reload, look, and try again if it is still needed.",
        )
    if isinstance(error, DataError) or (isinstance(error, OverflowError) and "SQLite INTEGER" in str(error)):
        return Invalid(
            "request.out_of_range",
            zh="请求中有一个数值或字符超出范围。请检查地址或翻页位置。",
            en="A number or character in the request is out of range. Check the address or the place in the list.",
        )
    return LantaiError(
        "program.failed",
        zh="程序出错，本次操作没有完成。请把页面下方的编号告诉系统管理员。",
        en="The program failed and the act was not finished. Tell the system administrator the number below.",
    )
