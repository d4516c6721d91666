"""From the files of a profile to one frozen ``Profile``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path as FolderPath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from metadata.errors import Invalid
from metadata.profile import references
from metadata.profile.files import MODELS, BorrowingFile, OrgansFile, ProfileFile, ReviewFile
from metadata.profile.models import (
    Act,
    CaseEventType,
    CaseFact,
    Category,
    CodeTemplate,
    DocumentType,
    Mark,
    OrganLevel,
    Programme,
    Provenance,
    RetentionRule,
    Role,
    Ruled,
    Separation,
    Stage,
    Trigger,
)
from metadata.profile.positions import Document, read

_Entry = TypeVar("_Entry", bound=BaseModel)


@dataclass(frozen=True)
class Profile:
    """All rules of one field of work in one version; built by ``load_bytes``, never changed.

    ``files`` are the raw bytes as preserved under ``p/profiles``. Dictionaries keep the order of the files.
    """

    name: str
    version: str
    zh: str
    en: str
    effective_on: date
    files: dict[str, bytes] = field(repr=False)
    digest_algorithms: tuple[str, ...]
    programmes: dict[str, Programme]
    organ_levels: dict[str, OrganLevel]
    stages: dict[str, Stage]
    events: dict[str, CaseEventType]
    facts: dict[str, CaseFact]
    document_types: dict[str, DocumentType]
    file_order: tuple[str, ...]
    roles: dict[str, Role]
    access_marks: dict[str, Mark]
    acts: dict[str, Act]
    incompatible_roles: tuple[frozenset[str], ...]
    per_object_separation: tuple[Separation, ...]
    fonds_pattern: str
    classification: dict[str, Category]
    code_templates: dict[str, CodeTemplate]
    triggers: dict[str, Trigger]
    retention_rules: tuple[RetentionRule, ...]
    household_no_template: str
    organs: OrgansFile
    review: ReviewFile
    borrowing: BorrowingFile

    @property
    def label(self) -> str:
        """``name/version``, as decisions cite it."""
        return f"{self.name}/{self.version}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and bytes of all files, in order of name."""
        whole = hashlib.sha256()
        for name in sorted(self.files):
            whole.update(f"{name}\0{len(self.files[name])}\0".encode())
            whole.update(self.files[name])
        return whole.hexdigest()

    @cached_property
    def rules_by_id(self) -> dict[str, RetentionRule]:
        """Retention rules by their id."""
        return {rule.id: rule for rule in self.retention_rules}


def _settled(entry: _Entry, default: Provenance) -> _Entry:
    """``entry`` with ``default`` wherever it or something inside it does not name its own provenance."""
    changed: dict[str, Any] = {}
    own = default
    if isinstance(entry, Ruled):
        if "provenance" in entry.model_fields_set:
            own = entry.provenance
        else:
            changed["provenance"] = default
    for name in type(entry).model_fields:
        value = getattr(entry, name)
        if isinstance(value, Ruled):
            changed[name] = _settled(value, own)
        elif isinstance(value, tuple) and value and isinstance(value[0], Ruled):
            changed[name] = tuple(_settled(one, own) for one in value)
    return entry.model_copy(update=changed) if changed else entry


_KINDS: dict[str, tuple[str, str]] = {
    "missing": ("缺少这个键", "the key is missing"),
    "extra_forbidden": ("没有这个键", "there is no such key"),
    "string_type": ("应是文字", "this must be text"),
    "string_too_short": ("不能为空", "this must not be empty"),
    "int_type": ("应是整数", "this must be a whole number"),
    "int_parsing": ("应是整数", "this must be a whole number"),
    "bool_type": ("应是 true 或 false", "this must be true or false"),
    "bool_parsing": ("应是 true 或 false", "this must be true or false"),
    "tuple_type": ("应是列表", "this must be a list"),
    "frozen_set_type": ("应是列表", "this must be a list"),
    "model_type": ("应是键值表", "this must be a mapping"),
}


def _sentence(error: Mapping[str, Any]) -> tuple[str, str]:
    kind = str(error["type"])
    if kind in _KINDS:
        return _KINDS[kind]
    if kind.startswith("date"):
        return "应是日期（YYYY-MM-DD）", "this must be a date (YYYY-MM-DD)"
    expected = error.get("ctx", {}).get("expected")
    if expected:
        return f"值只能是 {expected}", f"this must be {expected}"
    return f"值不合规则（{error['msg']}）", str(error["msg"])


def validated(document: Document, model: type[_Entry]) -> _Entry:
    """``document`` as ``model``; ``Invalid`` (``profile.invalid``) names file, line, column and key of what is wrong."""
    try:
        return model.model_validate(document.values)
    except ValidationError as invalid:
        # a misspelt key is also a missing one: name what stands there first
        errors = sorted(invalid.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        first = errors[0]
        # union members add their own name to the location; only what stands in the file is a key
        path = tuple(part for part in first["loc"] if isinstance(part, int) or _stands(document, part))
        if first["type"] == "missing":
            path = first["loc"]
        zh, en = _sentence(first)
        raise document.fault(path, zh=zh, en=en, more=len(errors) - 1) from invalid


def _stands(document: Document, part: str) -> bool:
    return any(part in path for path in document.places)


def _by_code(entries: Iterable[Any]) -> dict[str, Any]:
    return {entry.code: entry for entry in entries}


def _file_order(types: Iterable[DocumentType], first: tuple[str, ...], stages: Iterable[str]) -> tuple[str, ...]:
    rank = {code: position for position, code in enumerate(stages)}
    rest = [one for one in types if one.level == "household" and one.code not in first]
    return (*first, *(one.code for one in sorted(rest, key=lambda one: rank[one.stage])))


def load_bytes(files: Mapping[str, bytes]) -> Profile:
    """The profile in ``files`` (name -> bytes).

    Raises ``Invalid``: ``profile.files`` when a file is missing or unknown, ``profile.invalid`` naming file, line,
    column and key for anything that cannot be read or leads nowhere.
    """
    missing, unknown = sorted(MODELS.keys() - files.keys()), sorted(files.keys() - MODELS.keys())
    if missing or unknown:
        raise Invalid(
            "profile.files",
            zh=f"规则文件不全或多余：缺少 {'、'.join(missing) or '无'}；多出 {'、'.join(unknown) or '无'}。请对照文档补齐或移走。",
            en=f"Files of the profile: missing {', '.join(missing) or 'none'}; unknown {', '.join(unknown) or 'none'}. Add or remove them.",
            missing=missing,
            unknown=unknown,
        )
    documents = {name: read(name, files[name]) for name in MODELS}
    sections: dict[str, Any] = {name: validated(document, MODELS[name]) for name, document in documents.items()}
    found = references.faults(sections)
    if found:
        file, path, zh, en = found[0]
        raise documents[file].fault(path, zh=zh, en=en, more=len(found) - 1)
    return _assemble(dict(files), sections)


def _assemble(files: dict[str, bytes], sections: dict[str, Any]) -> Profile:
    head: ProfileFile = sections["profile.yaml"]
    head = _settled(head, head.household_no.provenance)
    organs, roles, documents, classification, retention, review, borrowing = (
        _settled(sections[f"{name}.yaml"], sections[f"{name}.yaml"].provenance)
        for name in ("organs", "roles", "documents", "classification", "retention", "review", "borrowing")
    )
    order = _file_order(documents.documents, documents.file_order.first, [one.code for one in documents.stages])
    places = {code: position for position, code in enumerate(order, start=1)}
    types = [one.model_copy(update={"order": places.get(one.code, 0)}) for one in documents.documents]
    return Profile(
        name=head.name,
        version=head.version,
        zh=head.zh,
        en=head.en,
        effective_on=head.effective_on,
        files=files,
        digest_algorithms=head.digest_algorithms,
        programmes=_by_code(head.programmes),
        organ_levels=_by_code(organs.levels),
        stages=_by_code(documents.stages),
        events=_by_code(documents.events),
        facts=_by_code(documents.facts),
        document_types=_by_code(types),
        file_order=order,
        roles=_by_code(roles.roles),
        access_marks=_by_code(roles.access_marks),
        acts=_by_code(roles.acts),
        incompatible_roles=tuple(frozenset(pair) for pair in roles.incompatible_roles),
        per_object_separation=roles.per_object_separation,
        fonds_pattern=classification.fonds_pattern,
        classification=_by_code(classification.categories),
        code_templates=_by_code(classification.code_templates),
        triggers=_by_code(retention.triggers),
        retention_rules=retention.rules,
        household_no_template=head.household_no.template,
        organs=organs,
        review=review,
        borrowing=borrowing,
    )


def load_profile(folder: FolderPath) -> Profile:
    """The profile whose files lie in ``folder``; hidden files are passed over."""
    if not folder.is_dir():
        raise Invalid(
            "profile.folder",
            zh=f"找不到规则文件夹 {folder}。请检查路径。",
            en=f"There is no profile folder {folder}. Check the path.",
            folder=str(folder),
        )
    return load_bytes(
        {one.name: one.read_bytes() for one in sorted(folder.iterdir()) if one.is_file() and one.name[0] != "."}
    )


@lru_cache(maxsize=8)
def builtin(name: str = "social_assistance") -> Profile:
    """A profile that comes with the program."""
    folder = resources.files("metadata") / "profiles" / name
    if not name.isidentifier() or not folder.is_dir():
        raise Invalid(
            "profile.unknown",
            zh=f"没有内置规则 {name}。",
            en=f"There is no built-in profile {name}.",
            name=name,
        )
    return load_bytes({one.name: one.read_bytes() for one in folder.iterdir() if one.name.endswith(".yaml")})
