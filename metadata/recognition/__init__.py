"""Words by which a paper's kind is recognised, kept apart from the profile: they only ever make suggestions.

A profile's version is cited by every decision made under it and is frozen in the holdings; what a paper is *called* in
practice changes more often and decides nothing. ``<profile>.yaml`` beside this module names document types of that
profile with ``names`` (what such a paper is headed or its file is called) and ``words`` (weaker: what hints at it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from metadata.profile import Profile
from metadata.profile.models import Entry, Provenance
from metadata.profile.positions import Document, read

Word = Annotated[str, StringConstraints(min_length=2, max_length=40, strip_whitespace=True)]
_BRACKETS = re.compile(r"[(（]([^()（）]*)[)）]")


class _Type(Entry):
    names: tuple[Word, ...] = ()
    words: tuple[Word, ...] = ()


class _Dates(Entry):
    labels: tuple[Word, ...] = ()
    not_labels: tuple[Word, ...] = ()


class _File(Entry):
    schema_: Literal["recognition/1"] = Field(alias="schema")
    profile: str
    provenance: Provenance
    dates: _Dates = _Dates()
    types: dict[str, _Type]


@dataclass(frozen=True)
class Recognition:
    """The words of one profile: phrase -> code of the document type.

    ``full`` holds the catalogue's own names, ``names`` what practice calls them, ``words`` mere hints. ``date_labels``
    stand before the day of a paper, ``other_dates`` before days that are something else (birth, validity).
    """

    full: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    date_labels: tuple[str, ...] = ()
    other_dates: tuple[str, ...] = ()


def _forms(title: str) -> set[str]:
    """A name of the catalogue with its bracket left out, kept and alone: 审核确认(审批)表 is also 审核确认表."""
    return {_BRACKETS.sub("", title), _BRACKETS.sub(r"\1", title)}


def load(data: bytes, file: str, profile: Profile) -> Recognition:
    """The words in ``data`` for ``profile``; ``Invalid`` (``profile.invalid``) names file, line, column and key."""
    document = read(file, data)
    try:
        told = _File.model_validate(document.values)
    except ValidationError as error:
        one = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise document.fault(
            tuple(one["loc"]), zh=f"内容不合规（{one['type']}）", en=str(one["msg"]), more=error.error_count() - 1
        ) from error
    if told.profile != profile.name:
        raise document.fault(("profile",), zh=f"应为 {profile.name}", en=f"{profile.name} is expected")
    full = {form: kind.code for kind in profile.document_types.values() for form in _forms(kind.zh)}
    names, words = _taken(document, told, profile, full)
    return Recognition(full, names, words, told.dates.labels, told.dates.not_labels)


def _taken(
    document: Document, told: _File, profile: Profile, full: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    names: dict[str, str] = {}
    words: dict[str, str] = {}
    for code, entry in told.types.items():
        if code not in profile.document_types:
            raise document.fault(
                ("types", code), zh="制度中没有这种文件类型", en="the profile has no such document type"
            )
        for kind, phrases, into in (("names", entry.names, names), ("words", entry.words, words)):
            for place, phrase in enumerate(phrases):
                other = full.get(phrase) or names.get(phrase) or words.get(phrase)
                if other is not None and other != code:
                    raise document.fault(
                        ("types", code, kind, place),
                        zh=f"“{phrase}”已属于 {other}",
                        en=f"it belongs to {other} already",
                    )
                into[phrase] = code
    return names, words


_last: tuple[Profile, Recognition] | None = None


def of(profile: Profile) -> Recognition:
    """The words for ``profile``: its file here, else the names of its catalogue alone.

    Those asked for last are kept: a process has one profile, and every deposit asks.
    """
    global _last  # noqa: PLW0603  put there whole, whoever comes first
    known = _last
    if known is None or known[0] is not profile:
        known = _last = (profile, _of(profile))
    return known[1]


def _of(profile: Profile) -> Recognition:
    file = f"{profile.name}.yaml"
    found = resources.files("metadata.recognition").joinpath(file)
    if not found.is_file():
        return Recognition({form: kind.code for kind in profile.document_types.values() for form in _forms(kind.zh)})
    return load(found.read_bytes(), file, profile)
