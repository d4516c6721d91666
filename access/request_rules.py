"""The rules of borrowing (借阅) as functions over values: what a request must bring, which step may follow, what a grant says.

Nothing here asks a database. Who may ask as what, which reasons there are and how long a grant may last stand in the
profile (``borrowing.yaml``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from metadata.errors import Conflict, Invalid, LantaiError
from metadata.household import check_household_no
from metadata.identifiers import is_id
from metadata.personal_numbers import masked
from metadata.profile import Profile, Requester
from metadata.rights import Permission

NONE = "none"
"""The approver of a kind of requester that needs no request."""

_STEPS: dict[str, tuple[frozenset[str], str]] = {
    "question": (frozenset({"submitted"}), "questioned"),
    "answer": (frozenset({"questioned"}), "submitted"),
    "approve": (frozenset({"submitted"}), "approved"),
    "refuse": (frozenset({"submitted", "questioned"}), "refused"),
    "withdraw": (frozenset({"submitted", "questioned"}), "withdrawn"),
    "lapse": (frozenset({"submitted", "questioned"}), "closed"),
    "close": (frozenset({"approved"}), "closed"),
    "revoke": (frozenset({"approved"}), "revoked"),
}
OPEN = ("submitted", "questioned")
"""States of a request that nobody has decided."""

LONGEST_WORDS = 1000
LONGEST_DETAIL = 300
_LONGEST_QUERY = 400
_MOST_NAMED = 200
_LOOK = (Permission.CASE_READ, Permission.RECORD_LIST, Permission.RECORD_READ, Permission.SEARCH)

Form = Literal["screen", "copy"]
Numbers = Literal["masked", "full"]


class RequestFaults(Invalid):
    """A request with fields that are missing or wrong, all of them at once; ``faults``: field -> what is wrong."""

    def __init__(self, faults: Mapping[str, LantaiError]) -> None:
        super().__init__(
            "request.incomplete",
            zh="申请不完整：" + "".join(one.zh for one in faults.values()),
            en="The request is not complete: " + " ".join(one.en for one in faults.values()),
            fields=sorted(faults),
        )
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, in the asker's words: records by id, a household by its number, or a search.

    Whether any of it is there stands elsewhere and is not hers to know before the decision.
    """

    kind: Literal["records", "household", "search"]
    record_ids: tuple[str, ...] = ()
    household_no: str = ""
    words: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the row keeps it."""
        named = {"record_ids": list(self.record_ids), "household_no": self.household_no, "words": self.words}
        return {"kind": self.kind, **{name: value for name, value in named.items() if value}}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Wanted:
        """Back from the row."""
        return cls(
            kind=cast("Any", kept.get("kind", "search")),
            record_ids=tuple(str(one) for one in kept.get("record_ids", ())),
            household_no=str(kept.get("household_no", "")),
            words=str(kept.get("words", "")),
        )


@dataclass(frozen=True, slots=True)
class Asking:
    """A request before it is filed; ``details`` holds what the kind of requester must bring, by the names of its needs."""

    requester: str
    wanted: Wanted
    purpose: str
    purpose_text: str
    form: str = "screen"
    numbers: str = "masked"
    days: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


def words(text: str, most: int = LONGEST_WORDS) -> str:
    """Free words as they are kept: without control characters and personal numbers, at most ``most`` characters."""
    kept = "".join(one for one in text.replace("\r\n", "\n") if one in "\n\t" or one.isprintable())
    return masked(kept.strip())[:most]


def next_state(state: str, step: str) -> str:
    """The state after ``step``; ``Conflict`` (``request.not_now``) when it cannot follow on ``state``."""
    allowed, following = _STEPS[step]
    if state not in allowed:
        raise Conflict(
            "request.not_now",
            zh="这件申请的状态已变，不能再这样办理；没有做任何更改。请刷新页面查看最新情况。",
            en="The request stands elsewhere by now and this can no longer be done; nothing was changed. Reload the page.",
            state=state,
            step=step,
        )
    return following


def told(at: str, actor_id: str, act: str, said: str = "", **facts: object) -> dict[str, Any]:
    """One line of a request's conversation."""
    return {"at": at, "actor_id": actor_id, "act": act, "words": said, **facts}


def requesters_for(role_codes: Collection[str], profile: Profile) -> list[Requester]:
    """As which kinds of borrower somebody with these roles may ask; kinds that need no approval are left out."""
    return [
        one
        for one in profile.borrowing.requesters
        if one.approver != NONE and one.forms and not set(one.roles).isdisjoint(role_codes)
    ]


def requester_of(code: str, profile: Profile) -> Requester | None:
    """The kind of borrower with this code; None when the profile no longer knows it."""
    return next((one for one in profile.borrowing.requesters if one.code == code), None)


def checked(asking: Asking, role_codes: Collection[str], profile: Profile, *, with_letter: bool) -> Asking:
    """``asking`` in its one form, or ``RequestFaults`` with everything that is wrong."""
    faults: dict[str, LantaiError] = {}
    kind = next((one for one in requesters_for(role_codes, profile) if one.code == asking.requester), None)
    if kind is None:
        faults["requester"] = _fault("requester", "您的角色不能以这种身份申请，请另选。", "None of your roles may ask as this; choose another kind of requester.")  # fmt: skip
    wanted = _checked_wanted(asking.wanted, kind, profile, faults)
    if all(one.code != asking.purpose for one in profile.borrowing.purposes):
        faults["purpose"] = _fault("purpose", "请选择利用目的。", "Choose a purpose.")
    purpose_text = words(asking.purpose_text)
    if not purpose_text:
        faults["purpose_text"] = _fault("purpose_text", "请用一两句话写明为什么需要。", "Say in a sentence or two what it is needed for.")  # fmt: skip
    details = {}
    if kind is not None:
        details = _checked_details(kind, asking.details, faults, with_letter=with_letter)
        if asking.form not in kind.forms:
            faults["form"] = _fault("form", "这种身份不能申请该利用方式。", "This kind of requester cannot ask for that form.")  # fmt: skip
        if asking.numbers not in ("masked", kind.numbers):
            faults["numbers"] = _fault("numbers", "这种身份只能查看遮盖后的证件号码。", "This kind of requester sees masked numbers only.")  # fmt: skip
    days = asking.days or profile.borrowing.default_days.screen
    if not 1 <= days <= profile.borrowing.max_days:
        most = profile.borrowing.max_days
        faults["days"] = _fault("days", f"天数应为 1 至 {most}。", f"The number of days is 1 to {most}.")
    if faults:
        raise RequestFaults(faults)
    return replace(asking, wanted=wanted, purpose_text=purpose_text, details=details, days=days)


def _fault(name: str, zh: str, en: str) -> Invalid:
    return Invalid(f"request.{name}", zh=zh, en=en)


def _checked_wanted(wanted: Wanted, kind: Requester | None, profile: Profile, faults: dict[str, LantaiError]) -> Wanted:
    """What is asked for, by its form alone: whether it is there is not looked at."""
    most = profile.borrowing.max_files_per_grant
    if kind is not None and kind.own_file and wanted.kind != "household":
        faults["household_no"] = _fault("household_no", "本户查阅只能按户编号申请本户档案。", "A household asks for its own file, by its household number.")  # fmt: skip
        return wanted
    if wanted.kind == "records":
        ids = tuple(dict.fromkeys(one.strip().lower() for one in wanted.record_ids if one.strip()))
        if not ids or len(ids) > _MOST_NAMED or not all(is_id(one) for one in ids):
            faults["record_ids"] = _fault("record_ids", "请写明档案的编号，每行一个。", "Give the records' ids, one a line.")  # fmt: skip
        elif len(ids) > most:
            faults["record_ids"] = _fault("too_many", f"一次最多申请 {most} 件，请分次申请。", f"At most {most} records are asked for at once; make several requests.")  # fmt: skip
        return Wanted("records", record_ids=ids)
    if wanted.kind == "household":
        try:
            return Wanted("household", household_no=check_household_no(wanted.household_no))
        except Invalid as error:
            faults["household_no"] = error
        return wanted
    said = " ".join(words(wanted.words, _LONGEST_QUERY).split())
    if not said:
        faults["q"] = _fault("words", "请写明要查找什么：姓名、时间、材料名称。", "Say what is to be found: name, time, kind of paper.")  # fmt: skip
    return Wanted("search", words=said)


_NEEDED = {
    "legal_basis": ("请写明法律依据。", "Name the legal basis."),
    "case_reference": ("请写明案号。", "Give the case reference."),
    "officer_1": ("请写明第一名办案人员的姓名和工作证号。", "Give the first officer's name and work card."),
    "officer_2": ("请写明第二名办案人员的姓名和工作证号。", "Give the second officer's name and work card."),
    "identity": ("请写明所持身份证件和救助证件的种类。", "Say which identity and assistance papers are brought."),
    "mandate": ("请写明委托书的日期和委托人。", "Name the mandate: its date and who gave it."),
    "plan_number": ("请写明检查计划编号。", "Give the number of the inspection plan."),
    "letter": ("请附公函或介绍信（PDF、JPEG 或 PNG）。", "Attach the letter (PDF, JPEG or PNG)."),
}


def fields_of(kind: Requester) -> list[str]:
    """Names of the fields that this kind of requester fills in, besides the letter."""
    found: list[str] = []
    for need in kind.needs:
        found += {"officers": ["officer_1", "officer_2"], "letter": []}.get(need, [need])
    return found


def _checked_details(
    kind: Requester, given: Mapping[str, str], faults: dict[str, LantaiError], *, with_letter: bool
) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name in fields_of(kind):
        kept[name] = " ".join(words(given.get(name, ""), LONGEST_DETAIL).split())
        if not kept[name]:
            faults[name] = _fault(name, *_NEEDED[name])
    if kept.get("officer_1") and kept.get("officer_1") == kept.get("officer_2"):
        faults["officer_2"] = _fault("officer_2", "须有两名不同的办案人员。", "There must be two different officers.")
    if "letter" in kind.needs and not with_letter:
        faults["letter"] = _fault("letter", *_NEEDED["letter"])
    return kept


def permissions_for(form: str, numbers: str) -> frozenset[str]:
    """What a grant of this form permits: to find and look; a copy also to take out; full numbers also to see them."""
    found = {one.value for one in _LOOK}
    if form == "copy":
        found.add(Permission.RECORD_DOWNLOAD.value)
    if numbers == "full":
        found.add(Permission.UNMASK.value)
    return frozenset(found)


def ends_after(now: datetime, days: int, zone: str) -> datetime:
    """When a grant of ``days`` ends: at midnight in the bureau's zone, after the last of ``days`` whole days."""
    first = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=days + 1)).astimezone(now.tzinfo)


def checked_reason(reason: str, kind: Requester | None, profile: Profile, *, can_be_granted: bool) -> str:
    """A reason of the profile's list; of a request that must be granted, and can be, only a fault of form refuses it."""
    found = next((one for one in profile.borrowing.refuse_reasons if one.code == reason), None)
    if found is None:
        raise Invalid(
            "request.reason",
            zh="请从列表中选择不予同意的理由。",
            en="Choose the reason of the refusal from the list.",
        )
    if kind is not None and kind.must_grant and can_be_granted and not found.formal:
        raise Invalid(
            "request.must_grant",
            zh="依法申请只要手续齐全就应当提供，只能因手续问题退回。请选择手续方面的理由，或予以提供。",
            en="A statutory request that is formally right is to be granted; only a fault of form refuses it. Choose such a reason, or grant it.",
            reason=reason,
        )
    return found.code


def checked_identity(kind: Requester | None, sighted: Iterable[str], profile: Profile) -> list[str]:
    """What was looked at before a household sees its own file; ``Invalid`` when a required paper was not sighted."""
    seen = set(sighted)
    if kind is None or not kind.own_file:
        return []
    asked = profile.borrowing.household_id_check.model_dump()
    lacking = [name for name, how in asked.items() if how == "required" and name not in seen]
    if lacking:
        raise Invalid(
            "request.identity_not_checked",
            zh="本户查阅须先核验身份证和救助证件，并确认申请人是本户成员。核验后请逐项勾选。",
            en="Before a household sees its own file its ID card and assistance papers are sighted. Tick what you have sighted.",
            lacking=lacking,
        )
    return [name for name in asked if name in seen]
