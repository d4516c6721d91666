"""Writes the county: a folder for every household, one for registers, and the deposit list that names every file."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from lantai.sample import papers, people, registers
from lantai.sample.county import BUREAU_CODE, COUNTY_NAME, PROGRAMME, SYNTHETIC
from lantai.sample.people import Household
from metadata.errors import Invalid

LIST_NAME = "deposit-list.json"
_POOL_FROM = 12  # below this, starting processes costs more than they save
_MOST_PROCESSES = 8

Entry = dict[str, object]


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written; ``bytes`` is the size of all files without the deposit list."""

    households: int
    records: int
    files: int
    bytes: int

    def as_dict(self) -> dict[str, int]:
        """The same as a dictionary."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Written:
    records: list[Entry]
    files: int
    size: int


def write_sample(
    out: Path,
    *,
    households: int,
    seed: int,
    files: int = 40,
    progress: Callable[[int, int], object] | None = None,
) -> SampleSummary:
    """Write the county that ``seed`` makes into the folder ``out``, which must be empty or not there yet.

    ``files`` is how many files a household with a confirmed case has, about; ``progress`` is told households done and
    how many there are. The deposit list is written last: a folder without it is unfinished.
    """
    if households < 1 or (out.exists() and any(out.iterdir())):
        raise Invalid(
            "sample.not_empty" if households >= 1 else "sample.households",
            zh=f"{out} 不是空目录，未写入任何内容。请换一个目录。" if households >= 1 else "户数至少为 1。",
            en=f"{out} is not empty; nothing was written." if households >= 1 else "At least one household is needed.",
        )
    out.mkdir(parents=True, exist_ok=True)
    county = [people.household(seed, index) for index in range(households)]
    records: list[Entry] = []
    count = size = 0
    for done, written in enumerate(_write_households(out, households, seed, files), start=1):
        records += written.records
        count += written.files
        size += written.size
        if progress is not None:
            progress(done, households)
    written = _write_entries(out, "registers", registers.registers(county, seed))
    records += written.records
    count += written.files
    size += written.size
    _write_list(out / LIST_NAME, county, records)
    return SampleSummary(households, len(records), count, size)


def _write_households(out: Path, households: int, seed: int, files: int) -> Iterator[_Written]:
    one = partial(_write_household, out, seed=seed, files=files)
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if households < _POOL_FROM or processes == 1:
        yield from map(one, range(households))
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        yield from pool.map(one, range(households), chunksize=4)


def _write_household(out: Path, index: int, *, seed: int, files: int) -> _Written:
    household = people.household(seed, index)
    return _write_entries(out, f"households/{household.number}", papers.records(household, seed, files))


def _write_entries(out: Path, folder: str, entries: Iterable[tuple[Entry, list[tuple[str, bytes]]]]) -> _Written:
    records, count, size = [], 0, 0
    for record, files in entries:
        for name, data in files:
            path = out / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            size += len(data)
        count += len(files)
        records.append({**record, "files": [f"{folder}/{name}" for name, _ in files]})
    return _Written(records, count, size)


def _write_list(path: Path, county: Iterable[Household], records: Iterable[Entry]) -> None:
    """One case file or record a line: readable with any editor, and small differences stay small."""
    head = {
        "format": "lantai-deposit-list/1",
        "title": f"{COUNTY_NAME}社会救助档案（{SYNTHETIC}）",
        "synthetic": True,
        "organ": BUREAU_CODE,
    }
    lines = [f" {_json(key)}: {_json(value)}," for key, value in head.items()]
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write("{\n" + "\n".join(lines) + '\n "case_files": [\n')
        out.write(",\n".join(_json(_case_file(household)) for household in county))
        out.write('\n ],\n "records": [\n')
        out.write(
            ",\n".join(_json({key: value for key, value in record.items() if value is not None}) for record in records)
        )
        out.write("\n ]\n}\n")


def _case_file(household: Household) -> Entry:
    applicant, *others = household.members
    stopped = household.day_of("benefit_stopped")
    entry: Entry = {
        "household_no": household.number,
        "division_code": household.village.code,
        "programme": PROGRAMME,
        "applicant": {"name": applicant.name, "id_number": applicant.id_number},
        "members": [{"name": one.name, "id_number": one.id_number, "relation": one.relation} for one in others],
        "opened_on": household.opened_on.isoformat(),
        "events": [
            {"event": one.event, "on": one.on.isoformat()} | ({"note": one.note} if one.note else {})
            for one in household.events
        ],
        "facts": dict.fromkeys(sorted(papers.case_facts(household)), True),
    }
    return entry | ({"stopped_on": stopped.isoformat()} if stopped else {})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
