"""The ledger comes back first: its blocks say what must be there, and every later step is held to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from metadata import digests
from metadata.errors import Conflict, Invalid, LantaiError
from repository.archive import Archive
from repository.clock import parse_stamp
from repository.fixity.incidents import RETIRED as GONE_WITH_REPLICA
from repository.fixity.incidents import UNCHANGED, WITHDRAWN
from repository.ledger import checkpoints
from repository.ledger.block import split
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.verify import LedgerReport, verify_keys
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources
from repository.storage import layout
from repository.storage.replicas import FILLING, RETIRED
from repository.tables import Counter, Incident, LedgerBlock, LedgerEntry


@dataclass(frozen=True, slots=True)
class Accession:
    """A sealed accession: when, and how many stood before it in the ledger."""

    at: datetime
    position: int
    submission_id: str | None


@dataclass
class History:
    """What the ledger told: accessions by record and version, incidents by id, submissions that were opened, and when
    replicas and profile versions (name, version) were first named. ``states``: replicas that are not in full use.
    """

    accessions: dict[tuple[str, int], Accession] = field(default_factory=dict)
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    submissions: set[str] = field(default_factory=set)
    replicas: dict[str, datetime] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    profiles: dict[tuple[str, str], datetime] = field(default_factory=dict)


def check_ledger(archive: Archive, sources: Sources, report: RebuildReport) -> LedgerReport:
    """Verify the ledger that is about to be taken over; ``Conflict`` when it must not be, unless told ``forward``."""
    keys = [key for key, info in sources.keys() if key.startswith("ledger/")]  # noqa: SIM118 - not a mapping
    own = any(info.kind == "ledger_key" and info.name == archive.keys.ledger_key_id for _, info in sources.keys())  # noqa: SIM118
    found = verify_keys(keys, sources.read, [archive.keys.public_bytes()] if own else None, sources.first)
    report.ledger_problems = tuple(one for one in found.problems if one.code != "ledger.empty")
    report.as_of = found.heads
    if sources.forward:
        return found
    if found.blocks and not own:
        raise Conflict(
            "rebuild.foreign_keys",
            zh=f"副本 {sources.first} 的台账不是用本站点的密钥签名的。请先恢复密钥备份；若密钥确已丢失，请加 --forward 重试。",
            en=f"The ledger on replica {sources.first} was not signed with this site's keys. Restore the key backup first; if the keys are lost, repeat with --forward.",
            replica=sources.first,
        )
    behind = _behind(archive, sources, found)
    if behind is not None:
        raise Conflict(
            "rebuild.below_checkpoint",
            zh=f"副本 {sources.first} 的台账落后于副本 {behind[0]}（流 {behind[1]} 应到第 {behind[2]} 块）。请改用该副本重建，或加 --forward 合并各副本所有内容。",
            en=f"The ledger on replica {sources.first} ends before what replica {behind[0]} shows (stream {behind[1]}, block {behind[2]}). Rebuild from that replica, or repeat with --forward to take over what every replica holds.",
            replica=sources.first,
            ahead=behind[0],
        )
    if report.ledger_problems:
        first = report.ledger_problems[0]
        raise Conflict(
            "rebuild.ledger_damaged",
            zh=f"副本 {sources.first} 的台账未通过校验：{first.zh}请改用其他副本；若要照现状重建，请加 --forward。",
            en=f"The ledger on replica {sources.first} does not verify: {first.en} Use another replica, or repeat with --forward to take it over as it is.",
            replica=sources.first,
        )
    return found


def _behind(archive: Archive, sources: Sources, found: LedgerReport) -> tuple[str, str, int] | None:
    """(replica, stream, block) of the furthest that another replica's blocks or checkpoint show beyond ours."""
    for name, listing in sources.listings.items():
        numbers: dict[str, int] = {}
        for key in listing:
            info = layout.parse(key) if key.startswith("ledger/") else None
            if info is not None and info.kind == "block" and info.name and info.number:
                numbers[info.name] = max(numbers.get(info.name, 0), info.number)
        checkpoint = _newest(archive, name)
        for stream, (number, _sha256) in (checkpoint.heads if checkpoint else {}).items():
            numbers[stream] = max(numbers.get(stream, 0), number)
        for stream, number in sorted(numbers.items()):
            if number > (found.heads[stream].number if stream in found.heads else 0):
                return name, stream, number
    return None


def _newest(archive: Archive, name: str) -> Checkpoint | None:
    try:
        return checkpoints.read_newest(archive.replicas.store(name))
    except LantaiError:
        return None


def restore_ledger(session: Session, archive: Archive, sources: Sources, report: RebuildReport) -> History:
    """Insert blocks and entries of both streams; note the digest of everything that they and a checkpoint name."""
    history = History()
    for sealed_at, stream, number, key in sorted(_blocks(sources, report)):
        data = sources.read(key)
        sha256 = digests.of_bytes(data)
        sources.vouch(key, sha256, len(data))
        head, lines, _ended = split(data)
        header = json.loads(head)
        session.execute(
            insert(LedgerBlock).values(
                stream=stream,
                number=number,
                key=key,
                entries=len(lines),
                sha256=sha256,
                merkle_root=header["merkle_root"],
                body=data,
                sealed_at=parse_stamp(sealed_at),
            )
        )
        _insert_entries(session, lines, key, report)
        for line in lines:
            _learn(line, sources, history)
        report.counts["blocks"] += 1
        if stream == "acts":
            report.sealed_at = sealed_at
    checkpoint = _newest(archive, sources.first)
    if checkpoint is not None:
        try:
            for row in checkpoints.read_inventory(archive.replicas.store(sources.first), checkpoint):
                sources.vouch(row["key"], row["sha256"], row["size"])
        except LantaiError as error:
            report.fault(layout.checkpoint_key(checkpoint.number, checkpoints.FILE), error)
    _restore_incidents(session, history)
    return history


def _blocks(sources: Sources, report: RebuildReport) -> Iterator[tuple[str, str, int, str]]:
    seen: set[tuple[str, int]] = set()
    for key, info in sources.of_kind("block"):
        place = (str(info.name), int(info.number or 0))
        try:
            header = json.loads(split(sources.read(key))[0])
            sealed_at, fits = header["sealed_at"], (header["stream"], header["number"]) == place
        except (ValueError, KeyError, TypeError, LantaiError):
            fits, sealed_at = False, ""
        if not fits or place in seen:
            report.fault(
                key,
                Invalid(
                    "rebuild.block_left_out",
                    zh=f"区块 {key} 无法采用。",
                    en=f"The block {key} could not be taken over.",
                    key=key,
                ),
            )
            continue
        seen.add(place)
        yield sealed_at, place[0], place[1], key


def _insert_entries(session: Session, lines: list[bytes], key: str, report: RebuildReport) -> None:
    rows = []
    for position, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            rows.append(
                {
                    "id": entry["id"],
                    "stream": entry["stream"],
                    "at": parse_stamp(entry["at"]),
                    "act": entry["act"],
                    "actor_id": entry["actor"]["id"],
                    "organ_id": entry["actor"]["organ"],
                    "record_id": entry.get("record_id"),
                    "case_file_id": entry.get("case_file_id"),
                    "submission_id": entry.get("submission_id"),
                    "request_id": entry.get("request_id"),
                    "form": entry.get("form"),
                    "account_id": entry.get("account_id"),
                    "body": line.decode(),
                }
            )
        except (ValueError, KeyError, TypeError):
            report.fault(
                key,
                Invalid(
                    "rebuild.entry_left_out",
                    zh=f"{key} 第 {position} 条记录无法读取，未采用。",
                    en=f"Entry {position} of {key} cannot be read and was left out.",
                    key=key,
                ),
            )
    if rows:
        session.execute(insert(LedgerEntry), rows)
        report.counts["entries"] += len(rows)


def _learn(line: bytes, sources: Sources, history: History) -> None:
    """What an entry of the stream ``acts`` says about objects."""
    try:
        entry = json.loads(line)
        act = entry["act"]
        if act == "record.accessioned":
            place = (entry["record_id"], entry["version"])
            history.accessions.setdefault(
                place, Accession(parse_stamp(entry["at"]), len(history.accessions), entry.get("submission_id"))
            )
            sources.vouch(layout.bag_key(*place), entry["object_sha256"], entry["object_size"])
        elif act == "description.revised":
            sources.vouch(layout.description_key(entry["record_id"], entry["revision"]), entry["sha256"])
        elif act == "case_file.revised":
            sources.vouch(layout.case_key(entry["case_file_id"], entry["revision"]), entry["sha256"])
        elif act == "entity.revised":
            key = layout.entity_key(entry["kind"], entry["entity_id"], entry["revision"])
            sources.vouch(key, entry["sha256"])
        elif act == "submission.opened":
            history.submissions.add(entry["submission_id"])
        elif act.startswith("replica."):
            _learn_of_replica(act, entry, history)
        elif act == "profile.adopted":
            history.profiles.setdefault((entry["name"], entry["version"]), parse_stamp(entry["at"]))
        elif act == "incident.opened":
            history.incidents[entry["incident_id"]] = entry
        elif act == "incident.repaired" and entry["incident_id"] in history.incidents:
            history.incidents[entry["incident_id"]]["repaired"] = entry
    except (ValueError, KeyError, TypeError, LantaiError):
        return  # a line that is no entry was counted among the faults when its row could not be made


def _learn_of_replica(act: str, entry: dict[str, Any], history: History) -> None:
    if act == "replica.added":
        history.replicas.setdefault(entry["replica"], parse_stamp(entry["at"]))
        if entry.get("to_fill"):
            history.states[entry["replica"]] = FILLING
    elif act == "replica.filled":
        history.states.pop(entry["replica"], None)
    elif act == "replica.retired":
        history.states[entry["replica"]] = RETIRED


def _restore_incidents(session: Session, history: History) -> None:
    rows = []
    for number, (incident_id, entry) in enumerate(history.incidents.items(), start=1):
        repaired = entry.get("repaired")
        closed = repaired is not None and repaired["source"] in {UNCHANGED, WITHDRAWN, GONE_WITH_REPLICA}
        rows.append(
            {
                "id": incident_id,
                "seq": number,
                "replica": entry["replica"],
                "key": entry["key"],
                "record_id": entry.get("record_id"),
                "fault": entry["fault"],
                "state": "open" if repaired is None else "closed" if closed else "repaired",
                "detail": entry.get("found", {}),
                "opened_at": parse_stamp(entry["at"]),
                "closed_at": parse_stamp(repaired["at"]) if repaired else None,
                "resolution": {name: repaired.get(name) for name in ("source", "sha256", "evidence_key")}
                if repaired
                else None,
            }
        )
    if rows:
        session.execute(insert(Incident), rows)
        session.execute(insert(Counter).values(name="incident.seq", value=len(rows)))
