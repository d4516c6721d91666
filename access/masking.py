"""Personal numbers as a person is shown them: masked everywhere, in clear only by right, by name and with a reason.

Pages, API, hits, exports, file names, error sentences and the log all pass here. What cannot be masked, a picture of a
page, an original, sound, film, needs ``Permission.UNMASK`` on the record (``sees_numbers``).
"""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from access.actors import Actor
from access.gate import Because, decide, decide_case
from metadata import personal_numbers
from metadata.errors import Forbidden, Invalid
from metadata.identifiers import is_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, Record

LEAST_REASON = 4
MOST_REASON = 200


def masked(text: str) -> str:
    """``text`` with ID, bank and telephone numbers masked (GB/T 35273), as long as before."""
    return personal_numbers.masked(text)


def masked_all(value: Any) -> Any:
    """``value`` with every text in it masked, however deep; identifiers, numbers and the like stay."""
    if isinstance(value, str):
        return value if is_id(value) else masked(value)
    if isinstance(value, Mapping):
        return {name: masked_all(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [masked_all(one) for one in value]
    return value


def sees_numbers(actor: Actor, record: Record, profile: Profile) -> Because | None:
    """Why ``actor`` may see numbers of ``record`` as they are, and so its pictures and originals; None: she may not."""
    return decide(actor, record, Permission.UNMASK, profile)


def sees_numbers_of_case(actor: Actor, case: CaseFile, profile: Profile) -> Because | None:
    """Why ``actor`` may see ID numbers of a case file's members as they are; None: she may not."""
    return decide_case(actor, case, profile, Permission.UNMASK)


def numbers_masked() -> Forbidden:
    """What somebody is told who may read a record, but not its numbers as they are."""
    return Forbidden(
        "file.numbers_masked",
        zh="图像和原件上的证件号、账号、电话是原样的，您的权限只到遮盖后的文字。请逐页阅读文字；确需查看原样，请在借阅申请中写明。",
        en="Pictures and originals show ID, bank and telephone numbers as they are; you may read the text with these masked, "
        "page by page. If your work needs them, ask for it in a request.",
    )


def not_to_unmask() -> Forbidden:
    """What somebody is told who asks for numbers in clear without the right to."""
    return Forbidden(
        "numbers.not_permitted",
        zh="您无权查看原样的证件号、账号和电话。确需查看，请在借阅申请中写明。",
        en="You may not see ID, bank and telephone numbers as they are. If your work needs them, ask for it in a request.",
    )


def checked_reason(reason: str) -> str:
    """``reason`` for showing numbers in clear, in one line, numbers in it masked; ``Invalid`` when it says nothing."""
    plain = masked(" ".join(reason.split()))
    if not LEAST_REASON <= len(plain) <= MOST_REASON or not any(one.isalnum() for one in plain):
        raise Invalid(
            "numbers.reason",
            zh=f"请写明查看号码的理由，{LEAST_REASON} 至 {MOST_REASON} 字，例如“核对银行代发名册”。",
            en=f"Say why you need the numbers, in {LEAST_REASON} to {MOST_REASON} characters, such as “compare with the pay list”.",
        )
    return plain


# --- the log ----------------------------------------------------------------------------------------------------------


def mask_log() -> None:
    """From now on no line of this process's log carries a personal number: not in words, values, errors or traces."""
    if isinstance(logging.getLogRecordFactory(), _Masking):
        return
    logging.setLogRecordFactory(_Masking(logging.getLogRecordFactory()))


class _Masking:
    """Makes log records whose texts are masked before any part of the program or of a library writes them."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        """The record as the standard library makes it, masked."""
        record: logging.LogRecord = self._make(*args, **named)
        if isinstance(record.msg, str | BaseException):
            record.msg = masked(str(record.msg))
        if isinstance(record.args, tuple):
            record.args = tuple(map(_masked_value, record.args))
        elif isinstance(record.args, Mapping):
            record.args = {name: _masked_value(one) for name, one in record.args.items()}
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            out = io.StringIO()
            traceback.print_exception(*record.exc_info, file=out)
            record.exc_text = masked(out.getvalue().rstrip("\n"))
        return record


def _masked_value(value: object) -> Any:
    if isinstance(value, str | BaseException | PurePath):
        return masked(str(value))
    if isinstance(value, Mapping | Sequence) and not isinstance(value, bytes | bytearray):
        return masked(str(value))
    return value
