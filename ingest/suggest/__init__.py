"""Suggestions about every record to be: type, household, date, page count, title, each with confidence and basis.

A suggestion describes nothing by itself. It waits in ``RecordPlan.suggested`` until a person confirms it
(``ingest.suggest.given``); what nobody confirmed does not enter the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.context import Context
from ingest.files import FileRow, folder_of, name_of
from ingest.records_of import RecordOf
from ingest.suggest import days, numbers, types
from ingest.suggest.numbers import Clues
from metadata import recognition
from repository.clock import local_date
from repository.tables import Submission, SubmissionFile

__all__ = ["suggest"]

_NAMES = 20
_FOLDERS = 3
_SHARES = (1.0, 0.9, 0.8)


@dataclass(slots=True)
class _Material:
    """What the files of one record bring to a guess."""

    names: list[str]
    folders: list[str]
    text: str = ""
    pages: int = 0
    taken: date | None = None
    modified_ns: int | None = None
    clues: Clues = field(default_factory=Clues)


def suggest(
    context: Context, session: Session, submission: Submission, rows: Sequence[FileRow], records: Sequence[RecordOf]
) -> dict[int, dict[str, Any]]:
    """Suggestions by the position of the record in ``records``, for what nobody has said yet.

    What the deposit list or the depositor's options say is not guessed at again.
    """
    wanted = {place: one for place, one in enumerate(records) if not _told(one, submission)}
    if not wanted:
        return {}
    archive = context.archive
    material = _material(session, submission.id, rows, wanted)
    words = recognition.of(archive.profile)
    kinds = _types(types.Recogniser(archive.profile, words), archive.profile, wanted, material)
    actor = numbers.depositor(session, archive, submission)
    known = numbers.known(session, archive, actor, (one.clues for one in material.values()))
    today = local_date(archive.clock.now(), archive.zone)
    made: dict[int, dict[str, Any]] = {}
    for place, one in wanted.items():
        mine = material[place]
        offered: dict[str, Any] = {
            "document_type": kinds.get(place),
            "household_no": numbers.household(mine.clues, known),
            "date": days.proposed(
                names=mine.names,
                text=mine.text,
                pages=mine.pages,
                taken=mine.taken,
                modified_ns=mine.modified_ns,
                today=today,
                zone=archive.zone,
                words=words,
            ),
            "page_count": mine.pages or None,
        }
        for name in _said(one, submission):
            offered[name] = None
        offered["title"] = _title(archive.profile.document_types, offered)
        known_ones = {name: value for name, value in offered.items() if value is not None}
        if known_ones:
            made[place] = known_ones
    return made


def _said(one: RecordOf, submission: Submission) -> set[str]:
    """What is known without guessing."""
    said = {name for name in ("document_type", "household_no") if submission.options.get(name)}
    if one.listed is not None:
        said |= {name for name in ("document_type", "date", "page_count") if getattr(one.listed, name) is not None}
        if one.listed.household_nos:
            said.add("household_no")
    return said


def _told(one: RecordOf, submission: Submission) -> bool:
    return one.listed is not None and _said(one, submission) >= {"document_type", "household_no", "date"}


def _material(
    session: Session, submission_id: str, rows: Sequence[FileRow], wanted: dict[int, RecordOf]
) -> dict[int, _Material]:
    made: dict[int, _Material] = {}
    owner: dict[int, int] = {}
    first: dict[int, int] = {}
    for place, record in wanted.items():
        names, folders = _names(record, rows)
        mine = made[place] = _Material(names, folders)
        first[place] = rows[record.files[0]].seq
        stamps = [row.modified_ns for number in record.files if (row := rows[number]).modified_ns is not None]
        mine.modified_ns = min(stamps, default=None)
        for part in (*names, *folders):
            mine.clues.in_path.update(numbers.household_numbers(part))
        for part in folders:
            mine.clues.names.update(numbers.names_in(part))
        for number in record.files:
            owner[rows[number].seq] = place
    measured = select(SubmissionFile.seq, SubmissionFile.technical).where(
        SubmissionFile.submission_id == submission_id, SubmissionFile.technical.is_not(None)
    )
    for seq, technical in session.execute(measured.execution_options(yield_per=2_000)):
        if seq in owner and technical:
            _measure(made[owner[seq]], technical, heading=first[owner[seq]] == seq)
    return made


def _names(record: RecordOf, rows: Sequence[FileRow]) -> tuple[list[str], list[str]]:
    """Names of the record's files without their endings, and of the folders around it, nearest first."""
    some = [rows[number].path for number in record.files[:_NAMES]]
    names = [record.title] if record.kind in {"pages", "bag", "whole"} else []
    names += [_stem(path) for path in some]
    folder = record.root if record.root is not None else folder_of(some[0])
    return list(dict.fromkeys(names)), list(reversed(folder.split("/")))[:_FOLDERS] if folder else []


def _stem(path: str) -> str:
    name = name_of(path)
    stem, dot, ending = name.rpartition(".")
    return stem if dot and stem and len(ending) <= 10 else name


def _measure(mine: _Material, technical: dict[str, Any], *, heading: bool) -> None:
    pages = technical.get("pages")
    mine.pages += pages if isinstance(pages, int) else 1 if technical.get("width") else 0
    text = technical.get("first_text")
    if isinstance(text, str) and text and (heading or not mine.text):
        mine.text = text
    mine.clues.blinds.update(str(one) for one in technical.get("id_blinds") or ())
    mine.clues.in_text.update(str(one) for one in technical.get("household_nos") or ())
    taken = technical.get("taken_on")
    if mine.taken is None and isinstance(taken, str):
        try:
            mine.taken = date.fromisoformat(taken[:10])
        except ValueError:
            mine.taken = None


def _types(
    recogniser: types.Recogniser, profile: Any, wanted: dict[int, RecordOf], material: dict[int, _Material]
) -> dict[int, dict[str, Any]]:
    """The type guessed for each record, by its place."""
    own: dict[int, types.Evidence] = {}
    for place, mine in material.items():
        evidence = own[place] = types.Evidence()
        for name in mine.names:
            recogniser.by_name(name, "name", evidence)
        if mine.text:
            recogniser.by_text(mine.text, evidence)
    settled = types.settled_folders(
        ("/".join(material[place].folders), max(evidence.grounds, key=lambda code: len(evidence.grounds[code])))
        for place, evidence in own.items()
        if evidence.grounds
    )
    guesses: list[dict[str, Any] | None] = []
    for place, mine in material.items():
        several = settled["/".join(mine.folders)] > 1
        for folder, share in zip(mine.folders, _SHARES, strict=False):
            recogniser.by_name(folder, "folder", own[place], share * (0.5 if several else 1.0))
        guesses.append(types.guess(own[place]))
    places = list(material)
    order = {code: kind.order for code, kind in profile.document_types.items()}
    around = ["/".join(material[place].folders) for place in places]
    for number, one in types.by_neighbours(order, guesses, around):
        guesses[number] = one
    return {places[number]: one for number, one in enumerate(guesses) if one is not None and wanted}


def _title(document_types: Any, offered: dict[str, Any]) -> dict[str, Any] | None:
    """A title out of type and date, when the type is likely: 入户调查表（2024-03-05）."""
    kind = offered.get("document_type")
    if kind is None or kind["confidence"] < types.LIKELY:
        return None
    title = document_types[kind["value"]].zh
    day = offered.get("date")
    if day is not None and day["confidence"] >= types.LIKELY:
        title += f"（{day['value']}）"
    return {"value": title, "confidence": kind["confidence"], "basis": kind["basis"]}


def sureness(confidence: float) -> str:
    """A confidence in a word: ``very_likely``, ``likely`` or ``unsure``; measured shares stand in the tests."""
    return "very_likely" if confidence >= types.VERY_LIKELY else "likely" if confidence >= types.LIKELY else "unsure"


def surest(values: Iterable[dict[str, Any]]) -> float:
    """The least confidence among ``values``."""
    return min((float(one["confidence"]) for one in values), default=0.0)
