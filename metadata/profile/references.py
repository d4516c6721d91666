"""Cross references between the files of a profile: every code that is used must be defined."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from metadata.profile.files import (
    BorrowingFile,
    ClassificationFile,
    DocumentsFile,
    OrgansFile,
    ProfileFile,
    RetentionFile,
    ReviewFile,
    RolesFile,
)
from metadata.profile.positions import Path

Fault = tuple[str, Path, str, str]
"""File, path in it, and the sentence in Chinese and English."""

CODE_PARTS = frozenset({"fonds", "programme", "year", "retention", "file", "item", "unit"})
NUMBER_PARTS = frozenset({"division12", "serial", "check"})


def _doubles(file: str, key: str, codes: Iterable[str], field: str = "code") -> Iterator[Fault]:
    seen: set[str] = set()
    for position, code in enumerate(codes):
        if code in seen:
            yield file, (key, position, field), f"代码 {code} 重复", f"code {code} stands twice"
        seen.add(code)


def _unknown(
    file: str, path: Path, used: Iterable[str], known: Iterable[str], kind: tuple[str, str]
) -> Iterator[Fault]:
    names = set(known)
    for code in used:
        if code not in names:
            yield file, path, f"没有这个{kind[0]}：{code}", f"there is no {kind[1]} {code}"


def _codes(entries: Iterable[Any]) -> list[str]:
    return [entry.code for entry in entries]


def _template(file: str, path: Path, template: str, parts: frozenset[str]) -> Iterator[Fault]:
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError:
        yield file, path, "模板括号不成对", "the braces of the template do not match"
        return
    yield from _unknown(file, path, fields, parts, ("模板字段", "template field"))


def check_profile(profile: ProfileFile) -> Iterator[Fault]:
    """Programmes and digest algorithms once each; the number's template."""
    yield from _doubles("profile.yaml", "programmes", _codes(profile.programmes))
    if len(set(profile.digest_algorithms)) != len(profile.digest_algorithms):
        yield "profile.yaml", ("digest_algorithms",), "摘要算法重复", "a digest algorithm stands twice"
    yield from _template("profile.yaml", ("household_no", "template"), profile.household_no.template, NUMBER_PARTS)


def check_organs(organs: OrgansFile) -> Iterator[Fault]:
    """Levels once each; custody and confirmation name levels."""
    file, levels = "organs.yaml", _codes(organs.levels)
    yield from _doubles(file, "levels", levels)
    kind = ("机构层级", "organ level")
    for key, field, used in (
        ("custody", "default", (organs.custody.default,)),
        ("custody", "allowed", organs.custody.allowed),
        ("confirmation", "default", (organs.confirmation.default,)),
        ("confirmation", "may_be_delegated_to", organs.confirmation.may_be_delegated_to),
    ):
        yield from _unknown(file, (key, field), used, levels, kind)


def check_roles(roles: RolesFile, organs: OrgansFile) -> Iterator[Fault]:
    """Levels, marks and acts of each role exist; separation names roles and acts."""
    file, codes, acts = "roles.yaml", _codes(roles.roles), _codes(roles.acts)
    for key in ("access_marks", "acts", "roles"):
        yield from _doubles(file, key, _codes(getattr(roles, key)))
    for position, role in enumerate(roles.roles):
        at: Path = ("roles", position)
        levels = _codes(organs.levels)
        yield from _unknown(file, (*at, "level"), (role.level,), levels, ("机构层级", "organ level"))
        yield from _unknown(file, (*at, "also_levels"), role.also_levels, levels, ("机构层级", "organ level"))
        yield from _unknown(file, (*at, "marks"), sorted(role.marks), _codes(roles.access_marks), ("控制标识", "mark"))
        yield from _unknown(file, (*at, "acts"), sorted(role.acts), acts, ("行为", "act"))
        full = role.identity_numbers == "full"
        if ("unmask" in role.permissions and not full) or (full and "unmask" not in role.permissions | role.on_grant):
            yield (
                file,
                (*at, "identity_numbers"),
                "identity_numbers: full 须有 unmask 权限，反之亦然（仅凭批准显示号码的除外）",
                "identity_numbers: full needs the permission unmask, and unmask full, but where only a grant gives it",
            )
    for position, pair in enumerate(roles.incompatible_roles):
        yield from _unknown(file, ("incompatible_roles", position), pair, codes, ("角色", "role"))
    for position, one in enumerate(roles.per_object_separation):
        yield from _unknown(file, ("per_object_separation", position), (one.first, one.second), acts, ("行为", "act"))


def check_documents(
    documents: DocumentsFile, organs: OrgansFile, profile: ProfileFile, classification: ClassificationFile
) -> Iterator[Fault]:
    """Organ, stage, event, facts, category and programmes of each document type exist."""
    file = "documents.yaml"
    for key in ("stages", "events", "facts", "documents"):
        yield from _doubles(file, key, _codes(getattr(documents, key)))
    events = _codes(documents.events)
    for position, fact in enumerate(documents.facts):
        used = (fact.event,) if fact.event else ()
        yield from _unknown(file, ("facts", position, "event"), used, events, ("事件", "event"))
    known: dict[str, tuple[list[str], tuple[str, str]]] = {
        "organ": (_codes(organs.levels), ("机构层级", "organ level")),
        "stage": (_codes(documents.stages), ("阶段", "stage")),
        "event": (events, ("事件", "event")),
        "category": (_codes(classification.categories), ("档案门类", "category")),
    }
    for position, document in enumerate(documents.documents):
        at: Path = ("documents", position)
        for field, (codes, kind) in known.items():
            yield from _unknown(file, (*at, field), (getattr(document, field),), codes, kind)
        programmes = _codes(profile.programmes)
        yield from _unknown(file, (*at, "programmes"), document.programmes, programmes, ("救助项目", "programme"))
        names = document.when.names if document.when else ()
        yield from _unknown(file, (*at, "when"), names, _codes(documents.facts), ("事实", "fact"))
        if (document.required == "if") != bool(names):
            yield file, (*at, "required"), "required: if 必须且只能与 when 同用", "required: if and when go together"
    household = [one.code for one in documents.documents if one.level == "household"]
    yield from _unknown(
        file,
        ("file_order", "first"),
        documents.file_order.first,
        household,
        ("户档文件类型", "household document type"),
    )


def check_classification(classification: ClassificationFile) -> Iterator[Fault]:
    """Codes once each; the fonds pattern compiles; templates use known parts."""
    file = "classification.yaml"
    yield from _doubles(file, "categories", _codes(classification.categories))
    yield from _doubles(file, "code_templates", _codes(classification.code_templates))
    try:
        re.compile(classification.fonds_pattern)
    except re.error:
        yield file, ("fonds_pattern",), "不是正确的正则表达式", "this is no regular expression"
    for position, one in enumerate(classification.code_templates):
        yield from _template(file, ("code_templates", position, "template"), one.template, CODE_PARTS)


def check_retention(retention: RetentionFile, documents: DocumentsFile, profile: ProfileFile) -> Iterator[Fault]:
    """Rules name document types, triggers and programmes that exist; periods agree with floors and codes."""
    file, events = "retention.yaml", _codes(documents.events)
    yield from _doubles(file, "triggers", _codes(retention.triggers))
    yield from _doubles(file, "rules", [rule.id for rule in retention.rules], "id")
    for position, trigger in enumerate(retention.triggers):
        at: Path = ("triggers", position)
        for field in ("events", "reset_by", "reset_undone_by"):
            yield from _unknown(file, (*at, field), getattr(trigger, field), events, ("事件", "event"))
        if (trigger.kind == "event") != bool(trigger.events):
            yield (
                file,
                (*at, "events"),
                "kind: event 必须列出事件，year_end 不列",
                "kind event needs events, year_end has none",
            )
    for position, rule in enumerate(retention.rules):
        at = ("rules", position)
        types = rule.applies_to if isinstance(rule.applies_to, tuple) else ()
        yield from _unknown(
            file, (*at, "applies_to"), types, _codes(documents.documents), ("文件类型", "document type")
        )
        yield from _unknown(
            file, (*at, "trigger"), (rule.trigger,), _codes(retention.triggers), ("触发条件", "trigger")
        )
        used = (rule.programme,) if rule.programme else ()
        yield from _unknown(file, (*at, "programme"), used, _codes(profile.programmes), ("救助项目", "programme"))
        if (rule.years is None) != (rule.code == "Y"):
            yield (
                file,
                (*at, "years"),
                "永久（years: null）必须且只能与代码 Y 同用",
                "permanent (years: null) goes with code Y",
            )
        elif rule.years is not None:
            if rule.floor_years is not None and rule.years < rule.floor_years:
                yield file, (*at, "years"), "年限低于法定下限", "the period is below its floor"
            if int(rule.code[1:]) < rule.years:
                yield file, (*at, "code"), "档号中的期限代码短于年限", "the code is shorter than the period"


def check_review(review: ReviewFile) -> Iterator[Fault]:
    """Codes once each."""
    for key in ("periods", "change_reasons", "stop_reasons"):
        yield from _doubles("review.yaml", key, _codes(getattr(review, key)))


def check_borrowing(borrowing: BorrowingFile, documents: DocumentsFile, roles: RolesFile) -> Iterator[Fault]:
    """Redacted document types and approvers exist."""
    file = "borrowing.yaml"
    for key in ("purposes", "refuse_reasons", "requesters"):
        yield from _doubles(file, key, _codes(getattr(borrowing, key)))
    types = _codes(documents.documents)
    yield from _unknown(
        file, ("redact_for_household",), borrowing.redact_for_household, types, ("文件类型", "document type")
    )
    known = _codes(roles.roles)
    for position, one in enumerate(borrowing.requesters):
        at: Path = ("requesters", position)
        yield from _unknown(file, (*at, "approver"), (one.approver,), [*known, "none"], ("角色", "role"))
        yield from _unknown(file, (*at, "roles"), one.roles, known, ("角色", "role"))
        purposes = _codes(borrowing.purposes)
        yield from _unknown(file, (*at, "purposes"), one.purposes, purposes, ("利用目的", "purpose"))


def faults(files: Mapping[str, Any]) -> list[Fault]:
    """Every cross reference that leads nowhere."""
    checks: list[tuple[Callable[..., Iterator[Fault]], tuple[str, ...]]] = [
        (check_profile, ("profile",)),
        (check_organs, ("organs",)),
        (check_roles, ("roles", "organs")),
        (check_documents, ("documents", "organs", "profile", "classification")),
        (check_classification, ("classification",)),
        (check_retention, ("retention", "documents", "profile")),
        (check_review, ("review",)),
        (check_borrowing, ("borrowing", "documents", "roles")),
    ]
    return [fault for check, names in checks for fault in check(*(files[f"{name}.yaml"] for name in names))]
