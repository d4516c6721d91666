"""Read models of retention: why and until when a record or case file is kept, rules with their citation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.web import labels
from lantai.web.display import masked
from lantai.web.visit import Visit
from metadata.profile import RetentionRule
from repository.clock import local_date
from repository.tables import CaseFile
from retention import holds
from retention.assignment import NO_RULE
from retention.explanation import UNVERIFIED, Explanation, told
from retention.holds import HoldInForce
from retention.schedules import current_assignment, current_assignments
from retention.sentences import AFTER, waiting

_ITEMS = 200


@dataclass(frozen=True, slots=True)
class HoldBadge:
    """A hold over something, for whoever may know of it; ``lifting``: lifted, and not sealed yet."""

    id: str
    title: str
    authority: str
    words: str
    lifting: bool


@dataclass(frozen=True, slots=True)
class RetentionView:
    """The retention of one record in words.

    ``clock``: since when the period runs, or what it waits for. ``unverified``: nobody has confirmed the text of the
    rule, which a page says in a banner. ``holds``: those that the person may know of.
    """

    outcome: str
    words: str
    story: tuple[str, ...]
    rule: str
    basis: str
    rule_id: str = ""
    clock: str = ""
    due_on: str | None = None
    overdue: bool = False
    citation: str = ""
    status: str = ""
    unverified: bool = False
    after: str = ""
    holds: tuple[HoldBadge, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseRetention:
    """One outcome among the records of a case file, and how many have it."""

    outcome: str
    words: str
    records: str
    rules: str = ""
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule of the schedule; ``covers``: its name and codes in one line; ``types``: the codes with their names."""

    id: str
    covers: str
    period: str
    trigger: str
    basis: str
    version: str
    status: str
    effective_on: str
    after: str = ""
    unverified: bool = False
    name: str = ""
    types: tuple[tuple[str, str], ...] = ()


def today_of(visit: Visit) -> date:
    """The bureau's calendar day."""
    archive = visit.site.archive
    return local_date(archive.clock.now(), archive.zone)


def _words(found: Explanation, language: str) -> str:
    _ = i18n.translations(language).gettext
    if found.rule_id == NO_RULE:
        return _("No rule covers this record yet.")
    if found.outcome == "permanent":
        return _("Kept for ever.")
    if found.due_on:
        return _("To be appraised on %s.") % found.due_on
    return _("The period has not begun.")


def _clock(found: Explanation, visit: Visit) -> str:
    _ = i18n.translations(visit.language).gettext
    profile, zh = visit.site.archive.profile, visit.language != "en"
    if found.outcome == "permanent":
        return _("none: kept for ever")
    if found.outcome == "waiting":
        return waiting(profile, found.waiting_for, zh)
    if not found.trigger_on:
        return _("with the whole household file")
    name = found.trigger_zh if zh else found.trigger_en
    return _("since %(day)s (%(what)s)") % {"day": found.trigger_on, "what": name}


def hold_badges(visit: Visit, found: Sequence[HoldInForce]) -> tuple[HoldBadge, ...]:
    """Holds as badges."""
    _ = i18n.translations(visit.language).gettext
    return tuple(
        HoldBadge(
            id=one.id,
            title=masked(one.title),
            authority=masked(one.authority),
            words=_("On hold; lifting takes effect when sealed, within a minute") if one.lifting else _("On hold"),
            lifting=one.lifting,
        )
        for one in found
    )


def of_record(session: Session, visit: Visit, record_id: str) -> RetentionView | None:
    """Why and until when a record is kept, and what holds it; the caller has passed the gate."""
    profile = visit.site.archive.profile
    row = current_assignment(session, record_id)
    if row is None:
        return None
    found = told(row, profile, today=today_of(visit))
    english = visit.language == "en"
    over = holds.shown(session, visit.person, profile, [record_id]).get(record_id, [])
    name = found.rule_en if english else found.rule_zh
    status = found.status_en if english else found.status_zh
    return RetentionView(
        outcome=found.outcome,
        words=_words(found, visit.language),
        story=found.story_en if english else found.story_zh,
        rule=f"{found.rule_id} {name}".strip() if found.rule_id != NO_RULE else "",
        basis=" · ".join(part for part in (found.citation, status, found.profile_version) if part),
        rule_id=found.rule_id,
        clock=_clock(found, visit),
        due_on=found.due_on,
        overdue=found.due_on is not None and found.due_on <= today_of(visit).isoformat(),
        citation=found.citation,
        status=status,
        unverified=found.status in UNVERIFIED,
        after=AFTER[found.after][1 if english else 0] if found.after else "",
        holds=hold_badges(visit, over),
    )


def of_case(session: Session, visit: Visit, case: CaseFile) -> list[CaseRetention]:
    """What becomes of the records of a case file, each outcome once."""
    profile = visit.site.archive.profile
    listed = gate.list_records(session, visit.person, profile, case_file_id=case.id, limit=_ITEMS)
    rows = current_assignments(session, [record.id for record in listed])
    ngettext = i18n.translations(visit.language).ngettext
    found: Counter[tuple[str, str]] = Counter()
    rules: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    for record in listed:
        if record.id in rows:
            one = told(rows[record.id], profile)
            key = (one.outcome, _words(one, visit.language))
            found[key] += 1
            rules[key][one.rule_id] = one.status in UNVERIFIED
    made = []
    for (outcome, words), count in found.most_common():
        used = rules[outcome, words]
        made.append(
            CaseRetention(
                outcome,
                words,
                ngettext("%(num)d record", "%(num)d records", count) % {"num": count},
                rules=", ".join(one for one in sorted(used) if one != NO_RULE),
                unverified=any(used.values()),
            )
        )
    return made


def holds_of_case(session: Session, visit: Visit, case: CaseFile) -> tuple[HoldBadge, ...]:
    """Holds over a whole case file that the person may know of."""
    return hold_badges(visit, holds.over_case(session, visit.person, visit.site.archive.profile, case.id))


def _types(visit: Visit, rule: RetentionRule) -> tuple[tuple[str, str], ...]:
    known = visit.site.archive.profile.document_types
    if isinstance(rule.applies_to, str):
        return ()
    return tuple((code, labels.term(visit.language, known[code])) for code in rule.applies_to if code in known)


def _covers(visit: Visit, name: str, types: Sequence[tuple[str, str]]) -> str:
    codes = [code for code, _ in types]
    if not codes:
        return name
    return f"{name} ({', '.join(codes)})" if visit.language == "en" else f"{name}（{'、'.join(codes)}）"


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
        name, types = labels.term(visit.language, rule), _types(visit, rule)
        made.append(
            RuleLine(
                id=rule.id,
                covers=_covers(visit, name, types),
                period=period,
                trigger=trigger.label(visit.language) if trigger else rule.trigger,
                basis=rule.provenance.citation,
                version=rule.provenance.version,
                status=rule.provenance.status_words(visit.language),
                effective_on=rule.provenance.effective_on.isoformat(),
                after=AFTER[rule.after][1 if visit.language == "en" else 0],
                unverified=rule.provenance.status in UNVERIFIED,
                name=name,
                types=types,
            )
        )
    return made


def rule_states(visit: Visit, lines: Sequence[RuleLine] | None = None) -> list[tuple[str, int]]:
    """How many rules are verified how far."""
    return Counter(one.status for one in (lines if lines is not None else rules(visit))).most_common()
