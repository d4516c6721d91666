"""What a person says about the records of a deposit before they are packed: confirmed guesses and own entries.

It prevails over the deposit list and over the depositor's options. Before accession a record has no history of its
own, so nothing is written into the ledger here; who said it stands with the plan (``by``), and with the record its
description is frozen as revision 0. From then on a change is a revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import allowed, allowed_at
from ingest.packaging import DESCRIBED
from ingest.submissions import read_submission
from ingest.suggest.types import VERY_LIKELY
from metadata.description import Description
from metadata.errors import Conflict, Forbidden, Invalid
from metadata.household import check_household_no
from metadata.profile import Profile
from metadata.rights import ACCESS_LEVELS, Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import Organ, RecordPlan, Submission

FIELDS = DESCRIBED | {"household_no"}
"""What may be said of a record."""
OPEN_STATES = frozenset({"waiting", "rejected"})
_IN = 400

Faults = dict[str, dict[str, tuple[str, str]]]
"""Record id -> field -> what is wrong with it, in Chinese and English."""


def may_give(session: Session, archive: Archive, actor: Actor, submission: Submission) -> bool:
    """Whether ``actor`` may describe the records of this deposit now: its depositor, or who may accept it."""
    if submission.state not in OPEN_STATES:
        return False
    if submission.actor_id == actor.id and allowed(actor, Permission.DEPOSIT, archive.profile):
        return True
    organ = session.get(Organ, submission.organ_id)
    prefix = organ.division_prefix if organ is not None else ""
    return allowed_at(actor, Permission.ACCEPT, archive.profile, division_code=prefix, organ_id=submission.organ_id)


def give(
    session: Session, *, archive: Archive, actor: Actor, submission_id: str, values: Mapping[str, Mapping[str, Any]]
) -> int:
    """Keep what ``actor`` says about records (id -> field -> value); how many changed. All or nothing.

    A field that is not named stays as it was; an empty value says that there is none. ``Invalid``
    (``description.invalid``) names every wrong field of every record in ``params["records"]``; ``Forbidden`` for others
    than the depositor and who may accept; ``Conflict`` once the deposit goes on.
    """
    submission = read_submission(session, submission_id, to_change=True)
    if submission.state not in OPEN_STATES:
        raise Conflict(
            "description.too_late",
            zh="这次移交已不在等待接收的状态，不能再改著录。已入库的档案请在档案页面修改著录。",
            en="This deposit no longer waits, so what is said of it cannot be changed here. Describe the record in the holdings.",
            state=submission.state,
        )
    if not may_give(session, archive, actor, submission):
        raise Forbidden(
            "description.not_yours",
            zh="只有移交人本人或负责接收的档案员可以著录这次移交。",
            en="Only the depositor, or an archivist who may accept this deposit, may describe it.",
        )
    plans = _plans(session, submission_id, list(values))
    today = local_date(archive.clock.now(), archive.zone)
    faults: Faults = {}
    changed = 0
    for record_id, told in values.items():
        plan = plans.get(record_id)
        if plan is None:
            faults[record_id] = {
                "": ("这次移交里没有这一件，或它已在打包", "no such record in this deposit, or it is being packed")
            }
            continue
        meant, wrong = checked(told, plan, submission, archive.profile, today)
        if wrong:
            faults[record_id] = wrong
            continue
        if any((plan.given or {}).get(name, _UNSAID) != value for name, value in meant.items()):
            plan.given = {**(plan.given or {}), **meant, "by": actor.id}
            changed += 1
    if faults:
        raise _invalid(faults)
    session.flush()
    return changed


def give_sure(session: Session, *, archive: Archive, actor: Actor, submission_id: str) -> int:
    """Confirm every guess that is very likely, where nobody has said anything yet; how many records that were."""
    waiting = select(RecordPlan).where(
        RecordPlan.submission_id == submission_id, RecordPlan.state == "planned", RecordPlan.suggested.is_not(None)
    )
    values: dict[str, dict[str, Any]] = {}
    profile = archive.profile
    for plan in session.scalars(waiting.order_by(RecordPlan.position)):
        sure = surely(plan, profile)
        if sure:
            values[plan.record_id] = sure
    return give(session, archive=archive, actor=actor, submission_id=submission_id, values=values) if values else 0


def surely(plan: RecordPlan, profile: Profile) -> dict[str, Any]:
    """The guesses about a record that are very likely and not yet answered; a household only with its programme."""
    said = plan.given or {}
    found: dict[str, Any] = {}
    for name in ("document_type", "date", "household_no"):
        one = (plan.suggested or {}).get(name)
        if one is None or name in said or one["confidence"] < VERY_LIKELY:
            continue
        if name == "household_no":
            programme = one.get("programme") or (
                next(iter(profile.programmes)) if len(profile.programmes) == 1 else None
            )
            if programme is None:
                continue
            found["programme"] = programme
        found[name] = one["value"]
    return found


_UNSAID = object()


def _plans(session: Session, submission_id: str, ids: Sequence[str]) -> dict[str, RecordPlan]:
    found: dict[str, RecordPlan] = {}
    for start in range(0, len(ids), _IN):
        rows = session.scalars(
            select(RecordPlan).where(
                RecordPlan.submission_id == submission_id,
                RecordPlan.state == "planned",
                RecordPlan.record_id.in_(ids[start : start + _IN]),
            )
        )
        found.update({one.record_id: one for one in rows})
    return found


def checked(
    told: Mapping[str, Any], plan: RecordPlan, submission: Submission, profile: Profile, today: date
) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """``told`` in the form that is kept, and what is wrong with it by field."""
    meant: dict[str, Any] = {}
    wrong: dict[str, tuple[str, str]] = {}
    for name, value in told.items():
        if name not in FIELDS:
            wrong[name] = ("没有这一项", "there is no such field")
            continue
        meant[name] = (value.strip() or None) if isinstance(value, str) else value
    _codes(meant, wrong, profile)
    _household(meant, wrong, plan, submission)
    if (day := meant.get("date")) is not None:
        meant["date"] = _day(day, today, wrong)
    if "title" in meant and not meant["title"]:
        wrong["title"] = ("题名不能为空", "the title must not be empty")
    _described(meant, wrong, profile)
    return meant, wrong


def _codes(meant: dict[str, Any], wrong: dict[str, tuple[str, str]], profile: Profile) -> None:
    for name, known, zh, en in (
        ("document_type", profile.document_types, "目录中没有这种文件类型", "the profile has no such document type"),
        ("programme", profile.programmes, "目录中没有这个救助项目", "the profile has no such programme"),
        ("access_level", ACCESS_LEVELS, "没有这个开放级别", "there is no such access level"),
    ):
        value = meant.get(name)
        if value is not None and (not isinstance(value, str) or value not in known):
            wrong[name] = (zh, en)


def _household(
    meant: dict[str, Any], wrong: dict[str, tuple[str, str]], plan: RecordPlan, submission: Submission
) -> None:
    """A household needs its programme: said now or before, listed, or chosen for the whole deposit."""
    said = plan.given or {}
    number = meant.get("household_no")
    if number is not None:
        try:
            meant["household_no"] = check_household_no(str(number))
        except Invalid as error:
            wrong["household_no"] = (error.zh, error.en)
            return
    whose = meant.get("household_no", said.get("household_no"))
    if whose is None or not {"household_no", "programme"} & meant.keys():
        return
    listed = plan.spec.get("listed", {})
    programme = (
        meant.get("programme")
        or said.get("programme")
        or listed.get("programme")
        or submission.options.get("programme")
    )
    if programme is None:
        wrong["programme"] = ("请选择该户的救助项目", "choose the programme of this household's file")
    else:
        meant["programme"] = programme


def _day(value: object, today: date, wrong: dict[str, tuple[str, str]]) -> str | None:
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        wrong["date"] = ("不是日期（如 2024-03-05）", "no date (such as 2024-03-05)")
        return None
    if day > today:
        wrong["date"] = ("日期晚于今天", "the day has not come yet")
        return None
    return day.isoformat()


def _described(meant: dict[str, Any], wrong: dict[str, tuple[str, str]], profile: Profile) -> None:
    """What the description itself refuses: lengths, control characters; and a type of another programme."""
    kind = profile.document_types.get(meant.get("document_type") or "")
    programme = meant.get("programme")
    if kind is not None and programme is not None and not kind.serves(programme) and "document_type" not in wrong:
        wrong["document_type"] = ("这种文件不属于该救助项目", "this type does not belong to that programme")
    values = {
        name: value for name, value in meant.items() if name in DESCRIBED and name not in wrong and value is not None
    }
    try:
        Description.model_validate({"title": "-", **values})
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            wrong.setdefault(
                name, ("过长，或含有不能使用的字符", "too long, or it holds characters that cannot be used")
            )


def _invalid(faults: Faults) -> Invalid:
    count = sum(len(one) for one in faults.values())
    zh = "；".join(dict.fromkeys(told[0] for one in faults.values() for told in one.values()))
    en = "; ".join(dict.fromkeys(told[1] for one in faults.values() for told in one.values()))
    return Invalid(
        "description.invalid",
        zh=f"有 {count} 处填写不合规，没有保存：{zh[:300]}。请改正后再保存。",
        en=f"{count} entries break a rule and nothing was saved: {en[:300]}. Correct them and save again.",
        records={
            record_id: {name: {"zh": told[0], "en": told[1]} for name, told in one.items()}
            for record_id, one in faults.items()
        },
    )
