"""One probe for each part of a site: a glance, never more, that says how it is and what waits because of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ingest.checks import virus
from ingest.clamd import Clamd, ScanFailed
from lantai.backup_probe import backups
from lantai.heartbeats import database_seconds
from lantai.index_probe import index
from lantai.parts import Part, Parts, Probe, State
from lantai.watch import troubles
from metadata.errors import LantaiError
from repository.holding import check_marker
from repository.rights import ledger_protected
from repository.storage.base import Store
from repository.tables import (
    Heartbeat,
    LedgerBlock,
    LedgerEntry,
    LedgerPending,
    ReplicaObject,
    StoredObject,
    Submission,
)

if TYPE_CHECKING:
    from lantai.site import Site

LEAST_FREE = 64 << 20
"""Bytes below which a disk counts as full: a deposit of some size would not fit."""
SEALING_LATE = timedelta(minutes=10)
"""An entry of the ledger is in a block within a minute or two."""
CLOCK_OFF = timedelta(seconds=60)
_SCANNER_SECONDS = 3.0
_WAITING_LOOKED_AT = 200
UNWRITTEN_LATE = timedelta(minutes=3)
_COUNTED = 10_000


def parts_of(site: Site) -> Parts:
    """The parts of ``site``, to be looked at whenever somebody asks."""
    return Parts(partial(probes, site), site.archive.clock)


def kept_parts(site: Site) -> Parts:
    """The parts of ``site`` as this process has known them so far, so that it can say since when."""
    site.parts = site.parts or parts_of(site)
    return site.parts


def probes(site: Site) -> Mapping[str, Probe]:
    """A probe for every part of ``site``, by the part's name; nothing is asked yet, not even which replicas are in use."""
    replicas = {f"replica {name}": partial(replica, site, name) for name in site.archive.replicas.described}
    folders = {"quarantine": site.settings.quarantine, "derivatives": site.settings.derivatives}
    watched = {
        f"watched {number}": partial(watched_folder, site, number, one.path)
        for number, one in enumerate(site.settings.watched, 1)
    }
    return {
        "database": partial(database, site),
        **replicas,
        "settings": partial(settings, site),
        "index": partial(index, site),
        "scanner": partial(scanner, site),
        "workers": partial(workers, site),
        **{name: partial(folder, name, path) for name, path in folders.items()},
        "sealing": partial(sealing, site),
        "clock": partial(clock, site),
        **{f"backup {one.name}": partial(backups, site, one) for one in site.settings.backups},
        **watched,
    }


def database(site: Site) -> Part:
    """Whether the catalogue can be read."""
    try:
        with site.archive.reading() as session:
            session.execute(text("SELECT 1"))
            open_ledger = site.engine.dialect.name == "postgresql" and not ledger_protected(session)
    except (SQLAlchemyError, LantaiError):
        return _database_down()
    if open_ledger:
        return Part(
            "database",
            State.OK,
            "数据库正常；但程序的帐号可以改动台账的行，没有数据库权限的保护（见 docs/howto/postgresql.md）。",
            "The database answers; but the program's role can change rows of the ledger, no right of the database protects them (docs/howto/postgresql.md).",
            needed=True,
        )
    return Part("database", State.OK, "数据库正常。", "The database answers.", needed=True)


def _database_down() -> Part:
    return Part(
        "database",
        State.DOWN,
        "数据库没有应答：页面和移交都要等它恢复，恢复后自动继续。",
        "The database does not answer: pages and deposits wait for it and go on by themselves.",
        needed=True,
    )


def settings(site: Site) -> Part | None:
    """None, unless the settings of this process lack a replica that is in full use: then nothing is written by it."""
    lacking = ", ".join(sorted(site.archive.replicas.lacking))
    if not lacking:
        return None
    return Part(
        "settings",
        State.DEGRADED,
        f"本进程的设置中没有使用中的副本 {lacking}。请在 lantai.toml 或环境变量中写明并重新启动，或用 lantai replica retire 停用。",
        f"The settings of this process lack {lacking}, in use as replicas. Describe them in lantai.toml or the environment and restart, or retire them with `lantai replica retire`.",
    )


def replica(site: Site, name: str) -> Part | None:
    """Whether a replica is the one it should be and takes more; what a full or read-only one keeps waiting.

    None for one that is not in use.
    """
    if name not in site.archive.replicas.names:
        return None
    code, store = f"replica {name}", site.archive.replicas.store(name)
    required = name in site.archive.replicas.required
    try:
        check_marker(store, site.archive.holding_id)
    except LantaiError as error:
        zh = "等待写入的移交会自动继续。" if required else "缺少的内容恢复后自动补写。"
        en = "Deposits wait and go on by themselves." if required else "What it misses is written when it is back."
        return Part(code, State.DOWN, f"{error.zh}{zh}", f"{error.en} {en}")
    refused = _refuses(store)
    waiting = _waiting_for(site, name)
    if refused is None and waiting[0]:
        refused = waiting[1], waiting[2]
    if refused is not None:
        return Part(
            code,
            State.DEGRADED,
            f"{refused[0]}可以读取；等待的移交 {waiting[0]} 批，会自动重试。",
            f"{refused[1]} It can be read; deposits that wait and are tried again by themselves: {waiting[0]}.",
        )
    behind = _unwritten(site, name)
    if behind:
        return Part(code, State.DEGRADED, f"还有 {behind} 个对象待补写。", f"Objects it does not hold yet: {behind}.")
    return Part(code, State.OK, *_room(store, name))


def _refuses(store: Store) -> tuple[str, str] | None:
    """Why a folder takes nothing more: found before a deposit meets it."""
    root = getattr(store, "root", None)
    if not isinstance(root, Path):
        return None
    return _folder_trouble(root)


def _folder_trouble(path: Path) -> tuple[str, str] | None:
    try:
        free = shutil.disk_usage(path).free
        read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError as error:
        why = error.strerror or type(error).__name__
        return f"文件夹 {path} 无法访问（{why}）。", f"The folder {path} cannot be reached ({why})."
    if read_only:
        return f"文件夹 {path} 是只读的。", f"The folder {path} is read-only."
    if not os.access(path, os.W_OK | os.X_OK):
        return f"没有写入文件夹 {path} 的权限。", f"The folder {path} may not be written."
    if free < LEAST_FREE:
        return f"文件夹 {path} 所在磁盘已满。", f"The disk of the folder {path} is full."
    return None


def _room(store: Store, name: str) -> tuple[str, str]:
    root = getattr(store, "root", None)
    if not isinstance(root, Path):
        return f"副本 {name} 正常。", f"Replica {name} answers."
    free = shutil.disk_usage(root).free
    return f"可用空间 {_gib(free)}。", f"{_gib(free)} free."


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"


def _waiting_for(site: Site, name: str) -> tuple[int, str, str]:
    """Deposits that a fault of this replica keeps waiting, and the newest sentence about it."""
    wanted = (
        select(Submission.error)
        .where(Submission.state.in_(("accepted", "storing")), Submission.error.is_not(None))
        .order_by(Submission.updated_at.desc())
        .limit(_WAITING_LOOKED_AT)
    )
    try:
        with site.archive.reading() as session:
            mine = [one for one in session.scalars(wanted) if one and one.get("store") == name]
    except SQLAlchemyError:
        return 0, "", ""
    return len(mine), (str(mine[0]["zh"]) if mine else ""), (str(mine[0]["en"]) if mine else "")


def _unwritten(site: Site, name: str) -> int:
    """Objects registered some minutes ago that this replica does not hold; counted up to ten thousand."""
    since = site.archive.clock.now() - UNWRITTEN_LATE
    wanted = (
        select(ReplicaObject.key)
        .join(StoredObject, StoredObject.key == ReplicaObject.key)
        .where(ReplicaObject.replica == name, ReplicaObject.written_at.is_(None), StoredObject.created_at < since)
        .limit(_COUNTED)
    )
    try:
        with site.archive.reading() as session:
            return session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    except SQLAlchemyError:
        return 0


def scanner(site: Site) -> Part:
    """Whether malware is looked for, and with signatures that are worth something."""
    configured = site.settings.virus
    if not configured.address:
        return Part(
            "scanner", State.NOT_CHECKED, "没有设置病毒扫描：移交标明“未检查”。", "None is set up: deposits say so."
        )
    try:
        version = Clamd(configured.address, min(configured.seconds, _SCANNER_SECONDS)).version()
    except ScanFailed as failed:
        waits = configured.when_away == "wait"
        zh = "移交等待它恢复后自动继续。" if waits else "移交照常接收，并标明“未检查”。"
        en = "Deposits wait and go on by themselves." if waits else "Deposits are taken in and say “not checked”."
        return Part(
            "scanner",
            State.DOWN,
            f"病毒扫描程序没有应答（{failed.reason}）。{zh}",
            f"The virus scanner does not answer ({failed.reason}). {en}",
        )
    if any(virus.signatures(version, configured, site.archive.clock.now())):
        built = version.built.date().isoformat() if version.built else "-"
        return Part(
            "scanner",
            State.DEGRADED,
            f"病毒特征库过旧或只有自备特征（{built}）。请更新。",
            f"The signatures are old, or only one's own ({built}). Update them.",
        )
    return Part("scanner", State.OK, f"{version}。", f"{version}.")


def workers(site: Site) -> Part:
    """How many workers live."""
    try:
        with site.archive.reading() as session:
            now = database_seconds(session)
            beats = list(session.scalars(select(Heartbeat.seen)))
    except (SQLAlchemyError, LantaiError):
        return Part("workers", State.NOT_CHECKED, "数据库没有应答，无法得知。", "The database, which knows, is away.")
    alive = [one for one in beats if one >= now - site.settings.worker_ttl_seconds]
    if alive:
        oldest = max(0, round(now - min(alive)))
        return Part(
            "workers",
            State.OK,
            f"{len(alive)} 个工作进程，最久 {oldest} 秒前有心跳。",
            f"Running: {len(alive)}; the oldest heartbeat is {oldest} s old.",
        )
    since = datetime.fromtimestamp(max(beats), UTC) if beats else None
    return Part(
        "workers",
        State.DOWN,
        "没有工作进程在运行：移交、索引、完整性检查都会排队等待，不会丢失。",
        "No worker is running: deposits, the index and audits wait in line; nothing is lost.",
        since=since,
    )


def folder(name: str, path: Path) -> Part:
    """Whether a working folder of the site takes more."""
    trouble = _folder_trouble(path)
    if trouble is None:
        free = _gib(shutil.disk_usage(path).free)
        return Part(name, State.OK, f"可用空间 {free}。", f"{free} free.")
    zh, en = _WITHOUT[name]
    return Part(name, State.DOWN, f"{trouble[0]}{zh}", f"{trouble[1]} {en}")


_WITHOUT = {
    "quarantine": (
        "新的移交会被拒绝，来源不受影响；请腾出空间。",
        "New deposits are refused and their sources stay as they are; free some room.",
    ),
    "derivatives": (
        "暂时不能生成文字和图像，原件不受影响。",
        "Text and pictures cannot be made for the moment; originals are not touched.",
    ),
}


def sealing(site: Site) -> Part:
    """Whether the ledger's entries come into blocks in time."""
    try:
        with site.archive.reading() as session:
            waiting, oldest = _unsealed(session)
    except (SQLAlchemyError, LantaiError):
        return Part("sealing", State.NOT_CHECKED, "数据库没有应答，无法得知。", "The database, which knows, is away.")
    if oldest is not None and site.archive.clock.now() - oldest > SEALING_LATE:
        return Part(
            "sealing",
            State.DEGRADED,
            f"台账有 {waiting} 条记录迟迟没有封存。请检查工作进程。",
            f"Entries of the ledger that wait to be sealed for too long: {waiting}. Look after the workers.",
            since=oldest,
        )
    return Part("sealing", State.OK, f"待封存 {waiting} 条。", f"Waiting to be sealed: {waiting}.")


def _unsealed(session: Session) -> tuple[int, datetime | None]:
    waiting = session.scalar(select(func.count()).select_from(LedgerPending)) or 0
    first = select(LedgerPending.entry_seq).order_by(LedgerPending.entry_seq).limit(1).scalar_subquery()
    return waiting, session.scalar(select(LedgerEntry.at).where(LedgerEntry.seq == first))


def clock(site: Site) -> Part:
    """Whether this machine's clock agrees with the database's, and stands not before what the ledger has sealed."""
    now = site.archive.clock.now()
    try:
        with site.archive.reading() as session:
            told = datetime.fromtimestamp(database_seconds(session), UTC)
            sealed = session.scalar(select(func.max(LedgerBlock.sealed_at)))
    except (SQLAlchemyError, LantaiError):
        return Part("clock", State.NOT_CHECKED, "数据库没有应答，无法比较。", "The database, to compare with, is away.")
    off = abs((now - told).total_seconds())
    if off > CLOCK_OFF.total_seconds():
        return Part(
            "clock",
            State.DEGRADED,
            f"本机时钟与数据库相差 {off:.0f} 秒。请校准时钟。",
            f"The clock of this machine and the database's differ by {off:.0f} s. Set them by a time server.",
        )
    if sealed is not None and sealed - now > CLOCK_OFF:
        return Part(
            "clock",
            State.DEGRADED,
            "本机时钟早于台账中最新的封存时间。请校准时钟。",
            "The clock of this machine stands before the newest seal of the ledger. Set it by a time server.",
        )
    return Part("clock", State.OK, "时钟一致。", "The clocks agree.")


def watched_folder(site: Site, number: int, path: Path) -> Part:
    """Whether a watched folder can be used; ``number``: its place in the settings."""
    name = f"watched {number}"
    try:
        found = next((one for one in troubles(site) if one.path == path), None)
    except (SQLAlchemyError, LantaiError):
        return Part(name, State.NOT_CHECKED, "数据库没有应答，无法得知。", "The database, which knows, is away.")
    if found is not None:
        return Part(name, State.DOWN, found.zh, found.en)
    return Part(name, State.OK, "监控中。", "It is watched.")
