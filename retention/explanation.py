"""Why and until when a record is kept, told with the citation of its rule and how far that was verified."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from metadata.errors import NotFound
from metadata.profile import Profile
from repository.tables import RetentionAssignment
from retention.schedules import current_assignment
from retention.sentences import AFTER, OUTCOMES, sentence

UNVERIFIED = frozenset({"unverified", "from_memory"})
"""States of a rule whose text nobody has confirmed: a page shows them with a banner."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why and until when a record is kept."""

    record_id: str
    outcome: str
    rule_id: str
    rule_zh: str
    rule_en: str
    citation: str
    rule_version: str
    effective_on: str | None
    status: str
    status_zh: str
    status_en: str
    years: int | None
    after: str | None
    trigger: str
    trigger_zh: str
    trigger_en: str
    trigger_on: str | None
    due_on: str | None
    waiting_for: str | None
    profile_version: str
    assigned_at: str
    story_zh: tuple[str, ...]
    story_en: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def lines(self, language: str = "zh") -> list[str]:
        """The whole explanation as lines of text: result, reasons, citation with how far it was verified."""
        english = language.startswith("en")
        lines = list(self.story_en if english else self.story_zh)
        if self.citation:
            lines.append(
                f"Basis: {self.citation} ({self.status_en}); rules {self.profile_version}."
                if english
                else f"依据：{self.citation}（{self.status_zh}）；规则版本 {self.profile_version}。"
            )
        if self.after:
            lines.append(f"Afterwards: {AFTER[self.after][1]}." if english else f"期满：{AFTER[self.after][0]}。")
        return [f"{OUTCOMES[self.outcome][1 if english else 0]}{': ' if english else '：'}{lines[0]}", *lines[1:]]


def explain(session: Session, record_id: str, profile: Profile, *, today: date | None = None) -> Explanation:
    """Why and until when the record is kept; the caller has passed the gate.

    ``NotFound`` (``retention.not_assigned``) while nothing is assigned. ``today`` adds the word that it is due now.
    """
    row = current_assignment(session, record_id)
    if row is None:
        raise NotFound(
            "retention.not_assigned",
            zh="这件档案尚未确定保管期限。请稍后再看；若一直如此，请通知系统管理员。",
            en="No retention rule is assigned to this record yet. Look again later, or tell the system administrator.",
            record_id=record_id,
        )
    return told(row, profile, today=today)


def told(row: RetentionAssignment, profile: Profile, *, today: date | None = None) -> Explanation:
    """``explain`` for an assignment that was read already."""
    steps: list[dict[str, Any]] = list(row.detail.get("story") or [])
    if today is not None and row.due_on is not None and row.due_on <= today:
        steps.append({"code": "due_now", "rule_id": row.rule_id, "params": {}})
    rule = profile.rules_by_id.get(row.rule_id)
    trigger = profile.triggers.get(row.trigger)
    source = rule.provenance if rule else None
    return Explanation(
        record_id=row.record_id,
        outcome=row.outcome,
        rule_id=row.rule_id,
        rule_zh=rule.zh if rule else "",
        rule_en=rule.en if rule else "",
        citation=source.citation if source else "",
        rule_version=source.version if source else "",
        effective_on=source.effective_on.isoformat() if source else None,
        status=source.status if source else "",
        status_zh=source.status_words("zh") if source else "",
        status_en=source.status_words("en") if source else "",
        years=rule.years if rule else None,
        after=rule.after if rule else None,
        trigger=row.trigger,
        trigger_zh=trigger.zh if trigger else "",
        trigger_en=trigger.en if trigger else "",
        trigger_on=row.trigger_on.isoformat() if row.trigger_on else None,
        due_on=row.due_on.isoformat() if row.due_on else None,
        waiting_for=row.detail.get("waiting_for"),
        profile_version=row.profile_version,
        assigned_at=row.assigned_at.isoformat(),
        story_zh=tuple(sentence(step, profile, "zh") for step in steps),
        story_en=tuple(sentence(step, profile, "en") for step in steps),
    )
