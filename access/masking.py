"""Personal numbers and names as a person is shown them: numbers masked everywhere, in clear only by right and with a reason.

Names of a household are masked for whoever reaches its file only by roles that see no numbers as they are
(``names_shown``). Pages, API, hits, exports, file names, error sentences and the log all pass here. What cannot be masked, a picture of a
page, an original, sound, film, needs ``Permission.UNMASK`` on the record (``sees_numbers``).
"""

from __future__ import annotations

import io
import logging
import re
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import Because, decide, decide_case
from access.reach import Reach, kept, standing
from metadata import personal_numbers
from metadata.errors import Forbidden, Invalid
from metadata.identifiers import is_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, Household, Record

LEAST_REASON = 4
MOST_REASON = 200
_HIDES_NAMES = frozenset({"none", "masked"})
_BATCH = 500


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


# --- names ------------------------------------------------------------------------------------------------------------


def names_shown(actor: Actor, case: CaseFile | None, profile: Profile) -> bool:
    """Whether ``actor``, who may see ``case``, is shown names of its household; None: of whatever files she may see.

    Not when she reaches it only by roles whose ``identity_numbers`` are ``masked`` or ``none``. A grant that names the
    file, or a request that waits for her, is about this household and shows the names.
    """

    def shows(one: Reach) -> bool:
        return profile.roles[one.because.role].identity_numbers not in _HIDES_NAMES

    held = standing(actor, Permission.CASE_READ, profile)
    if kept(actor, ("names shown", Permission.CASE_READ), profile, lambda: all(map(shows, held))):
        return True
    if case is None:
        return False
    if any(shows(one) and one.divisions(case.division_code, case.organ_id) for one in held):
        return True
    return any(case.id in grant.case_file_ids for grant in actor.grants)


def masked_name(text: str) -> str:
    """A name with all but the family name masked, ``张*``; of a compound one, and of other scripts, the first letter."""
    first = next((one for one in text if one.isalnum()), "")
    return f"{first}*" if text.strip() else ""


def without_names(text: str, names: Iterable[str]) -> str:
    """``text`` with each of ``names`` in it masked."""
    known = sorted({one for one in names if one}, key=len, reverse=True)
    if not known:
        return text
    return re.sub("|".join(map(re.escape, known)), lambda met: masked_name(met[0]), text, flags=re.IGNORECASE)


def names_of(case: CaseFile, household: Household) -> tuple[str, ...]:
    """The applicant and the members of a case file, as they are."""
    members = [one.get("name") for one in case.state.get("members") or [] if isinstance(one, dict)]
    return tuple(dict.fromkeys(str(one) for one in (household.applicant_name, *members) if one))


def hidden_names(actor: Actor, case: CaseFile, household: Household, profile: Profile) -> tuple[str, ...]:
    """Names of a case file's household that ``actor`` is not shown: all, or none."""
    return () if names_shown(actor, case, profile) else names_of(case, household)


def case_title(actor: Actor, case: CaseFile, household: Household, profile: Profile) -> str:
    """The title of a case file as ``actor`` is shown it, numbers masked.

    With names hidden nothing of it is taken, since it may have been typed in any form: the applicant's masked name (or
    the household number) and the programme stand instead.
    """
    if names_shown(actor, case, profile):
        return masked(case.title)
    programme = profile.programmes.get(case.programme)
    whose = masked_name(household.applicant_name) or household.household_no
    return f"{whose} {programme.zh if programme else case.programme}"


def case_titles(session: Session, actor: Actor, cases: Iterable[CaseFile], profile: Profile) -> dict[str, str]:
    """``case_title`` of each, by id; ``cases`` have passed the gate."""
    found = list(cases)
    made = {one.id: masked(one.title) for one in found}
    hidden = {one.id: one for one in found if not names_shown(actor, one, profile)}
    ids = list({one.household_id for one in hidden.values()})
    for start in range(0, len(ids), _BATCH):
        wanted = select(Household).where(Household.id.in_(ids[start : start + _BATCH]))
        known = {one.id: one for one in session.scalars(wanted)}
        for one in hidden.values():
            if one.household_id in known:
                made[one.id] = case_title(actor, one, known[one.household_id], profile)
    return made


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
