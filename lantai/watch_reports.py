"""The reports that lie beside what a watched folder took: the findings of its deposit, for people and for programs."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.masking import masked
from ingest.findings import KINDS, sentence, told_to
from repository.clock import local_date, stamp
from repository.tables import Finding, Submission

REPORTS = (".report.txt", ".report.json")
"""How the names of reports end: for people, for programs."""
_MOST_FINDINGS = 10_000
_WORDS = {
    "waiting": "待接收",
    "rejected": "未通过检查",
    "done": "已入库",
    "returned": "已退回",
    "withdrawn": "已撤回",
    "failed": "处理失败",
}
_SEVERITY = {"error": "必须改正", "warning": "请核对", "notice": "供参考"}


def write(session: Session, row: Submission, place: Path, now: datetime, zone: str) -> None:
    """Write both forms beside ``place``, where the entry lies that became the submission ``row``; each whole or not at all."""
    rows = session.scalars(
        select(Finding)
        .where(Finding.submission_id == row.id, told_to(row.actor_id, may_accept=False))
        .order_by(Finding.seq)
        .limit(_MOST_FINDINGS)
    )
    told = [_told(one) for one in rows]
    counts = row.counts or {}
    body = {
        "format": "lantai-findings-report",
        "version": 1,
        "submission_id": row.id,
        "state": row.state,
        "written_at": stamp(now),
        "counts": {name: counts.get(name, 0) for name in ("files", "bytes", "records")},
        "findings": told,
    }
    _write(place, REPORTS[1], json.dumps(body, ensure_ascii=False, indent=1) + "\n")
    _write(place, REPORTS[0], _text(row, told, now, zone))


def _told(one: Finding) -> dict[str, Any]:
    kind = KINDS.get(one.code)
    return {
        "code": one.code,
        "severity": one.severity,
        "outcome": one.outcome,
        "path": masked(one.path) if one.path else one.path,
        "zh": masked(sentence(one, "zh")),
        "en": masked(sentence(one, "en")),
        "advice_zh": kind.next_zh if kind else "",
        "advice_en": kind.next_en if kind else "",
        "clause": kind.clause if kind else "",
    }


def _text(row: Submission, told: list[dict[str, Any]], now: datetime, zone: str) -> str:
    counts = row.counts or {}
    lines = [
        "移交检查报告",
        "",
        f"移交编号：{row.id}",
        f"状态：{_WORDS.get(row.state, row.state)}",
        f"报告日期：{local_date(now, zone).isoformat()}",
        f"文件 {counts.get('files', 0)} 个，档案 {counts.get('records', 0)} 件，问题和提示 {len(told)} 条。",
    ]
    for severity, words in _SEVERITY.items():
        some = [one for one in told if one["severity"] == severity]
        if some:
            lines += ["", f"【{words}】{len(some)} 条"]
        for number, one in enumerate(some, 1):
            lines.append(f"{number}. {one['zh']}（{one['code']}）")
            if one["advice_zh"]:
                lines.append(f"   处理：{one['advice_zh']}")
    return "\n".join(lines) + "\n"


def _write(place: Path, suffix: str, text: str) -> None:
    target = place.with_name(place.name + suffix)
    fresh = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.tmp")
    fresh.write_bytes(text.encode("utf-8", "backslashreplace"))
    fresh.replace(target)
