"""The sealer: orders waiting entries into signed, chained blocks.

One process seals at a time (lease ``sealer``). A block's bytes are in the database, under unique ``(stream, number)``,
before any store sees them; writing them to a replica can then be repeated until it is confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from metadata.errors import Conflict, Unavailable
from repository import leases, pending
from repository.archive import Archive
from repository.ledger import block
from repository.ledger.entry import STREAMS
from repository.revisions import FrozenObject, expect_on_replicas, freeze
from repository.storage import layout
from repository.tables import LedgerBlock, LedgerEntry, LedgerPending, StoredObject

LEASE = "sealer"
INTERVAL = timedelta(seconds=60)
_LEASE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A block just sealed."""

    stream: str
    number: int
    key: str
    sha256: str
    entries: int


def seal(
    archive: Archive, *, now: datetime | None = None, streams: Sequence[str] = STREAMS, force: bool = True
) -> list[SealedBlock]:
    """Seal every waiting entry of ``streams`` and bring the blocks to the replicas.

    Without ``force`` a stream is sealed only when a full block waits or its oldest entry is a minute old. Raises
    ``Unavailable`` while another process seals, ``Conflict`` when a replica holds blocks that the database does not
    know (an old backup was restored: writing stops until ``rebuild --forward``).
    """
    moment = now or archive.clock.now()
    holder = leases.holder_name(LEASE)
    sealed: list[SealedBlock] = []
    with leases.held(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
        with archive.reading() as session:
            ripe = [stream for stream in streams if force or _is_ripe(session, stream, moment)]
        for stream in ripe:
            if not _waiting(archive, stream):
                continue
            _refuse_when_a_store_is_ahead(archive, stream, moment)
            while (one := _seal_one(archive, stream, moment)) is not None:
                sealed.append(one)
                if one.entries < block.MAX_ENTRIES:
                    break  # what was entered meanwhile waits for the next time: on a busy site this would never end
                if not leases.renew(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
                    break
    if sealed:
        pending.write_pending_objects(archive)
    return sealed


def count_waiting(session: Session) -> dict[str, int]:
    """How many entries of each stream no block holds yet."""
    counted = session.execute(select(LedgerPending.stream, func.count()).group_by(LedgerPending.stream))
    return dict(counted.tuples().all())


def freeze_keys(session: Session, archive: Archive) -> None:
    """Freeze the public ledger keys for every replica; harmless when they are there."""
    documents = archive.keys.key_documents(archive.holding_id)
    freeze(
        session,
        [FrozenObject(layout.ledger_key_key(key_id), "ledger_key", data) for key_id, data in documents],
        now=archive.clock.now(),
    )


def last_block(session: Session, stream: str) -> LedgerBlock | None:
    """The newest block of ``stream``."""
    return session.scalars(
        select(LedgerBlock).where(LedgerBlock.stream == stream).order_by(LedgerBlock.number.desc()).limit(1)
    ).first()


def _waiting(archive: Archive, stream: str) -> bool:
    with archive.reading() as session:
        return (
            session.scalar(select(LedgerPending.entry_seq).where(LedgerPending.stream == stream).limit(1)) is not None
        )


def _is_ripe(session: Session, stream: str, now: datetime) -> bool:
    count, oldest = session.execute(
        select(func.count(), func.min(LedgerEntry.at))
        .select_from(LedgerPending)
        .join(LedgerEntry, LedgerEntry.seq == LedgerPending.entry_seq)
        .where(LedgerPending.stream == stream)
    ).one()
    return bool(count) and (count >= block.MAX_ENTRIES or oldest <= now - INTERVAL)


def _refuse_when_a_store_is_ahead(archive: Archive, stream: str, now: datetime) -> None:
    """``Conflict`` when a replica lists a block with a number that the database has not reached.

    Keys go by month and number, so that the listing begins behind the last block. A clock that was wrong for a while
    puts blocks out of that order: where the last one lies in a month to come, it begins at the present one, and numbers
    decide.
    """
    with archive.reading() as session:
        newest = last_block(session, stream)
    last = newest.number if newest else 0
    month = f"ledger/{stream}/{now.astimezone(UTC):%Y/%m}/"
    after = (newest.key if newest.key.startswith(month) else min(newest.key, month)) if newest else ""
    for name in archive.replicas.names:
        try:
            listed = archive.replicas.store(name).list(f"ledger/{stream}/", after=after)
            ahead = next((one for one in listed if (layout.parse(one.key).number or 0) > last), None)
        except Unavailable:
            continue  # what it holds is looked at when it answers; pending objects wait for it anyway
        if ahead is not None:
            raise Conflict(
                "ledger.store_ahead",
                zh=f"副本 {name} 中有数据库所不知道的台账区块（{ahead.key}），数据库可能是旧备份。已停止封存；请执行 lantai rebuild --forward。",
                en=f"Replica {name} holds a ledger block that the database does not know ({ahead.key}); the database may be an old backup. Sealing stopped; run lantai rebuild --forward.",
                replica=name,
                key=ahead.key,
            )


def _seal_one(archive: Archive, stream: str, now: datetime) -> SealedBlock | None:
    """Freeze the next block of ``stream`` in one transaction; nothing when no entry waits."""
    with archive.sessions.begin() as session:
        waiting = session.execute(
            select(LedgerEntry.seq, LedgerEntry.body)
            .join(LedgerPending, LedgerPending.entry_seq == LedgerEntry.seq)
            .where(LedgerPending.stream == stream)
            .order_by(LedgerEntry.seq)
            .limit(block.MAX_ENTRIES)
        ).all()
        if not waiting:
            return None
        freeze_keys(session, archive)
        previous = last_block(session, stream)
        number = previous.number + 1 if previous else 1
        made = block.build(
            holding=archive.holding_id,
            stream=stream,
            number=number,
            previous=previous.sha256 if previous else None,
            lines=[body.encode() for _, body in waiting],
            sealed_at=now,
            key_id=archive.keys.ledger_key_id,
            signer=archive.keys.sign,
        )
        key = layout.block_key(stream, number, now)
        register_block(session, stream=stream, number=number, key=key, made=made, now=now)
        expect_on_replicas(session, [key])
        seqs = [seq for seq, _ in waiting]
        for start in range(0, len(seqs), 500):
            session.execute(delete(LedgerPending).where(LedgerPending.entry_seq.in_(seqs[start : start + 500])))
    return SealedBlock(stream, number, key, made.sha256, made.entries)


def register_block(session: Session, *, stream: str, number: int, key: str, made: block.Block, now: datetime) -> None:
    """Insert a block and its object row; the bytes stand in the block's row only."""
    session.execute(
        insert(LedgerBlock).values(
            stream=stream,
            number=number,
            key=key,
            entries=made.entries,
            sha256=made.sha256,
            merkle_root=made.merkle_root,
            body=made.data,
            sealed_at=now,
        )
    )
    session.execute(
        insert(StoredObject).values(
            key=key, kind="block", sha256=made.sha256, size=len(made.data), body=None, created_at=now
        )
    )
