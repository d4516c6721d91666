"""Read models of describing an accessioned record: the form's fields, two people's versions, the list of revisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lantai import i18n, revising
from lantai.i18n import N_
from lantai.web import display, labels
from lantai.web.visit import Visit
from metadata.errors import LantaiError, NotFound
from metadata.rights import ACCESS_LEVELS
from repository.descriptions import DescriptionRevision, revision_of
from repository.tables import Account, Record

NAMES = {
    "title": N_("Title"),
    "document_type": N_("Document type"),
    "date": N_("Document date"),
    "author": N_("Author"),
    "document_number": N_("Document number"),
    "persons": N_("Persons"),
    "page_count": N_("Pages"),
    "division_code": N_("Division"),
    "access_level": N_("Access level"),
    "access_marks": N_("Marks"),
    "note": N_("Note"),
}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that another person changed: ``theirs`` stands now; ``yours`` is what was typed; both in words.

    ``both``: both changed it. Where only she did, her value was taken over and nothing is to be decided.
    """

    name: str
    words: str
    yours: str
    theirs: str
    both: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after a revision, in words."""

    words: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """A revision with what it changed; ``unread``: its bytes could not be had now."""

    number: int
    when: str
    who: str
    changes: tuple[Change, ...]
    current: bool
    unread: bool = False


def in_words(visit: Visit, name: str, text: str) -> str:
    """A value of the form as people read it: codes with their names."""
    translated = i18n.translations(visit.language)
    profile = visit.site.archive.profile
    if not text:
        return "–"
    if name == "document_type" and text in profile.document_types:
        return f"{text} {labels.term(visit.language, profile.document_types[text])}"
    if name == "access_level" and text in ACCESS_LEVELS:
        return labels.label(translated, text, "access_level")
    if name == "access_marks":
        known = profile.access_marks
        told = [labels.term(visit.language, known[one]) if one in known else one for one in text.split(",")]
        return (", " if visit.language == "en" else "、").join(told)
    return text


def marks(visit: Visit) -> list[tuple[str, str]]:
    """The marks that the profile knows: code, words."""
    return [(one.code, labels.term(visit.language, one)) for one in visit.site.archive.profile.access_marks.values()]


def levels(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """Access levels, for a choice."""
    translated = i18n.translations(visit.language)
    return [("", [(one, labels.label(translated, one, "access_level")) for one in ACCESS_LEVELS])]


def compared(
    session: Session, visit: Visit, record: Record, typed: Mapping[str, str], seen: int
) -> tuple[dict[str, str], list[Difference]]:
    """Two people's versions laid side by side: the fields to show, and where they differ.

    ``typed`` was written over revision ``seen``. What only she changed stands in the form as she typed it; what only
    the other person changed stands there as it is now; what both changed stays as she typed it and is to be decided.
    """
    _ = i18n.translations(visit.language).gettext
    now = revising.shown(revising.current(record))
    try:
        base = revising.shown(
            {**revising.current(record), **revision_of(session, visit.site.archive, record, seen).description}
        )
    except LantaiError:  # what she saw cannot be read now: every difference is hers to decide
        base = {}
    fields, found = dict(now), []
    for name in revising.FIELDS:
        mine = typed.get(name, now[name])
        if mine == now[name]:
            continue
        hers = name not in base or mine != base[name]
        theirs = name not in base or now[name] != base[name]
        if hers:
            fields[name] = mine
        found.append(
            Difference(
                name,
                _(NAMES[name]),
                in_words(visit, name, mine),
                in_words(visit, name, now[name]),
                both=hers and theirs,
            )
        )
    return fields, found


def revisions(session: Session, visit: Visit, record: Record, *, before: int | None = None) -> list[RevisionLine]:
    """Revisions, newest first from ``before`` on, each with what it changed against the one before it."""
    _ = i18n.translations(visit.language).gettext
    newest = record.description_revision if before is None else min(before - 1, record.description_revision)
    last = max(0, newest - _SHOWN + 1)
    read = {number: _read(session, visit, record, number) for number in range(max(0, last - 1), newest + 1)}
    names = _names(session, [one.actor_id for one in read.values() if one])
    made = []
    for number in range(newest, last - 1, -1):
        one, older = read[number], read.get(number - 1)
        made.append(
            RevisionLine(
                number=number,
                when=display.moment(one.at, visit.site.archive.zone) if one else "–",
                who=names.get(one.actor_id, one.actor_id) if one else "",
                changes=_changes(visit, older, one) if one and older else (),
                current=number == record.description_revision,
                unread=one is None,
            )
        )
    return made


def _read(session: Session, visit: Visit, record: Record, number: int) -> DescriptionRevision | None:
    try:
        return revision_of(session, visit.site.archive, record, number)
    except NotFound:
        raise
    except LantaiError:
        return None


def _names(session: Session, ids: Sequence[str]) -> dict[str, str]:
    return dict(session.execute(select(Account.id, Account.display_name).where(Account.id.in_(ids))).tuples().all())


def _changes(visit: Visit, before: DescriptionRevision, after: DescriptionRevision) -> tuple[Change, ...]:
    _ = i18n.translations(visit.language).gettext
    old, new = revising.shown(before.description), revising.shown(after.description)
    return tuple(
        Change(_(NAMES[name]), in_words(visit, name, old[name]), in_words(visit, name, new[name]))
        for name in revising.FIELDS
        if _value(before.description.get(name)) != _value(after.description.get(name))
    )


def _value(value: Any) -> Any:
    return value or None
