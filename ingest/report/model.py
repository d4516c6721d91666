"""The four-property report (四性检测报告) as values: items with results, what was found, what was not checked.

Pure: no database and no files. Every sentence stands in both languages; names are masked and printable before they get
here. ``Report.as_dict`` is the JSON form ``lantai-four-property-report/1``; the PDF and the page are made from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.outcome import Outcome
from metadata.four_properties import Item, four_properties

FORMAT = "lantai-four-property-report/1"

RESULTS: dict[Outcome, tuple[str, str]] = {
    Outcome.PASS: ("合格", "pass"),
    Outcome.WARN: ("需核对", "look at"),
    Outcome.FAIL: ("不合格", "fail"),
    Outcome.NOT_APPLICABLE: ("不适用", "not applicable"),
    Outcome.NOT_CHECKED: ("未检测", "not checked"),
    Outcome.MANUAL: ("人工检测", "by a person"),
}
"""Result -> its word in Chinese and English, in the order of the summary."""

KINDS: dict[str, tuple[str, str]] = {
    "submission": ("移交", "deposit"),
    "case_file": ("户档", "household file"),
    "record": ("档案（件）", "record"),
}
"""Kind of subject -> its word in Chinese and English."""

_WEIGHT = (
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
    Outcome.MANUAL,
    Outcome.NOT_CHECKED,
    Outcome.WARN,
    Outcome.FAIL,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    zh: str
    en: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something found: by a check of the deposit (its code stands in ``docs/finding-codes.md``) or by this report.

    ``subject`` is the file or record concerned, empty for the whole; ``advice`` what to do next.
    """

    code: str
    severity: str
    outcome: Outcome
    subject: str
    said: Words
    advice: Words
    clause: str = ""
    record_id: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "code": self.code,
            "severity": self.severity,
            "outcome": self.outcome.value,
            "subject": self.subject,
            "zh": self.said.zh,
            "en": self.said.en,
            "next_zh": self.advice.zh,
            "next_en": self.advice.en,
            "clause": self.clause,
            "record_id": self.record_id,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one item apart from remarks: whether its check ran, over how much, by which tools.

    ``result`` is ``PASS`` only when the check ran over everything that is there. ``checked`` of ``total`` things were
    looked at, None where there is nothing to count.
    """

    result: Outcome
    words: Words
    checked: int | None = None
    total: int | None = None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item with its result and what is behind it."""

    item: Item
    result: Outcome
    evidence: Evidence
    remarks: tuple[Remark, ...] = ()

    @property
    def unchecked(self) -> bool:
        """Whether a part of it, or all, was not checked."""
        return self.evidence.result is Outcome.NOT_CHECKED or any(
            one.outcome is Outcome.NOT_CHECKED for one in self.remarks
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        zh, en = RESULTS[self.result]
        known = four_properties()
        status_zh, status_en = self.item.status_words
        return {
            "code": self.item.code,
            "property": known.property_of(self.item.code).code,
            "zh": self.item.zh,
            "en": self.item.en,
            "clause": known.provenance.citation,
            "status": self.item.status,
            "status_zh": status_zh,
            "status_en": status_en,
            "automatic": self.item.automatic,
            "result": self.result.value,
            "result_zh": zh,
            "result_en": en,
            "done": self.evidence.words.as_dict(),
            "does": {"zh": self.item.does_zh, "en": self.item.does_en},
            "checked": self.evidence.checked,
            "total": self.evidence.total,
            "tools": list(self.evidence.tools),
            "findings": [one.as_dict() for one in self.remarks],
        }


def heavier(first: Outcome, second: Outcome) -> Outcome:
    """The outcome that stands for both: a fault before a doubt before a gap before a pass."""
    return max(first, second, key=_WEIGHT.index)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the report is about. ``facts``: (label, value) pairs for its head, in both languages."""

    kind: str
    id: str
    title: str
    organ: Words
    facts: tuple[tuple[Words, Words], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        zh, en = KINDS[self.kind]
        return {
            "kind": self.kind,
            "kind_zh": zh,
            "kind_en": en,
            "id": self.id,
            "title": self.title,
            "organ": self.organ.as_dict(),
            "facts": [{"label": label.as_dict(), "value": value.as_dict()} for label, value in self.facts],
        }


@dataclass(frozen=True, slots=True)
class Made:
    """When, by whom and with what the report was made. ``at`` is RFC 3339 in UTC, ``shown_at`` in the bureau's zone."""

    at: str
    shown_at: str
    by: str
    organ: Words
    software: str
    profile: str
    holding_id: str
    synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "at": self.at,
            "shown_at": self.shown_at,
            "by": self.by,
            "organ": self.organ.as_dict(),
            "software": self.software,
            "profile": self.profile,
            "holding_id": self.holding_id,
        }


@dataclass(frozen=True, slots=True)
class Paper:
    """A record of a household file, or a paper that is missing from it (``record_id`` None)."""

    record_id: str | None
    code: str
    kind: Words
    title: str
    dated: str
    files: int
    copies: tuple[tuple[str, str], ...]
    required: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ``copies`` replica by replica with the outcome of its last re-reading."""
        return {
            "record_id": self.record_id,
            "document_type": self.code,
            "document_type_zh": self.kind.zh,
            "document_type_en": self.kind.en,
            "title": self.title,
            "dated": self.dated,
            "files": self.files,
            "copies": dict(self.copies),
            "required": self.required,
            "present": self.record_id is not None,
        }


@dataclass(frozen=True)
class Report:
    """One report. ``outside``: findings that are no matter of the four properties."""

    stage: str
    subject: Subject
    made: Made
    items: tuple[ItemResult, ...]
    tools: Mapping[str, str] = field(default_factory=dict)
    outside: tuple[Remark, ...] = ()
    papers: tuple[Paper, ...] = ()
    scope: Words = Words("", "")
    access_level: str = "internal"
    access_marks: tuple[str, ...] = ()

    @property
    def result(self) -> Outcome:
        """The one word for the whole: the heaviest of its items."""
        found = Outcome.NOT_APPLICABLE
        for one in self.items:
            found = heavier(found, one.result)
        return found

    @property
    def not_checked(self) -> tuple[ItemResult, ...]:
        """Items that were not checked, or not over everything, and those left to a person."""
        return tuple(one for one in self.items if one.unchecked or one.result is Outcome.MANUAL)

    def summary(self) -> list[dict[str, Any]]:
        """Property by property: how many items ended in which result."""
        rows = []
        for code, one in four_properties().properties.items():
            mine = Counter(item.result for item in self.items if item.item.code[0] == one.letter)
            counts = {result.value: mine.get(result, 0) for result in RESULTS}
            rows.append({"property": code, "zh": one.zh, "en": one.en, "counts": counts})
        return rows

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON, format ``lantai-four-property-report/1``; equal reports give equal values."""
        stage = four_properties().stages[self.stage]
        zh, en = RESULTS[self.result]
        return {
            "format": FORMAT,
            "title": {"zh": "四性检测报告", "en": "Four-property report"},
            "standard": four_properties().provenance.citation,
            "stage": {"code": stage.code, "zh": stage.zh, "en": stage.en},
            "synthetic": self.made.synthetic,
            "subject": self.subject.as_dict(),
            "made": self.made.as_dict(),
            "scope": self.scope.as_dict(),
            "access": {"level": self.access_level, "marks": list(self.access_marks)},
            "tools": [{"name": name, "version": self.tools[name]} for name in sorted(self.tools)],
            "result": {"code": self.result.value, "zh": zh, "en": en},
            "summary": self.summary(),
            "items": [one.as_dict() for one in self.items],
            "not_checked": [_gap(one) for one in self.not_checked],
            "outside": [one.as_dict() for one in self.outside],
            "papers": [one.as_dict() for one in self.papers],
        }


def _gap(one: ItemResult) -> dict[str, Any]:
    """What was not checked of an item, and why: its evidence, else the first finding that says so with their number."""
    if one.evidence.result in {Outcome.NOT_CHECKED, Outcome.MANUAL}:
        words = one.evidence.words
    else:
        gaps = [remark for remark in one.remarks if remark.outcome is Outcome.NOT_CHECKED]
        more = len(gaps) - 1
        words = Words(
            gaps[0].said.zh + (f"（另有 {more} 处）" if more else ""),
            gaps[0].said.en + (f" ({more} more)" if more else ""),
        )
    partial = one.result not in {Outcome.NOT_CHECKED, Outcome.MANUAL}
    return {
        "item": one.item.code,
        "item_zh": one.item.zh,
        "item_en": one.item.en,
        "by_person": one.result is Outcome.MANUAL,
        "partial": partial,
        **words.as_dict(),
    }


def judged(
    stage: str,
    evidence: Mapping[str, Evidence],
    remarks: Sequence[tuple[tuple[str, ...], Remark]],
    *,
    household: bool = False,
) -> tuple[tuple[ItemResult, ...], tuple[Remark, ...]]:
    """Every item of the stage with its result, and the remarks that belong to none.

    An item that nothing is known of was not checked. A remark about an item that the stage does not have stands with
    those outside, so that nothing found is passed over.
    """
    wanted = four_properties().of_stage(stage, household=household)
    by_item: dict[str, list[Remark]] = {one.code: [] for one in wanted}
    outside: list[Remark] = []
    for codes, remark in remarks:
        mine = [code for code in codes if code in by_item]
        for code in mine:
            by_item[code].append(remark)
        if not mine:
            outside.append(remark)
    made = []
    for item in wanted:
        known = evidence.get(item.code) or _NOTHING
        result = known.result
        for remark in by_item[item.code]:
            result = heavier(result, remark.outcome)
        made.append(ItemResult(item, result, known, tuple(by_item[item.code])))
    return tuple(made), tuple(outside)


_NOTHING = Evidence(Outcome.NOT_CHECKED, Words("本系统没有检测这一项。", "This program did not check the item."))
