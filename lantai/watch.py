"""Watched folders: what an organ's scanner or system puts there becomes deposits by itself.

An entry directly in the folder (a file, a folder, a ZIP) is one deposit. It is taken once everything in it stood still
from one look to a later one, ``quiet_seconds`` apart. Its bytes are received into quarantine, the deposit is committed
and handed to the workers, and only then is the entry moved to ``taken/<day>/<submission id>-<name>``; beside it a report
of the findings is written once there is one. Killed anywhere in between, the next look finds the same deposit again by
its key and goes on: nothing is taken twice and nothing is lost. Nothing is ever deleted from a watched folder.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from ingest import quarantine
from ingest.decisions import withdraw
from ingest.submissions import open_submission, read_submission, receive_path
from lantai import watch_reports
from lantai.settings import WatchedFolder
from lantai.site import Site
from lantai.watch_reports import REPORTS
from metadata.errors import Conflict, LantaiError
from metadata.identifiers import is_id
from repository.clock import local_date
from repository.tables import Organ, Submission

log = logging.getLogger("lantai.watch")

TAKEN = "taken"
_UNFINISHED = (".part", ".tmp", ".partial", ".crdownload", ".filepart")
_SETTLED = frozenset({"waiting", "rejected", "done", "returned", "withdrawn", "failed"})
_FINAL = _SETTLED - {"waiting"}
_RECENT = (timedelta(0), timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a watched folder cannot be used."""

    path: Path
    zh: str
    en: str


def troubles(site: Site) -> list[Trouble]:
    """Watched folders that cannot be used now: missing, not writable, of an organ that does not exist."""
    with site.archive.reading() as session:
        return [found for one in site.settings.watched if (found := _trouble(session, site, one)) is not None]


def _trouble(session: Session, site: Site, watched: WatchedFolder) -> Trouble | None:
    path = watched.path
    if not path.is_dir():
        return Trouble(path, f"监控文件夹 {path} 不存在。请建立它。", f"The watched folder {path} is missing. Make it.")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Trouble(
            path,
            f"监控文件夹 {path} 不能读写。请检查权限。",
            f"The watched folder {path} may not be read and written. Check its permissions.",
        )
    if (path / TAKEN).is_symlink():
        return Trouble(
            path,
            f"监控文件夹 {path} 里的 {TAKEN} 是符号链接。请删除它。",
            f"{TAKEN} in the watched folder {path} is a symbolic link. Remove it.",
        )
    if _organ(session, watched) is None:
        return Trouble(
            path,
            f"监控文件夹 {path} 的单位 {watched.organ} 不存在。请检查设置。",
            f"The organ {watched.organ} of the watched folder {path} does not exist. Check the settings.",
        )
    if watched.programme and watched.programme not in site.archive.profile.programmes:
        return Trouble(
            path,
            f"监控文件夹 {path} 的救助项目 {watched.programme} 不存在。请检查设置。",
            f"The programme {watched.programme} of the watched folder {path} does not exist. Check the settings.",
        )
    return None


def _organ(session: Session, watched: WatchedFolder) -> Organ | None:
    return session.scalars(select(Organ).where(Organ.code == watched.organ)).first()


def look(site: Site) -> int:
    """One look at every watched folder: entries taken. A folder in trouble is told in the log and passed over."""
    taken = 0
    for watched in site.settings.watched:
        with site.archive.reading() as session:
            trouble = _trouble(session, site, watched)
        if trouble is not None:
            log.warning("%s", trouble.en)
            continue
        try:
            with _alone(watched.path) as mine:
                if mine:
                    taken += _Watch(site, watched).look()
        except (LantaiError, OSError) as error:
            log.warning("watched folder %s: %s", watched.path, error)
    return taken


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether this process alone looks at ``folder`` now; the right ends with the process."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
            yield False
        else:
            yield True
    finally:
        os.close(handle)


class _Watch:
    """One look at one folder. What was seen stands in a file in quarantine; without it entries only wait once more."""

    def __init__(self, site: Site, watched: WatchedFolder) -> None:
        self._site, self._archive, self._watched = site, site.archive, watched
        name = hashlib.sha256(os.fsencode(watched.path)).hexdigest()[:32]
        self._memory = site.archive.quarantine / f".watched-{name}.json"
        self._now = self._archive.clock.now()

    def look(self) -> int:
        """Take what stood still, write reports that are due; how many entries were taken."""
        seen, open_reports = self._recall()
        found: dict[str, dict[str, Any]] = {}
        taken = 0
        for entry in self._entries():
            mark = fingerprint(entry)
            before = seen.get(entry.name)
            known = mark is not None and before is not None and before["mark"] == mark
            since = datetime.fromisoformat(before["since"]) if known and before else self._now
            if known and mark and (self._now - since).total_seconds() >= self._watched.quiet_seconds:
                place = self._try(entry, mark)
                if place is not None:
                    open_reports[str(place)] = ""
                    taken += 1
                    self._remember(seen, open_reports)
                    continue
            if mark is not None:
                found[entry.name] = {"mark": mark, "since": since.isoformat()}
        self._remember(found, self._report(open_reports))
        return taken

    def _entries(self) -> list[Path]:
        with os.scandir(self._watched.path) as listing:
            entries = sorted(listing, key=lambda one: os.fsencode(one.name))
        wanted = []
        for one in entries:
            lower = one.name.lower()
            if one.name == TAKEN or lower.startswith(".") or lower.endswith((*_UNFINISHED, *REPORTS)):
                continue
            if one.is_symlink():
                log.warning("watched folder %s: a symbolic link is passed over", self._watched.path)
                continue
            wanted.append(Path(one.path))
        return wanted

    def _try(self, entry: Path, mark: str) -> Path | None:
        """Take one entry; its faults stop no other entry."""
        try:
            return self._take(entry, mark)
        except (LantaiError, OSError) as error:
            log.warning("watched folder %s: an entry was not taken: %s", self._watched.path, error)
            return None

    def _take(self, entry: Path, mark: str) -> Path | None:
        with self._archive.sessions.begin() as session:
            organ = _organ(session, self._watched)
            if organ is None:
                return None
            actor = Actor(id="watcher", kind="system", name="监控文件夹", organ_id=organ.id)
            submission_id = self._opened(session, actor, entry, mark)
        try:
            receive_path(
                self._archive,
                submission_id,
                [entry],
                limits=self._site.settings.limits,
                still=lambda: fingerprint(entry) == mark,
            )
        except Conflict:  # somebody writes into it: a later look takes the whole anew, and this half of it is dropped
            log.warning("watched folder %s: an entry changed while it was taken and stays", self._watched.path)
            with self._archive.sessions.begin() as session:
                withdraw(session, archive=self._archive, actor=actor, submission_id=submission_id)
            quarantine.remove(quarantine.folder(self._archive.quarantine, submission_id))
            return None
        with self._archive.sessions.begin() as session:
            if read_submission(session, submission_id).state == "examining":
                self._site.jobs.enqueue_ingest(session, submission_id)
        return self._move(entry, submission_id)

    def _opened(self, session: Session, actor: Actor, entry: Path, mark: str) -> str:
        """The deposit of this entry: the one that an earlier look began, unless it was withdrawn since."""
        for turn in count():
            submission = open_submission(
                session,
                archive=self._archive,
                actor=actor,
                organ_id=actor.organ_id,
                title=_printable(entry.name),
                channel="watched",
                options={"programme": self._watched.programme or None},
                idempotency_key=f"watched:{mark}" + (f"-{turn}" if turn else ""),
            )
            if submission.state != "withdrawn":
                return submission.id
        raise AssertionError

    def _move(self, entry: Path, submission_id: str) -> Path:
        day = local_date(self._now, self._archive.zone).isoformat()
        folder = self._watched.path / TAKEN / day
        folder.mkdir(parents=True, exist_ok=True)
        name = os.fsencode(f"{submission_id}-") + os.fsencode(entry.name)
        place = Path(os.fsdecode(os.fsencode(folder) + b"/" + _short(name)))
        entry.rename(place)
        for changed in (folder, self._watched.path):
            _sync(changed)
        return place

    # --- reports --------------------------------------------------------------------------------------------------

    def _report(self, open_reports: dict[str, str]) -> dict[str, str]:
        """Write the reports that are due; those still to be followed, with the state last written."""
        left = {}
        for text, written in open_reports.items():
            place = Path(text)
            submission_id = place.name[:36]
            if not is_id(submission_id) or not place.exists():
                continue
            with self._archive.reading() as session:
                row = session.scalars(select(Submission).where(Submission.id == submission_id)).first()
                if row is None:
                    continue
                state = row.state
                if state in _SETTLED and state != written:
                    watch_reports.write(session, row, place, self._now, self._archive.zone)
                    written = state  # noqa: PLW2901 - what is remembered of it
            if state not in _FINAL:
                left[text] = written
        return left

    # --- memory ---------------------------------------------------------------------------------------------------

    def _recall(self) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        try:
            held = json.loads(self._memory.read_text(encoding="utf-8"))
            recent = self._unreported(
                [local_date(self._now - back, self._archive.zone).isoformat() for back in _RECENT]
            )
            return dict(held["seen"]), {**recent, **held["reports"]}  # recent: killed between moving and remembering
        except (OSError, ValueError, KeyError, TypeError):
            return {}, self._unreported()

    def _unreported(self, days: Sequence[str] = ("*",)) -> dict[str, str]:
        """Taken entries without a report, found by looking."""
        folder = self._watched.path / TAKEN
        return {
            str(one): ""
            for day in days
            for one in folder.glob(f"{day}/*")
            if is_id(one.name[:36])
            and not one.name.endswith(REPORTS)
            and not one.with_name(one.name + ".report.json").exists()
        }

    def _remember(self, seen: dict[str, dict[str, Any]], reports: dict[str, str]) -> None:
        fresh = self._memory.with_suffix(".new")
        text = json.dumps({"seen": seen, "reports": reports})
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._memory)


def fingerprint(entry: Path) -> str | None:
    """What an entry is made of: place, paths, sizes and times of everything inside, nothing followed.

    None while something in it is unfinished by its name, or cannot be looked at. An entry that is put there a second
    time is another one, by the time at which its place was made.
    """
    digest = hashlib.sha256(os.fsencode(entry))
    try:
        root = os.lstat(entry)
        digest.update(f" {root.st_ino} {root.st_ctime_ns} {root.st_size} {root.st_mtime_ns}".encode())
        if stat.S_ISDIR(root.st_mode):
            for name, found in _inside(os.fsencode(entry), b""):
                if name.lower().endswith(tuple(os.fsencode(one) for one in _UNFINISHED)):
                    return None
                digest.update(b"\n" + name + f" {found.st_size} {found.st_mtime_ns}".encode())
        elif not stat.S_ISREG(root.st_mode):
            return None
    except OSError:
        return None
    return digest.hexdigest()


def _inside(folder: bytes, prefix: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda one: one.name)
    for one in entries:
        yield prefix + one.name, one.stat(follow_symlinks=False)
        if one.is_dir(follow_symlinks=False):
            yield from _inside(one.path, prefix + one.name + b"/")


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()[:280]


def _short(name: bytes) -> bytes:
    """A name of which report and entry both fit into the 255 bytes of a folder's entry; the suffix stays."""
    longest = 255 - len(REPORTS[-1])
    if len(name) <= longest:
        return name
    stem, dot, suffix = name.rpartition(b".")
    tail = dot + suffix if dot and len(suffix) <= 10 else b""
    kept = (stem if tail else name)[: longest - len(tail)]
    return kept.decode("utf-8", "ignore").encode() + tail


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
