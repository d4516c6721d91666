"""``python -m tests.corpus KIND/NAME …``: what cases yield today, as JSON for ``expected.json``; ``--write`` keeps it.

Read what is written before it is committed: it says what the program does, not what it should do.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ingest.pool import CheckPool
from repository.clock import FixedClock
from repository.db import open_engine
from repository.tables import Base
from tests.archives import bureau_archive
from tests.corpus.cases import Case, Told, cases, take_in


def _shown(case: Case, told: Told) -> dict[str, Any]:
    loud = [row for row in told.findings if row["severity"] != "notice"]
    wanted = {row["code"] for row in case.expected.get("findings", [])}
    quiet = [row for row in told.findings if row["severity"] == "notice" and row["code"] in wanted]
    told_now: dict[str, Any] = {"state": told.state}
    if told.records:
        told_now["records"] = told.records
    told_now |= {name: case.expected[name] for name in ("options", "limits") if name in case.expected}
    return told_now | {"findings": [*loud, *quiet]}


def _ordered(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"findings": {(row["code"], row["severity"], row.get("path")) for row in told["findings"]}}


def main(arguments: list[str]) -> int:
    """Show or write; 1 when a case yields other than it is expected to."""
    write = "--write" in arguments
    names = [one.strip("/") for one in arguments if not one.startswith("-")]
    pool = CheckPool(2, memory_bytes=4 << 30, seconds=20, batch=16)
    differs = 0
    try:
        for case in cases():
            if names and f"{case.kind}/{case.name}" not in names and case.kind not in names:
                continue
            with tempfile.TemporaryDirectory() as folder:
                base = Path(folder)
                engine = open_engine(f"sqlite:///{base / 'lantai.db'}", busy_seconds=5)
                Base.metadata.create_all(engine)
                (base / "made").mkdir()
                started = time.monotonic()
                told = take_in(
                    bureau_archive(base, engine, FixedClock()), case.make(base / "made"), case.expected, pool
                )
                seconds = time.monotonic() - started
                engine.dispose()
            shown = _shown(case, told)
            same = _ordered(shown) == _ordered(case.expected)
            differs += not same
            print(
                f"{case.kind}/{case.name}{'' if same else '  DIFFERS'}{'  LOST' if told.lost else ''}  {seconds:.1f} s"
            )
            if not same:
                print(json.dumps(shown, ensure_ascii=False, indent=2))
            others = sorted({row["code"] for row in told.findings if row["severity"] == "notice"})
            print(f"  notices: {', '.join(others) or 'none'}; error: {told.error and told.error.get('code')}")
            if write and not same:
                text = json.dumps(shown, ensure_ascii=False, indent=2) + "\n"
                (case.folder / "expected.json").write_text(text, encoding="utf-8")
    finally:
        pool.close()
    return 1 if differs and not write else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
