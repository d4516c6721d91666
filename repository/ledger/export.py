"""Handing the ledger to an auditor: its blocks, keys and checkpoints as a folder that ``verify`` reads."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from metadata.errors import Conflict
from repository.archive import Archive
from repository.db import by_bytes
from repository.tables import LedgerBlock, StoredObject

_BATCH = 500


def export(archive: Archive, out: Path) -> int:
    """Write every sealed block, public key and checkpoint below ``out``; returns the number of files.

    ``out`` must be empty or absent (``Conflict``). What is not sealed yet is not in it.
    """
    if out.exists() and any(out.iterdir()):
        raise Conflict(
            "ledger.export_not_empty",
            zh=f"{out} 不是空文件夹，没有写入。请指定新的文件夹。",
            en=f"{out} is not empty; nothing was written. Name a new folder.",
            path=str(out),
        )
    after, files = "", 0
    while True:
        with archive.reading() as session:
            column = by_bytes(session, StoredObject.key)
            rows = session.execute(
                select(StoredObject.key, StoredObject.sha256, StoredObject.body, LedgerBlock.body)
                .outerjoin(LedgerBlock, LedgerBlock.key == StoredObject.key)
                .where(column > max(after, "ledger/"), column < "ledger/~")
                .order_by(column)
                .limit(_BATCH)
            ).all()
        if not rows:
            return files
        for key, sha256, body, block in rows:
            data = body if body is not None else block
            target = out / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data if data is not None else archive.replicas.read_any(key, sha256))
            files += 1
        after = rows[-1][0]
