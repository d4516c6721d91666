"""A deposit list looked through by itself, before anything is deposited: one report with every row's fault.

What it says is what a deposit with the same list would say: the same reader, the same checks. Nothing is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import known_households
from ingest import files, listing
from ingest.checks import deposit_list as list_check
from ingest.files import FileRow
from ingest.findings import kind_of
from ingest.limits import IngestLimits
from ingest.listing import Listing, PoolMaker
from ingest.outcome import Finding, Severity
from ingest.walk import walk
from metadata.profile import Profile
from repository.tables import Organ


@dataclass(slots=True)
class FaultyRow:
    """A row of the list and what was found in it; ``row`` 0 and an empty ``sheet`` for what concerns no single row."""

    sheet: str
    row: int
    title: str
    faults: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class ListReport:
    """What a deposit list holds and what is wrong with it; ``files`` None when it came without its files."""

    name: str
    records: int = 0
    case_files: int = 0
    files: int | None = None
    rows: list[FaultyRow] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        return dict(Counter(kind_of(one.code).severity.value for one in self.found))

    @property
    def good(self) -> bool:
        """Whether a deposit with this list would not be refused for it."""
        return not self.counts.get(Severity.ERROR.value)


def check_bytes(
    session: Session, *, name: str, data: bytes, actor: Actor, profile: Profile, limits: IngestLimits, pool: PoolMaker
) -> ListReport:
    """The report on a list that came alone; whether its files are there is not looked at.

    ``actor``: who would deposit; households that she may not know of count as not there.
    """
    if len(data) > limits.list_bytes:
        told = {"position": "-", "reason_zh": "文件过大", "reason_en": "it is too large"}
        return _report(name, Listing(name, findings=[Finding("list.malformed", name, told)]), None, [])
    read = listing.read_bytes(data, name, profile, limits, pool)
    return _checked(session, actor, name, read, None, profile)


def check_folder(
    session: Session,
    *,
    path: Path,
    list_file: Path | None,
    actor: Actor,
    profile: Profile,
    limits: IngestLimits,
    pool: PoolMaker,
) -> ListReport | None:
    """The report on the list of a folder that would be deposited; None when it has no list.

    ``list_file``: a list that lies elsewhere, checked against the files of the folder.
    """
    rows, told = _walked(path)
    inside = _inside(path, list_file)
    if list_file is not None:
        named, source = inside or list_file.name, list_file
        folder = files.folder_of(inside) if inside else ""
    else:
        found = listing.find(rows)
        if not found:
            return None
        named, folder, source = found[0], files.folder_of(found[0]), path / found[0]
        told += [Finding("list.several", named, {"other": other}) for other in found[1:]]
    with source.open("rb") as opened:
        data = opened.read(limits.list_bytes + 1)
    if len(data) > limits.list_bytes:
        return check_bytes(session, name=named, data=data, actor=actor, profile=profile, limits=limits, pool=pool)
    read = listing.read_bytes(data, named, profile, limits, pool)
    read.prefix = folder
    marked = files.marked(rows, named if list_file is None else inside)
    if read.listed is not None and read.places is not None:
        read.listed = listing.spelled(read.listed, folder, marked)
    read.findings = [*told, *read.findings]
    return _checked(session, actor, named, read, marked, profile)


def _inside(path: Path, list_file: Path | None) -> str | None:
    """The list's path below the folder, when it lies there."""
    if list_file is None or not list_file.resolve().is_relative_to(path.resolve()):
        return None
    return list_file.resolve().relative_to(path.resolve()).as_posix()


def _walked(path: Path) -> tuple[list[FileRow], list[Finding]]:
    rows: list[FileRow] = []
    told: list[Finding] = []
    for entry in walk([path]):
        if isinstance(entry, Finding):
            told.append(entry)
        else:
            place = len(rows)
            rows.append(
                FileRow(place, place, entry.name.text, None, "", None, 0, None, None, None, None, "payload", None)
            )
    return rows, told


def _checked(
    session: Session, actor: Actor, name: str, read: Listing, rows: Sequence[FileRow] | None, profile: Profile
) -> ListReport:
    found: list[Finding] = []
    if read.listed is not None:
        organ = session.get(Organ, actor.organ_id) if actor.organ_id else None
        households = known_households(actor, profile, organ_prefix=organ.division_prefix if organ is not None else "")
        found += list_check.run(session, read.listed, read.prefix, rows, profile, households=households)
    return _report(name, read, rows, [*read.findings, *read.placed(found)])


def _report(name: str, read: Listing, rows: Sequence[FileRow] | None, found: Sequence[Finding]) -> ListReport:
    listed = read.listed
    every = list(found or read.findings)
    return ListReport(
        name,
        len(listed.records) if listed is not None else 0,
        len(listed.case_files) if listed is not None else 0,
        None if rows is None else sum(1 for row in rows if row.role == "payload"),
        list(_by_row(every, _titles(read))),
        every,
    )


def _titles(read: Listing) -> dict[int, str]:
    if read.listed is None or read.places is None:
        return {}
    return dict(zip(read.places.rows["records"], (one.title for one in read.listed.records), strict=True))


def _by_row(found: Iterable[Finding], titles: dict[int, str]) -> Iterable[FaultyRow]:
    rows: dict[tuple[str, int], FaultyRow] = {}
    grouped: dict[tuple[str, int], list[Finding]] = defaultdict(list)
    for one in found:
        grouped[str(one.params.get("sheet", "")), int(one.params.get("row", 0) or 0)].append(one)
    for (sheet, row), faults in sorted(grouped.items()):
        rows[sheet, row] = FaultyRow(sheet, row, "" if sheet else titles.get(row, ""), faults)
    return rows.values()


def as_values(report: ListReport, sentence: Any) -> dict[str, Any]:
    """The report for programs; ``sentence`` makes a finding's sentence in zh or en."""
    return {
        "name": report.name,
        "good": report.good,
        "records": report.records,
        "case_files": report.case_files,
        "files": report.files,
        "findings": [
            {
                "code": one.code,
                "severity": kind_of(one.code).severity.value,
                "path": one.path,
                "sheet": one.params.get("sheet") or None,
                "row": one.params.get("row"),
                "column": one.params.get("column") or None,
                "zh": sentence(one, "zh"),
                "en": sentence(one, "en"),
            }
            for one in report.found
        ],
    }
