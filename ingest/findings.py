"""Findings and their sentences: made when shown, in Chinese or English, from the catalogue.

``python -m ingest.findings`` prints ``docs/finding-codes.md``; a test holds the file to it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, or_

from ingest.finding_catalogue import ARCHIVIST_ONLY, BAG_ADVICE, CATALOGUE
from ingest.finding_reasons import in_words
from ingest.outcome import Finding, Outcome, Severity
from repository.bag.codes import CODES
from repository.tables import Finding as FindingRow
from repository.tables import Submission

_OUTCOME = {Severity.ERROR: Outcome.FAIL, Severity.WARNING: Outcome.WARN, Severity.NOTICE: Outcome.WARN}
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One line of the catalogue."""

    code: str
    severity: Severity
    zh: str
    en: str
    clause: str
    next_zh: str
    next_en: str


KINDS: dict[str, FindingKind] = {
    code: FindingKind(code, severity, zh, en, clause, *advice) for code, severity, zh, en, clause, advice in CATALOGUE
} | {
    code: FindingKind(
        code,
        Severity.ERROR if one.error else Severity.WARNING,
        one.zh,
        one.en,
        f"RFC 8493 {one.clause}",
        *BAG_ADVICE,
    )
    for code, one in CODES.items()
}


class _Filled(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def kind_of(code: str) -> FindingKind:
    """The catalogue's line for ``code``; every code a check yields is in it (held by a test)."""
    return KINDS[code]


def _printable(value: object) -> str:
    text = str(value)
    shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"


def sentence(finding: Any, lang: str = "zh", *, advice: bool = False) -> str:
    """The sentence of a finding (``outcome.Finding`` or a row of the table) in ``zh`` or ``en``.

    Names are shown with control characters escaped. With ``advice`` what to do next follows.
    """
    kind = KINDS.get(finding.code)
    if kind is None:
        return str(finding.code)
    english = lang.startswith("en")
    told = (finding.params or {}).items()
    values = _Filled({name: _printable(in_words(name, value, english=english)) for name, value in told})
    if english and "position_en" in values:
        values["position"] = values["position_en"]
    values["path"] = _printable(finding.path if finding.path is not None else "")
    text = (kind.en if english else kind.zh).format_map(values)
    if not advice:
        return text
    return f"{text} {kind.next_en}" if english else f"{text}{kind.next_zh}"


def outcome_of(finding: Finding) -> Outcome:
    """The finding's outcome, from its severity where the check did not say."""
    return finding.outcome or _OUTCOME[kind_of(finding.code).severity]


def rows(
    found: Iterable[Finding], submission_id: str, at: datetime, record_of: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """``found`` as rows of the table ``finding``, for one bulk insert."""
    return [
        {
            "submission_id": submission_id,
            "code": one.code,
            "severity": kind_of(one.code).severity.value,
            "outcome": outcome_of(one).value,
            "path": one.path,
            "record_id": (record_of or {}).get(one.path or ""),
            "params": dict(one.params),
            "created_at": at,
        }
        for one in found
    ]


def told_to(person_id: str, *, may_accept: bool) -> ColumnElement[bool]:
    """The criterion on rows of ``finding`` for what a person may be told; every page, program and notice asks it.

    Findings about records that the depositor may not see are for archivists only: who may accept the deposit
    (``may_accept``) and did not make it herself.
    """
    ordinary = FindingRow.code.not_in(ARCHIVIST_ONLY)
    if not may_accept:
        return ordinary
    own = exists().where(Submission.id == FindingRow.submission_id, Submission.actor_id == person_id)
    return or_(ordinary, ~own)


def page() -> str:
    """``docs/finding-codes.md``, whole."""
    lines = [
        "# Finding codes",
        "",
        "Every finding that taking in can make. A code keeps its meaning for ever; the sentence is made when shown, in",
        "Chinese or English. *error* bars acceptance, *warning* asks a person unless the deposit was accepted",
        "beforehand, *notice* informs. A check that could not run has the outcome `not_checked`; that is never a pass.",
        "",
        "This page is written from `ingest/finding_catalogue.py` by `python -m ingest.findings`.",
    ]
    subject = ""
    for kind in KINDS.values():
        if kind.code.split(".")[0] != subject:
            subject = kind.code.split(".")[0]
            lines += ["", f"## {subject}", "", "| code | severity | sentence | clause | what to do next |"]
            lines.append("| --- | --- | --- | --- | --- |")
        cells = (
            f"`{kind.code}`",
            kind.severity.value,
            f"{kind.zh}<br>{kind.en}",
            kind.clause or "–",
            f"{kind.next_zh}<br>{kind.next_en}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
