"""The deposit list of a submission, whatever its form: found, read once, and its positions put into words.

``deposit-list.json``, or the spreadsheets that ``ingest.list_rows`` reads (移交清单.xlsx, .csv). It lies at the root of the deposit or in
a folder directly below; deeper ones, and those inside a deposited bag, are ordinary files.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from ingest import deposit_list, files, list_rows, quarantine
from ingest.context import Context
from ingest.deposit_list import DepositList
from ingest.files import FileRow
from ingest.limits import IngestLimits
from ingest.list_cells import Places, placed
from ingest.outcome import Finding
from ingest.pool import CheckPool, Failed
from ingest.spreadsheets import Unreadable
from metadata.profile import Profile
from repository.tables import SubmissionFile

_KEPT = 1
_READER = "ingest.spreadsheets:read"
PoolMaker = Callable[[], CheckPool]
"""Gives the pool when it is needed: JSON needs none."""


@dataclass(slots=True)
class Listing:
    """A deposit list as read: ``prefix`` is its folder, ``findings`` what keeps it (or some cells) from being read."""

    path: str | None = None
    listed: DepositList | None = None
    prefix: str = ""
    findings: list[Finding] = field(default_factory=list)
    places: Places | None = None

    def placed(self, found: Iterable[Finding]) -> Iterator[Finding]:
        """``found`` with positions as a person finds them in the list."""
        return placed(found, self.places)


def find(rows: Iterable[FileRow]) -> list[str]:
    """Paths of the deposit's list: the one meant first; more than one when it cannot be known which is meant."""
    rows = list(rows)
    named = [
        row.path
        for row in rows
        if row.role in {"payload", "list"}
        and row.path.count("/") <= 1
        and deposit_list.is_list_name(files.name_of(row.path))
    ]
    if not named:
        return []
    bags = files.bag_roots([row.path for row in rows])
    free = [path for path in named if not any(files.within(path, f"{root}/data" if root else "data") for root in bags)]
    free.sort(key=lambda path: (path.count("/"), not path.endswith(deposit_list.FILE_NAME), path))
    return [path for path in free if files.folder_of(path) == files.folder_of(free[0])]


def path_of(rows: Iterable[FileRow]) -> str | None:
    """The path of the deposit's list, if it has one."""
    return next(iter(find(rows)), None)


def read(context: Context, submission_id: str, rows: Sequence[FileRow]) -> Listing:
    """The deposit's list with its findings; nothing in it when there is none.

    The same bytes are read once a process: a list of ten thousand rows is asked for by several steps.
    """
    named = find(rows)
    if not named:
        return Listing()
    path = named[0]
    row = next(row for row in rows if row.path == path)
    made = Listing(path, prefix=files.folder_of(path))
    made.findings += [Finding("list.several", path, {"other": other}) for other in named[1:]]
    if row.size > context.limits.list_bytes:
        told = {"position": "-", "reason_zh": "文件过大", "reason_en": "it is too large"}
        made.findings.append(Finding("list.malformed", path, told))
        return made
    try:
        with quarantine.opener(context.base(submission_id))(row.source) as source:
            data = source.read(row.size + 1)
    except OSError:
        made.findings.append(Finding("source.missing", path))
        return made
    with context.archive.reading() as session:
        kept = session.scalars(select(SubmissionFile.digests).where(SubmissionFile.seq == row.seq)).one()
    digest = hashlib.sha256(data).hexdigest()
    if digest != kept["sha256"]:
        made.findings.append(Finding("source.changed", path))
        return made
    key = f"{digest} {path}"
    known = context.lists.get(key)
    if known is None:
        known = read_bytes(data, path, context.archive.profile, context.limits, lambda: context.pool)
        context.lists[key] = known
        while len(context.lists) > _KEPT:
            context.lists.popitem(last=False)
    made.listed, made.places = known.listed, known.places
    made.findings += known.findings
    if made.places is not None and made.listed is not None:
        made.listed = spelled(made.listed, made.prefix, rows)
    return made


def read_bytes(data: bytes, path: str, profile: Profile, limits: IngestLimits, pool: PoolMaker) -> Listing:
    """A list out of its bytes; a spreadsheet is read in a process of ``pool()``."""
    made = Listing(path, prefix=files.folder_of(path))
    if path.lower().endswith(".json"):
        told = deposit_list.read(data, path)
        if isinstance(told, DepositList):
            made.listed = told
        else:
            made.findings += told
        return made
    ((_, answer),) = pool().map(_READER, [(files.name_of(path), data, limits.list_rows)])
    if isinstance(answer, Failed):
        answer = Unreadable(f"读取没有完成（{answer.reason}）", f"reading it broke off ({answer.reason})")
    if isinstance(answer, Unreadable):
        reason = {"position": "-", "reason_zh": answer.zh, "reason_en": answer.en}
        made.findings.append(Finding("list.malformed", path, reason))
        return made
    made.listed, found, made.places = list_rows.deposit_list(answer, path, profile)
    made.findings += found
    return made


def named_files(context: Context, submission_id: str, rows: Sequence[FileRow]) -> set[str]:
    """Paths that the deposit's list names as files of a record; a list that cannot be read names none."""
    made = read(context, submission_id, rows)
    if made.listed is None:
        return set()
    base = made.prefix + "/" if made.prefix else ""
    return {base + path for record in made.listed.records for path in record.files}


def spelled(listed: DepositList, prefix: str, rows: Sequence[FileRow]) -> DepositList:
    """``listed`` with each path as its file really spells it: composed or decomposed letters, capitals.

    A spreadsheet is typed by hand or copied from another system; a path that fits one file only means that file.
    """
    base = prefix + "/" if prefix else ""
    there = {row.path for row in rows}
    alike: dict[str, str | None] = {}
    for path in there:
        key = _alike(path)
        alike[key] = path if key not in alike else None

    def real(path: str) -> str:
        whole = base + path
        meant = whole if whole in there else alike.get(_alike(whole)) or whole
        return meant.removeprefix(base)

    records = [
        one
        if all(base + path in there for path in one.files)
        else one.model_copy(update={"files": [real(path) for path in one.files]})
        for one in listed.records
    ]
    return listed.model_copy(update={"records": records})


def _alike(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
