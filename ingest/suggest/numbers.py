"""Household numbers, ID numbers and applicants' names in a deposit, matched with households the depositor may see.

Nothing is offered that the depositor could not look up herself: a household outside her divisions is the same as one
that is not there. A number that stands in her own material is offered back as her own words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from access.actors import Actor, actor_again
from access.gate import visible_cases
from metadata.errors import Invalid
from metadata.household import check_household_no
from repository.archive import Archive
from repository.clock import local_date
from repository.ledger.acts import ActorRef
from repository.tables import CaseFile, Household, Submission
from search.analysis import HAN, fold

_BATCH = 400
_NUMBER = re.compile(r"(?<![0-9])[0-9]{18}[0-9xX](?![0-9])")
_NAME = re.compile(rf"(?<![{HAN}])[{HAN}]{{2,4}}(?![{HAN}])")
_MOST_NAMES = 20_000


@dataclass(slots=True)
class Clues:
    """What one record's material says about its household."""

    in_path: set[str] = field(default_factory=set)
    in_text: set[str] = field(default_factory=set)
    blinds: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.in_path or self.in_text or self.blinds or self.names)


@dataclass(slots=True)
class Known:
    """Households that the depositor may see: programmes by number, numbers by blind and by folded name."""

    programmes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_blind: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_name: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def depositor(session: Session, archive: Archive, submission: Submission) -> Actor:
    """Who deposits, with the roles held today; somebody who is no longer there sees nothing."""
    ref = ActorRef(**submission.options["actor"])
    return actor_again(session, ref, archive.profile, local_date(archive.clock.now(), archive.zone))


def household_numbers(text: str) -> Iterator[str]:
    """Household numbers in a name or path whose check character is right."""
    for match in _NUMBER.finditer(text):
        try:
            yield check_household_no(match.group())
        except Invalid:
            continue


def names_in(part: str) -> Iterator[str]:
    """What in a folder's name may be a person: runs of two to four Han characters, folded."""
    yield from (fold(match.group()) for match in _NAME.finditer(part))


def known(session: Session, archive: Archive, actor: Actor, clues: Iterable[Clues]) -> Known:
    """The households that any of ``clues`` may mean, as far as ``actor`` may see them."""
    numbers: set[str] = set()
    blinds: set[str] = set()
    names: set[str] = set()
    for one in clues:
        numbers |= one.in_path | one.in_text
        blinds |= one.blinds
        if len(names) < _MOST_NAMES:
            names |= one.names
    found = Known()
    for column, values in (
        (Household.household_no, sorted(numbers)),
        (Household.applicant_id_blind, sorted(blinds)),
        (Household.applicant_name, sorted(names)),
    ):
        for start in range(0, len(values), _BATCH):
            _look(session, visible_cases(actor, archive.profile), column.in_(values[start : start + _BATCH]), found)
    return found


def _look(session: Session, visible: ColumnElement[bool], wanted: ColumnElement[bool], found: Known) -> None:
    rows = session.execute(
        select(Household.household_no, Household.applicant_id_blind, Household.applicant_name, CaseFile.programme)
        .join(CaseFile, CaseFile.household_id == Household.id)
        .where(visible, wanted)
    )
    for number, blind, name, programme in rows:
        found.programmes[number].add(programme)
        if blind:
            found.by_blind[blind].add(number)
        if name:
            found.by_name[fold(name)].add(number)


def household(clues: Clues, found: Known) -> dict[str, Any] | None:
    """The household offered, with confidence and basis; None where nothing, or too much, points at one."""
    scores: dict[str, list[tuple[str, float]]] = defaultdict(list)
    if len(clues.in_path) == 1:
        (number,) = clues.in_path
        scores[number].append(("folder", 0.98 if number in found.programmes else 0.92))
    if len(clues.in_text) == 1:
        (number,) = clues.in_text
        scores[number].append(("text", 0.93 if number in found.programmes else 0.75))
    meant = {number for blind in clues.blinds for number in found.by_blind.get(blind, ())}
    if len(meant) == 1:
        scores[meant.pop()].append(("id_number", 0.92))
    named = {number for name in clues.names for number in found.by_name.get(name, ())}
    if len(named) == 1:
        scores[named.pop()].append(("applicant", 0.7))
    if not scores:
        return None
    ranked = sorted(scores.items(), key=lambda item: -joined(item[1]))
    number, basis = ranked[0]
    sure = joined(basis)
    if len(ranked) > 1:
        sure *= 1 - 0.6 * joined(ranked[1][1])
    offered: dict[str, Any] = {"value": number, "confidence": round(sure, 2), "basis": [one for one, _ in basis]}
    programmes = found.programmes.get(number, set())
    if len(programmes) == 1:
        offered["programme"] = next(iter(programmes))
    return offered


def joined(basis: Iterable[tuple[str, float]]) -> float:
    """Independent grounds taken together, at most 0.99: nothing is certain before a person has said so."""
    doubt = 1.0
    for _, sure in basis:
        doubt *= 1 - sure
    return min(0.99, 1 - doubt)
