"""Describing records that are in the holdings already: what may be said, how it is checked, who was first.

Pages, API and commands share this. A correction is a new revision of the whole description; nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from lantai.filing import not_to_describe, records_to_describe
from metadata import divisions, personal_numbers
from metadata.description import Description
from metadata.errors import Conflict, Invalid
from metadata.profile import Profile
from metadata.rights import ACCESS_LEVELS, Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.descriptions import revision_of
from repository.revisions import revise_description
from repository.tables import Record
from retention.schedules import assign_records

FIELDS = (
    "title", "document_type", "date", "author", "document_number", "persons", "page_count", "division_code",
    "access_level", "access_marks", "note",
)  # fmt: skip
"""What a person may correct, in the order of the form."""
_TEXTS = frozenset({"title", "author", "document_number", "persons", "note"})
_RETENTION = frozenset({"document_type", "programme", "date", "year"})
_MOST_PERSONS = 200
_LONGEST = {"author": 200, "document_number": 100, "note": 2000}

Faults = dict[str, tuple[str, str]]
"""Field -> what is wrong with it, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class Revised:
    """What a correction did: the revision's number, the fields that changed (none: nothing was written)."""

    record: Record
    number: int
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A description as programs are told it: ``values`` by field, numbers masked; ``row_version`` for the next change."""

    record_id: str
    revision: int
    row_version: int
    values: dict[str, str | list[str]]


def state_of(record: Record) -> State:
    """The description of ``record`` as it stands, for programs."""
    lists = {"persons": "\n", "access_marks": ","}
    told = shown(current(record))
    values: dict[str, str | list[str]] = {
        name: [one for one in text.split(lists[name]) if one] if name in lists else text for name, text in told.items()
    }
    return State(record.id, record.description_revision, record.row_version, values)


def current(record: Record) -> dict[str, Any]:
    """The whole description as it stands: what was described, and the columns that prevail over it."""
    known = {name: value for name, value in record.description.items() if name in Description.model_fields}
    columns = {
        "title": record.title,
        "document_type": record.document_type,
        "programme": record.programme,
        "year": record.year,
        "date": record.dated.isoformat() if record.dated else None,
        "division_code": record.division_code,
        "access_level": record.access_level,
        "access_marks": list(record.access_marks),
    }
    return {**known, **columns}


def shown(values: Mapping[str, Any]) -> dict[str, str]:
    """``values`` as a form shows them: text, persons one a line, personal numbers masked."""
    told = {}
    for name in FIELDS:
        value = values.get(name)
        if name == "access_marks":
            text = ",".join(sorted(str(one) for one in value or []))
        elif isinstance(value, list):
            text = "\n".join(str(one) for one in value)
        else:
            text = "" if value is None else str(value)
        told[name] = personal_numbers.masked(text) if name in _TEXTS else text
    return told


def restored(original: str, typed: str) -> str:
    """``typed`` with each masked number that stands in it as ``original`` shows it given back whole.

    A form shows numbers masked; who corrects the words around one does not mean to lose it.
    """
    if typed.strip() == personal_numbers.masked(original).strip():
        return original
    covered = personal_numbers.masked(original)
    for one in personal_numbers.find(personal_numbers.fold(original)):
        behind, before = original[one.start : one.end], covered[one.start : one.end]
        if behind != before:
            typed = typed.replace(before, behind, 1)
    return typed


def checked(
    record: Record, typed: Mapping[str, Any], *, actor: Actor, profile: Profile, today: date
) -> tuple[dict[str, Any], Faults]:
    """The description that ``typed`` (fields of ``FIELDS``, text or values) makes of ``record``, and what is wrong."""
    before = current(record)
    meant, wrong = dict(before), dict[str, tuple[str, str]]()
    for name, value in typed.items():
        if name not in FIELDS:
            wrong[name] = ("没有这一项", "there is no such field")
        else:
            meant[name] = _meant(name, value, before.get(name))
    _check_codes(meant, wrong, profile)
    _check_day(meant, before, wrong, today)
    if not meant["title"]:
        wrong["title"] = ("题名不能为空", "the title must not be empty")
    for name, most in _LONGEST.items():
        if len(str(meant.get(name) or "")) > most:
            wrong[name] = (f"最多 {most} 字", f"at most {most} characters")
    if len(meant.get("persons") or []) > _MOST_PERSONS or any(len(one) > 100 for one in meant.get("persons") or []):
        wrong["persons"] = ("人员过多，或姓名过长（每行一人，最多 100 字）", "too many, or a name over 100 characters")
    _check_division(record, meant, before, wrong, actor, profile)
    _check_whole(meant, wrong)
    return meant, wrong


def _meant(name: str, value: Any, before: Any) -> Any:
    if name == "access_marks":
        given = value.split(",") if isinstance(value, str) else (value or [])
        return sorted({str(one).strip() for one in given if str(one).strip()})
    if name == "persons":
        known = [str(one) for one in before or []]
        given = value.splitlines() if isinstance(value, str) else [str(one) for one in value or []]
        text = restored("\n".join(known), "\n".join(one.strip() for one in given if one.strip()))
        return [one for one in text.split("\n") if one]
    if value is None:
        return None
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").strip()
        text = restored(str(before or ""), text).strip() if name in _TEXTS else text
        return text or None
    return value


def _check_codes(meant: dict[str, Any], wrong: Faults, profile: Profile) -> None:
    kind = meant.get("document_type")
    if kind is not None and (not isinstance(kind, str) or kind not in profile.document_types):
        wrong["document_type"] = ("目录中没有这种文件类型", "the catalogue has no such document type")
    elif kind is not None:
        programme = meant.get("programme")
        if programme and not profile.document_types[kind].serves(programme):
            wrong["document_type"] = ("这种文件不属于该救助项目", "this type does not belong to that programme")
    if meant.get("access_level") not in ACCESS_LEVELS:
        wrong["access_level"] = ("没有这个开放级别", "there is no such access level")
    if any(one not in profile.access_marks for one in meant["access_marks"]):
        wrong["access_marks"] = ("没有这个控制标识", "there is no such mark")
    count = meant.get("page_count")
    if isinstance(count, str):
        meant["page_count"] = int(count) if count.isascii() and count.isdigit() and len(count) < 8 else -1
    if isinstance(meant.get("page_count"), int) and not 0 <= meant["page_count"] <= 1_000_000:
        wrong["page_count"] = ("应为 0 至 1000000 的整数", "a whole number from 0 to 1,000,000 is expected")
        meant["page_count"] = None


def _check_day(meant: dict[str, Any], before: Mapping[str, Any], wrong: Faults, today: date) -> None:
    told = meant.get("date")
    if not told:
        meant["date"] = None
        return
    try:
        day = date.fromisoformat(str(told))
    except ValueError:
        wrong["date"] = ("不是日期（如 2024-03-05）", "no date (such as 2024-03-05)")
        meant["date"] = None
        return
    if day > today:
        wrong["date"] = ("日期晚于今天", "the day has not come yet")
    meant["date"] = day.isoformat()
    first = str(before.get("date") or "")[:4]
    if meant["date"] != before.get("date") and (not meant.get("year") or str(meant["year"]) == first):
        meant["year"] = day.year


def _check_division(
    record: Record, meant: dict[str, Any], before: Mapping[str, Any], wrong: Faults, actor: Actor, profile: Profile
) -> None:
    code = str(meant.get("division_code") or "")
    try:
        meant["division_code"] = divisions.checked(code)
    except Invalid as error:
        wrong["division_code"] = (error.zh, error.en)
        meant["division_code"] = before["division_code"]
        return
    permitted = gate.allowed_at(
        actor, Permission.DESCRIBE, profile, division_code=meant["division_code"], organ_id=record.organ_id
    )
    if meant["division_code"] != before["division_code"] and not permitted:
        wrong["division_code"] = ("您不负责这个区划的著录", "you do not describe records of that division")


def _check_whole(meant: dict[str, Any], wrong: Faults) -> None:
    """What the description itself refuses: lengths, control and bidirectional characters."""
    values = {name: value for name, value in meant.items() if name not in wrong}
    try:
        Description.model_validate({"title": "-", **values})
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            name = str(one["loc"][0]) if one["loc"] else "title"
            wrong.setdefault(
                name, ("过长，或含有不能使用的字符", "too long, or it holds characters that cannot be used")
            )


def invalid(wrong: Faults) -> Invalid:
    """The error that names every field at fault."""
    zh = "；".join(dict.fromkeys(told[0] for told in wrong.values()))
    en = "; ".join(dict.fromkeys(told[1] for told in wrong.values()))
    return Invalid(
        "description.invalid",
        zh=f"有 {len(wrong)} 处填写不合规，没有保存：{zh}。请改正后再保存。",
        en=f"Entries at fault: {len(wrong)}; nothing was saved: {en}. Correct them and save again.",
        fields={name: {"zh": told[0], "en": told[1]} for name, told in wrong.items()},
    )


def record_to_describe(session: Session, archive: Archive, actor: Actor, record_id: str) -> Record:
    """The record, for who may describe it; ``NotFound`` when it is hidden, ``Forbidden`` when it may only be read."""
    record = gate.get_record(session, actor, record_id, archive.profile)
    if gate.decide(actor, record, Permission.DESCRIBE, archive.profile) is None:
        raise not_to_describe()
    return record


def lock(session: Session, record: Record, row_version: int | None) -> None:
    """Hold the record until the end of the transaction; ``Conflict`` when it was described since ``row_version``."""
    wanted = select(Record.row_version).where(Record.seq == record.seq).with_for_update()
    now = session.scalars(wanted).one()
    if now != record.row_version or row_version not in {None, now}:
        raise Conflict(
            "record.changed",
            zh="在您填写期间，另一人修改了这件档案的著录，您的内容没有保存，也没有丢失。请对照后再保存。",
            en="Somebody else changed this description meanwhile. What you typed was not saved and is not lost: compare and save again.",
            row_version=now,
        )


def revise(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    record_id: str,
    typed: Mapping[str, Any],
    row_version: int | None = None,
) -> Revised:
    """Correct the description of a record by what was ``typed``; fields that are not named stay.

    ``Conflict`` (``record.changed``) when the record is no longer at ``row_version``; ``Invalid`` naming every field at
    fault. The catalogue, and with it the gate, follows at once; the index does when its outbox is read.
    """
    record = record_to_describe(session, archive, actor, record_id)
    lock(session, record, row_version)
    today = local_date(archive.clock.now(), archive.zone)
    meant, wrong = checked(record, typed, actor=actor, profile=archive.profile, today=today)
    if wrong:
        raise invalid(wrong)
    return _kept(session, archive, actor, record, meant)


def _kept(session: Session, archive: Archive, actor: Actor, record: Record, meant: Mapping[str, Any]) -> Revised:
    before = Description.model_validate(current(record)).model_dump(mode="json")
    after = Description.model_validate(meant).model_dump(mode="json")
    changed = tuple(name for name in after if after[name] != before.get(name))
    if not changed:
        return Revised(record, record.description_revision, ())
    number = revise_description(session, archive=archive, actor=actor.ref, record=record, description=after)
    if _RETENTION & set(changed):
        session.flush()
        assign_records(session, archive=archive, record_ids=[record.id])
    return Revised(record, number, changed)


def revise_many(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    record_ids: Sequence[str],
    typed: Mapping[str, Any],
    add_mark: str | None = None,
) -> list[Revised]:
    """The same correction of many records, all of them or none; those that it changes nothing about are left out."""
    done = []
    for record in records_to_describe(session, archive, actor, record_ids):
        marks = {"access_marks": [*record.access_marks, add_mark]} if add_mark else {}
        one = revise(session, archive=archive, actor=actor, record_id=record.id, typed={**typed, **marks})
        if one.changed:
            done.append(one)
    return done


def restore(
    session: Session, *, archive: Archive, actor: Actor, record_id: str, number: int, row_version: int | None = None
) -> Revised:
    """A new revision with the values that revision ``number`` had; what is not described by people stays as it is.

    The values are checked as new ones are: rules may have changed since.
    """
    record = record_to_describe(session, archive, actor, record_id)
    lock(session, record, row_version)
    old = revision_of(session, archive, record, number).description
    typed = {name: old[name] for name in FIELDS if name in old}
    if not typed.get("division_code"):
        typed.pop("division_code", None)
    today = local_date(archive.clock.now(), archive.zone)
    meant, wrong = checked(record, typed, actor=actor, profile=archive.profile, today=today)
    if wrong:
        raise invalid(wrong)
    if old.get("year"):
        meant["year"] = old["year"]
    return _kept(session, archive, actor, record, meant)
