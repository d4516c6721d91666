"""Deposits with a deposit list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def listed(folder: Path, **changes: Any) -> Path:
    root = folder / "in"
    root.mkdir()
    (root / "a.txt").write_text("甲")
    (root / "b.txt").write_text("乙")
    told: dict[str, Any] = {
        "format": "lantai-deposit-list/1",
        "case_files": [],
        "records": [{"title": "申请", "files": ["b.txt", "a.txt"]}],
    }
    (root / "deposit-list.json").write_text(json.dumps(told | changes, ensure_ascii=False), encoding="utf-8")
    return root
