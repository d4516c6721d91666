"""Received files as the steps see them: light rows, read in bulk, never one object a query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from repository.tables import SubmissionFile


class FileRow(NamedTuple):
    """A row of ``submission_file`` without its digests."""

    seq: int
    position: int
    path: str
    path_bytes: str | None
    source: str
    container: str | None
    size: int
    modified_ns: int | None
    puid: str | None
    format_name: str | None
    mime: str | None
    role: str
    record_id: str | None


class File(NamedTuple):
    """A received file with everything that is packed and catalogued about it."""

    position: int
    path: str
    path_bytes: str | None
    source: str
    size: int
    crc32: int
    digests: dict[str, str]
    chunk_sha256: str | None
    puid: str | None
    format_name: str | None
    format_version: str | None
    mime: str | None


_LIGHT = (
    SubmissionFile.seq,
    SubmissionFile.position,
    SubmissionFile.path,
    SubmissionFile.path_bytes,
    SubmissionFile.source,
    SubmissionFile.container,
    SubmissionFile.size,
    SubmissionFile.modified_ns,
    SubmissionFile.puid,
    SubmissionFile.format_name,
    SubmissionFile.mime,
    SubmissionFile.role,
    SubmissionFile.record_id,
)


def rows(session: Session, submission_id: str, *criteria: Any, limit: int | None = None) -> list[FileRow]:
    """The submission's files in the order received, at most ``limit``."""
    wanted = select(*_LIGHT).where(SubmissionFile.submission_id == submission_id, *criteria)
    found = session.execute(wanted.order_by(SubmissionFile.position).limit(limit))
    return [FileRow._make(one) for one in found]


class Technical(NamedTuple):
    """What is known about a file beside what its bag's plan holds."""

    position: int
    chunk_sha256: str | None
    puid: str | None
    format_name: str | None
    format_version: str | None
    mime: str | None


_Row = TypeVar("_Row", File, Technical)
_IN = 500


def of_records(
    session: Session, submission_id: str, record_ids: Sequence[str], kind: type[_Row]
) -> dict[str, list[_Row]]:
    """The payload of each record in the order received, with the columns that ``kind`` names."""
    columns = [getattr(SubmissionFile, name) for name in kind._fields]
    found: dict[str, list[_Row]] = {one: [] for one in record_ids}
    for start in range(0, len(record_ids), _IN):
        wanted = (
            select(SubmissionFile.record_id, *columns)
            .where(SubmissionFile.submission_id == submission_id)
            .where(SubmissionFile.record_id.in_(record_ids[start : start + _IN]))
            .order_by(SubmissionFile.position)
        )
        for record_id, *values in session.execute(wanted):
            found[record_id].append(kind._make(values))
    return found


def in_order(some: list[_Row], spec: Mapping[str, Any]) -> list[_Row]:
    """A record's files in the order of its plan: as listed where a deposit list said so, else as received."""
    if "order" not in spec:
        return some
    place = {position: number for number, position in enumerate(spec["order"])}
    return sorted(some, key=lambda one: place[one.position])


def digests(session: Session, submission_id: str) -> Iterator[tuple[int, dict[str, str]]]:
    """``(position, digests)`` of every file."""
    wanted = select(SubmissionFile.position, SubmissionFile.digests)
    yield from session.execute(
        wanted.where(SubmissionFile.submission_id == submission_id).order_by(SubmissionFile.position)
    ).tuples()


def folder_of(path: str) -> str:
    """The folder part of ``path``, empty at the root."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last part of ``path``."""
    return path.rpartition("/")[2]


def bag_roots(paths: list[str]) -> list[str]:
    """Folders that hold a ``bagit.txt``, outermost only; the deposit's own root is the empty text."""
    roots = sorted(folder_of(path) for path in paths if name_of(path) == "bagit.txt")
    outer: list[str] = []
    for root in roots:
        if not any(within(root, one) for one in outer):
            outer.append(root)
    return outer


def marked(rows: Sequence[FileRow], list_path: str | None) -> list[FileRow]:
    """``rows`` with the roles that names give: the deposit list, tag files of deposited bags."""
    roots = bag_roots([row.path for row in rows if row.role in {"payload", "tag"}])
    told = []
    for row in rows:
        role = row.role
        if row.path == list_path:
            role = "list"
        elif roots and role == "payload" and (root := root_of(row.path, roots)) is not None:
            role = "payload" if within(row.path, f"{root}/data" if root else "data") else "tag"
        told.append(row if role == row.role else row._replace(role=role))
    return told


def root_of(path: str, roots: Sequence[str]) -> str | None:
    """The bag in which ``path`` lies, if any."""
    return next((one for one in roots if within(path, one)), None)


def within(path: str, root: str) -> bool:
    """Whether ``path`` is ``root`` or lies below it."""
    return not root or path == root or path.startswith(root + "/")
