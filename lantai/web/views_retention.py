"""Read models of retention: why and until when, rules with their citation, what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.web import labels
from lantai.web.visit import Visit
from metadata.errors import NotFound
from metadata.profile import RetentionRule
from repository.clock import local_date
from repository.tables import CaseFile
from retention.assignment import NO_RULE
from retention.explanation import Explanation, explain

_ITEMS = 200


@dataclass(frozen=True, slots=True)
class RetentionView:
    """The retention of one record in words."""

    outcome: str
    words: str
    story: tuple[str, ...]
    rule: str
    basis: str


@dataclass(frozen=True, slots=True)
class CaseRetention:
    """One outcome among the records of a case file, and how many have it."""

    outcome: str
    words: str
    records: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule of the schedule."""

    id: str
    covers: str
    period: str
    trigger: str
    basis: str
    version: str
    status: str
    effective_on: str


def _today(visit: Visit) -> date:
    archive = visit.site.archive
    return local_date(archive.clock.now(), archive.zone)


def _explained(session: Session, visit: Visit, record_id: str) -> Explanation | None:
    try:
        return explain(session, record_id, visit.site.archive.profile, today=_today(visit))
    except NotFound:
        return None


def _words(found: Explanation, language: str) -> str:
    _ = i18n.translations(language).gettext
    if found.rule_id == NO_RULE:
        return _("No rule covers this record yet.")
    if found.outcome == "permanent":
        return _("Kept for ever.")
    if found.due_on:
        return _("To be appraised on %s.") % found.due_on
    return _("The period has not begun.")


def of_record(session: Session, visit: Visit, record_id: str) -> RetentionView | None:
    """Why and until when a record is kept; the caller has passed the gate."""
    found = _explained(session, visit, record_id)
    if found is None:
        return None
    english = visit.language == "en"
    if found.rule_id == NO_RULE:
        story = found.story_en if english else found.story_zh
        return RetentionView(found.outcome, _words(found, visit.language), story, rule="", basis=found.profile_version)
    name = found.rule_en if english else found.rule_zh
    return RetentionView(
        outcome=found.outcome,
        words=_words(found, visit.language),
        story=found.story_en if english else found.story_zh,
        rule=f"{found.rule_id} {name}".strip(),
        basis=" · ".join(
            part
            for part in (found.citation, found.status_en if english else found.status_zh, found.profile_version)
            if part
        ),
    )


def of_case(session: Session, visit: Visit, case: CaseFile) -> list[CaseRetention]:
    """What becomes of the records of a case file, each outcome once."""
    listed = gate.list_records(session, visit.person, visit.site.archive.profile, case_file_id=case.id, limit=_ITEMS)
    ngettext = i18n.translations(visit.language).ngettext
    found: Counter[tuple[str, str]] = Counter()
    for record in listed:
        one = _explained(session, visit, record.id)
        if one is not None:
            found[(one.outcome, _words(one, visit.language))] += 1
    told = []
    for (outcome, words), count in found.most_common():
        records = ngettext("%(num)d record", "%(num)d records", count) % {"num": count}
        told.append(CaseRetention(outcome, words, records))
    return told


def _covers(visit: Visit, rule: RetentionRule) -> str:
    types = visit.site.archive.profile.document_types
    name = labels.term(visit.language, rule)
    if isinstance(rule.applies_to, str):
        return name
    listed = [code for code in rule.applies_to if code in types]
    return f"{name} ({', '.join(listed)})" if visit.language == "en" else f"{name}（{'、'.join(listed)}）"


def rules(visit: Visit) -> list[RuleLine]:
    """Every rule of the profile with its citation and how far it was verified."""
    translated = i18n.translations(visit.language)
    profile = visit.site.archive.profile
    made = []
    for rule in profile.retention_rules:
        if rule.years is None:
            period = translated.gettext("permanent")
        else:
            period = translated.ngettext("%(num)d year", "%(num)d years", rule.years) % {"num": rule.years}
        trigger = profile.triggers.get(rule.trigger)
        made.append(
            RuleLine(
                id=rule.id,
                covers=_covers(visit, rule),
                period=period,
                trigger=trigger.label(visit.language) if trigger else rule.trigger,
                basis=rule.provenance.citation,
                version=rule.provenance.version,
                status=rule.provenance.status_words(visit.language),
                effective_on=rule.provenance.effective_on.isoformat(),
            )
        )
    return made


def rule_states(visit: Visit, lines: Sequence[RuleLine] | None = None) -> list[tuple[str, int]]:
    """How many rules are verified how far."""
    return Counter(one.status for one in (lines if lines is not None else rules(visit))).most_common()
