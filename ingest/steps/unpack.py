"""Opening containers, one a batch: looked through, judged, then unpacked to quarantine and digested on the way.

A container inside a deposited bag, or named by the deposit list, is a file like any other and stays shut.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from ingest import containers, deposit_list, files, findings, quarantine
from ingest.checks import container as container_check
from ingest.context import Context
from ingest.files import FileRow
from ingest.outcome import Finding, Severity
from ingest.receiving import Received, stream, wanted
from ingest.walk import name_finding
from repository.tables import Finding as FindingRow
from repository.tables import SubmissionFile


def open_next(context: Context, submission_id: str) -> bool:
    """Open or close the next container of the submission; False when none is left."""
    with context.archive.reading() as session:
        waiting = files.rows(session, submission_id, SubmissionFile.role == "container")
        if not waiting:
            return False
        paths = list(session.scalars(select(SubmissionFile.path).where(SubmissionFile.submission_id == submission_id)))
        one = waiting[0]
        depth = _depth(session, submission_id, one)
        alone = len(paths) == 1
    if _stays_shut(context, submission_id, one, paths):
        _mark(context, one, "payload", [])
        return True
    path = Path(os.fsdecode(quarantine.locate(context.base(submission_id), one.source)))
    found, members = _judge(context, path, one, depth)
    if any(findings.kind_of(finding.code).severity is Severity.ERROR for finding in found):
        _mark(context, one, "closed", found, submission_id)
        return True
    _unpack(context, submission_id, one, path, members, found, prefix="" if alone else one.path + "/")
    return True


def _judge(context: Context, path: Path, one: FileRow, depth: int) -> tuple[list[Finding], list[containers.Member]]:
    with path.open("rb") as opened:
        kind = containers.kind_of(one.path, opened.read(512))
    if kind in {"rar", "7z"}:
        return [Finding("container.refused_kind", one.path, {"kind": kind.upper()})], []
    if depth >= context.limits.container_depth:
        return [Finding("container.too_deep", one.path, {"limit": context.limits.container_depth})], []
    listed = containers.listing(path, one.path, context.limits)
    if isinstance(listed, Finding):
        return [listed], []
    return list(container_check.run(one.path, one.size, listed, context.limits)), listed


def _depth(session: Any, submission_id: str, one: FileRow) -> int:
    """How many containers lie around this one."""
    depth = 0
    outer = one.container
    while outer is not None:
        depth += 1
        outer = session.scalars(
            select(SubmissionFile.container)
            .where(SubmissionFile.submission_id == submission_id, SubmissionFile.path == outer)
            .where(SubmissionFile.role == "opened")
        ).first()
    return depth


def _stays_shut(context: Context, submission_id: str, one: FileRow, paths: list[str]) -> bool:
    if one.container is None and "/" not in one.path:
        inside_bag = False
    else:
        inside_bag = any(files.within(one.path, root) for root in files.bag_roots(paths))
    return inside_bag or one.path in _listed_paths(context, submission_id, paths)


def _listed_paths(context: Context, submission_id: str, paths: Iterable[str]) -> set[str]:
    """Paths that the deposit list names as files of a record; a list that cannot be read names none."""
    named = sorted(
        (path for path in paths if files.name_of(path) == deposit_list.FILE_NAME), key=lambda p: p.count("/")
    )
    if not named or named[0].count("/") > 1:
        return set()
    with context.archive.reading() as session:
        row = files.rows(session, submission_id, SubmissionFile.path == named[0])[0]
    if row.size > context.limits.list_bytes:
        return set()
    base = files.folder_of(named[0])
    try:
        with quarantine.opener(context.base(submission_id))(row.source) as source:
            told = json.loads(source.read())
        listed = {str(path) for record in told["records"] for path in record["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {f"{base}/{path}" if base else path for path in listed}


def _mark(context: Context, one: FileRow, role: str, found: list[Finding], submission_id: str | None = None) -> None:
    with context.archive.sessions.begin() as session:
        session.execute(update(SubmissionFile).where(SubmissionFile.seq == one.seq).values(role=role))
        if found and submission_id is not None:
            rows = findings.rows(found, submission_id, context.archive.clock.now())
            session.execute(insert(FindingRow), rows)


def _unpack(
    context: Context,
    submission_id: str,
    one: FileRow,
    path: Path,
    members: list[containers.Member],
    found: list[Finding],
    prefix: str,
) -> None:
    base = context.base(submission_id)
    with context.archive.sessions.begin() as session:
        mine = SubmissionFile.submission_id == submission_id
        session.execute(delete(SubmissionFile).where(mine, SubmissionFile.container == one.path))
        first = (session.scalar(select(func.max(SubmissionFile.position)).where(mine)) or 0) + 1
    rows: list[dict[str, Any]] = []
    try:
        for position, (member, opener) in enumerate(containers.extract(path, one.path, members), start=first):
            got = _member(context, base, position, member, opener, prefix)
            rows.append(got.row(submission_id, position, one.path))
            if told := name_finding(got.name):
                found.append(told)
    except (containers.Damaged, OverflowError):
        for row in rows:
            (base / str(row["source"])).unlink(missing_ok=True)
        _mark(context, one, "closed", [*found, Finding("container.damaged", one.path)], submission_id)
        return
    except OSError as error:
        raise quarantine.trouble(error) from error
    empty = _empty_folders(members)
    found += [Finding("deposit.empty_folder", prefix + name) for name in empty]
    quarantine.settle(base)
    with context.archive.sessions.begin() as session:
        session.execute(update(SubmissionFile).where(SubmissionFile.seq == one.seq).values(role="opened"))
        if rows:
            session.execute(insert(SubmissionFile.__table__), rows)  # type: ignore[arg-type]  # a Table, seen as FromClause
        if found:
            told_rows = findings.rows(found, submission_id, context.archive.clock.now())
            session.execute(insert(FindingRow), told_rows)


def _member(
    context: Context, base: Path, position: int, member: containers.Member, opener: Any, prefix: str
) -> Received:
    text = prefix + member.name.text.removeprefix("./")
    source = quarantine.numbered(position, text)
    handle = quarantine.create(base / source)
    try:
        with opener() as opened:
            several, chunks, head = stream(
                opened, handle, wanted(context.archive.profile.digest_algorithms), at_most=member.size
            )
    except containers.DAMAGED as error:
        raise containers.Damaged from error
    finally:
        os.close(handle)
    if several.size != member.size:
        raise containers.Damaged
    name = type(member.name)(text, member.name.raw, member.name.legacy)
    kind = containers.kind_of(text, head)
    return Received(name, source, several.size, None, several.crc32, several.result(), chunks, kind)


def _empty_folders(members: list[containers.Member]) -> list[str]:
    names = {member.name.text.removeprefix("./").rstrip("/") for member in members if member.kind == "folder"}
    full: set[str] = set()
    for member in members:
        parts = member.name.text.removeprefix("./").rstrip("/").split("/")
        full.update("/".join(parts[:length]) for length in range(1, len(parts)))
    return sorted(names - full - {""})
