"""Descriptions held against scheme and profile, record by record (DA/T 70 A2 to A8, I3, I4).

Descriptions come as plain values: of what is kept from the catalogue, of a deposit from its plans.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from ingest.outcome import Outcome
from ingest.report.model import Evidence, Words
from ingest.report.remarks import Placed, own
from metadata.codes import parse
from metadata.dat46 import ELEMENTS
from metadata.description import Description, missing_mandatory
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.profile import Profile

_EARLIEST = date(1949, 10, 1)
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LENGTHS = frozenset({"string_too_long", "string_too_short", "too_long", "too_short"})
_ITEMS = ("A2", "A3", "A4", "A5", "A6", "A8", "I3", "I4")
# What the repository itself holds for every record: unit, record code, single or composite, names and sizes of files;
# M67 belongs to offline carriers.
_KEPT = frozenset({"M6", "M7", "M41", "M48", "M49", "M67"})


@dataclass(frozen=True)
class Described:
    """One record's description. ``retained``: a retention period was assigned to it (M12)."""

    record_id: str | None
    title: str
    values: Mapping[str, Any]
    retained: bool = False
    households: tuple[str, ...] = ()


@dataclass
class _Run:
    profile: Profile
    today: date
    remarks: list[Placed] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def looked_at(
    records: Sequence[Described], profile: Profile, today: date, *, kept: bool
) -> tuple[dict[str, Evidence], list[Placed]]:
    """Evidence and remarks of A2 to A6, A8, I3, I4 over ``records``; ``kept``: I4 asks for what arranging adds too."""
    if not records:
        none = Evidence(Outcome.NOT_CHECKED, Words("还没有著录。", "There is no description yet."))
        return dict.fromkeys(_ITEMS, none), []
    run = _Run(profile, today)
    for one in records:
        for look in _LOOKS:
            look(run, one)
        _mandatory(run, one, kept=kept)
    run.remarks += _alike(records)
    for number, titles in sorted(run.missing.items(), key=lambda item: int(item[0][1:])):
        element = ELEMENTS[number]
        told = {"element": element.zh, "name": element.code.replace("_", " "), "number": number, "count": len(titles)}
        run.remarks.append(own("report.mandatory_empty", "I4", subject=titles[0], **told))  # type: ignore[arg-type]  # no record id
    count = len(records)
    words = Words(f"检查了 {count} 件的著录。", f"The descriptions of {count} records were checked.")
    return {code: Evidence(Outcome.PASS, words, count, count) for code in _ITEMS}, run.remarks


def _scheme(run: _Run, one: Described) -> None:
    """A2, A3: the description is validated anew by the model that wrote it."""
    try:
        Description.model_validate(dict(one.values))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            item = "A2" if fault["type"] in _LENGTHS else "A3"
            name = ".".join(str(part) for part in fault["loc"]) or "-"
            run.remarks.append(
                own("report.value_invalid", item, subject=one.title, record_id=one.record_id, field=name)
            )


def _lists(run: _Run, one: Described) -> None:
    """A4: values of controlled lists."""
    lists: dict[str, Mapping[str, Any]] = {
        "document_type": run.profile.document_types,
        "programme": run.profile.programmes,
    }
    told = [(name, one.values.get(name)) for name in lists]
    wrong = [(name, value) for name, value in told if value and value not in lists[name]]
    wrong += [
        ("access_marks", mark) for mark in one.values.get("access_marks") or [] if mark not in run.profile.access_marks
    ]
    for name, value in wrong:
        run.remarks.append(
            own("report.value_unknown", "A4", subject=one.title, record_id=one.record_id, field=name, value=value)
        )


def _plausible(run: _Run, one: Described) -> None:
    """A5: dates, year, pages."""
    dated = _day(one.values.get("date"))
    year = one.values.get("year")
    told: dict[str, Any] = {"subject": one.title, "record_id": one.record_id}
    if dated is not None:
        if dated > run.today:
            run.remarks.append(own("report.date_future", "A5", value=dated, **told))
        elif dated < _EARLIEST:
            run.remarks.append(own("report.date_early", "A5", value=dated, **told))
        if isinstance(year, int) and year != dated.year:
            run.remarks.append(own("report.year_differs", "A5", year=year, value=dated, **told))
    if one.values.get("page_count") == 0:
        run.remarks.append(own("report.pages_zero", "A5", **told))


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _characters(run: _Run, one: Described) -> None:
    """A6: nothing in the title that controls, turns or replaces characters."""
    if any(sign == "\ufffd" or sign in _BIDI or unicodedata.category(sign) in {"Cc", "Co", "Cs"} for sign in one.title):
        run.remarks.append(own("report.special_characters", "A6", subject=one.title, record_id=one.record_id))


def _mandatory(run: _Run, one: Described, *, kept: bool) -> None:
    """I4: mandatory elements of DA/T 46; before arranging only those that a depositor gives."""
    try:
        values = Description.model_validate(dict(one.values)).to_dat46()
    except ValidationError:
        return
    later = {"M8", "M12"} if not kept else ({"M12"} if one.retained else set())
    for number in missing_mandatory(values):
        if number == "M8" and (values.get("M17") or values.get("M18")):
            continue
        if number not in _KEPT and number not in later:
            run.missing[number].append(one.title)


_LOOKS: tuple[Callable[[_Run, Described], None], ...] = (_scheme, _lists, _plausible, _characters)


def _alike(records: Sequence[Described]) -> list[Placed]:
    """A8: the same title, type and date more than once."""
    keys = [(one.title, one.values.get("document_type"), one.values.get("date"), one.households) for one in records]
    counted = Counter(key for key in keys if key[2])
    told = set()
    made = []
    for one, key in zip(records, keys, strict=True):
        if counted[key] > 1 and key not in told:
            told.add(key)
            made.append(own("report.alike", "A8", subject=one.title, record_id=one.record_id, count=counted[key] - 1))
    return made


def codes(
    profile: Profile, archival_codes: Sequence[str], household_nos: Sequence[str], wanted: int
) -> tuple[Evidence, list[Placed]]:
    """A7: archival codes against their templates, household numbers against their check character.

    ``wanted`` is how many archival codes there should be; without all of them the item is not checked.
    """
    remarks = []
    for number in household_nos:
        try:
            check_household_no(number)
        except Invalid:
            remarks.append(own("report.household_no_wrong", "A7", value=number))
    templates = [one.template for one in profile.code_templates.values()]
    odd = [code for code in archival_codes if not any(_has_form(template, code) for template in templates)]
    remarks += [own("report.code_malformed", "A7", value=code) for code in odd]
    given = len(archival_codes)
    zh = f"核对了 {len(household_nos)} 个户号的校验位。" if household_nos else ""
    en = f"The check characters of {len(household_nos)} household numbers were computed. " if household_nos else ""
    if given < wanted:
        gap = Words(
            f"{zh}应有档号 {wanted} 个，已编 {given} 个，未编的没有检测。",
            f"{en}{given} of {wanted} archival codes have been given; the others were not checked.",
        )
        return Evidence(Outcome.NOT_CHECKED, gap, given, wanted), remarks
    words = Words(f"{zh}核对了 {given} 个档号。", f"{en}{given} archival codes were checked.")
    return Evidence(Outcome.PASS, words, given, wanted), remarks


def _has_form(template: str, code: str) -> bool:
    try:
        parse(template, code)
    except Invalid:
        return False
    return True
