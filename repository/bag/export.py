"""Bags out of a store: as a folder any BagIt tool can read, or as the ZIP that lies in the store.

The bag is checked on its way out, in the same single read: what is written is whole and valid, or nothing is left.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metadata.errors import Conflict, Invalid
from repository.bag.rules import BagReport, is_unsafe
from repository.bag.verify import ObjectCheck
from repository.storage.base import Store


def export_folder(store: Store, key: str, out: Path) -> BagReport:
    """Write the bag under ``key`` as the folder ``out``, which must not exist or be empty.

    ``Conflict`` when something is there, ``Invalid`` when the bag in the store is not valid (nothing is left then).
    """
    with _fresh(out) as working:
        check = ObjectCheck()
        for path, chunks in check.read(store.read(key)):
            if is_unsafe(path):
                raise _damaged(key, path)
            target = working / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.writelines(chunks)
        return _valid(check.report(), key)


def export_zip(store: Store, key: str, out: Path) -> BagReport:
    """Write the bag under ``key`` to the file ``out`` as it lies in the store; errors as ``export_folder``."""
    with _fresh(out) as working:
        check = ObjectCheck()
        with working.open("xb") as file:

            def copied() -> Iterator[bytes]:
                for chunk in store.read(key):
                    file.write(chunk)
                    yield chunk

            report = check.run(copied())
        return _valid(report, key)


def _valid(report: BagReport, key: str) -> BagReport:
    if not report.valid:
        raise _damaged(key, report.errors[0].sentence("en"))
    return report


def _damaged(key: str, detail: str) -> Invalid:
    return Invalid(
        "bag.export_damaged",
        zh=f"存储中的档案包 {key} 不完好（{detail}），没有导出。请运行完整性检查并修复。",
        en=f"The stored bag {key} is not intact ({detail}); nothing was exported. Run a fixity audit and repair it.",
        key=key,
        detail=detail,
    )


@contextmanager
def _fresh(out: Path) -> Iterator[Path]:
    """A path beside ``out`` that becomes ``out`` when all went well and is gone when not."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise Conflict(
            "export.target_exists",
            zh=f"{out} 已存在；没有覆盖。请换一个位置。",
            en=f"{out} exists and was not overwritten. Choose another place.",
            path=str(out),
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    working = beside / out.name
    try:
        yield working
        if out.is_dir():
            out.rmdir()
        working.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
