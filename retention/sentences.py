"""The reasoning of an assignment as sentences, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.profile import Profile
from retention.assignment import NO_RULE, RULE
from retention.triggers import YEAR

AFTER: dict[str, tuple[str, str]] = {
    "appraise": ("到期鉴定", "appraise when due"),
    "transfer": ("到期移交", "transfer when due"),
    "destroy_on_approval": ("到期经批准可销毁", "may be destroyed on approval when due"),
    "never": ("不销毁", "never destroyed"),
    "never_before_records": ("不先于所涉档案销毁", "never destroyed before the records it speaks of"),
}
"""What follows when the period is over, in Chinese and English."""

OUTCOMES: dict[str, tuple[str, str]] = {
    "due": ("定期", "fixed term"),
    "waiting": ("待起算", "waiting to start"),
    "permanent": ("永久", "permanent"),
}
"""Outcome in Chinese and English."""

_TEMPLATES: dict[str, tuple[str, str]] = {
    "permanent": ("规则 {rule}：永久保管。", "Rule {rule}: kept permanently."),
    "due": (
        "规则 {rule}：自 {on}（{trigger}）起保管 {years} 年，{due_on} 到期鉴定。",
        "Rule {rule}: kept {years} years from {on} ({trigger}); due for appraisal on {due_on}.",
    ),
    "waiting": (
        "规则 {rule}：保管 {years} 年，{waiting}。",
        "Rule {rule}: kept {years} years; {waiting}.",
    ),
    "reset": (
        "规则 {rule}：该户于 {reset_on}（{event}）重新进入，期限清零；{waiting}。",
        "Rule {rule}: the household came back on {reset_on} ({event}), so the clock is reset; {waiting}.",
    ),
    "no_rule": (
        "没有规则适用于这件档案（文件类型 {document_type}，项目 {programme}）：永不到期。请补充文件类型，或在保管期限表中增加规则。",
        "No rule covers this record (document type {document_type}, programme {programme}): it is never due. Give it a document type, or add a rule to the retention schedule.",
    ),
    "longest": ("同时适用 {rules}：从长，依 {rule}。", "{rules} apply together: the longest governs, {rule}."),
    "together": (
        "同一户档一并鉴定：本件自身为 {own_due_on}，随最长者（规则 {rule}）{common}。",
        "Items of one household file are appraised together: this one alone {own_due_on}; with the longest (rule {rule}) {common}.",
    ),
    "due_now": ("已到期：等待鉴定，不会自动销毁。", "Due: waiting for appraisal; nothing is destroyed by itself."),
}


def rule_label(profile: Profile, rule_id: str | None, zh: bool) -> str:
    """``R01（低保审批类）`` as the profile names it; the bare id of a rule it does not know."""
    rule = profile.rules_by_id.get(rule_id or "")
    if rule is None:
        return rule_id or NO_RULE
    return f"{rule.id}（{rule.zh}）" if zh else f"{rule.id} ({rule.en})"


def event_label(profile: Profile, code: str | None, zh: bool) -> str:
    """The event's name in the profile, else its code."""
    found = profile.events.get(code or "")
    if found is None:
        return code or ""
    return found.zh if zh else found.en


def waiting(profile: Profile, waiting_for: str | None, zh: bool) -> str:
    """What an assignment waits for."""
    if waiting_for == YEAR:
        return "尚缺形成年度，补充年度或日期后起算" if zh else "it starts when the year or date of the record is known"
    if waiting_for == RULE:
        return "尚无适用规则" if zh else "no rule covers it yet"
    label = event_label(profile, waiting_for, zh)
    return f"待“{label}”之日起算" if zh else f"it starts on the day of “{label}”"


def sentence(step: Mapping[str, Any], profile: Profile, language: str = "zh") -> str:
    """One step of a story (``{"code", "rule_id", "params"}``) in ``zh`` or ``en``."""
    zh = not language.startswith("en")
    params = dict(step.get("params") or {})
    trigger = profile.triggers.get(str(params.get("trigger")))
    words: dict[str, Any] = {name: "—" if value is None else value for name, value in params.items()}
    words["rule"] = rule_label(profile, step.get("rule_id"), zh)
    words["trigger"] = trigger.label(language) if trigger else str(params.get("trigger") or "—")
    words["event"] = event_label(profile, params.get("event"), zh)
    words["waiting"] = waiting(profile, params.get("waiting_for"), zh)
    if "rules" in words and not zh:
        words["rules"] = str(words["rules"]).replace("、", ", ")
    if step["code"] == "together":
        words["common"] = _common(params, profile, zh)
    return _TEMPLATES[str(step["code"])][0 if zh else 1].format_map(words)


def _common(params: Mapping[str, Any], profile: Profile, zh: bool) -> str:
    if params.get("outcome") == "permanent":
        return "永久保管" if zh else "permanent"
    if params.get("outcome") == "waiting":
        return waiting(profile, params.get("waiting_for"), zh)
    return f"{params.get('due_on')} 到期鉴定" if zh else f"due on {params.get('due_on')}"
