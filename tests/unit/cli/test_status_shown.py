"""The state of a site as people read it at the console."""

from __future__ import annotations

import pytest

from lantai.cli import status_shown

_REPLICA = {
    "name": "a",
    "required": False,
    "state": "active",
    "reachable": True,
    "objects": 1200,
    "pending": 3,
    "damaged": 1,
    "never_checked": 4,
    "last_audit": {"finished_at": "2026-01-05T01:00:00.123456Z"},
    "location": "/srv/a",
}
_STATUS = {
    "holding_id": "h",
    "at": "2026-01-05T01:00:00.123456Z",
    "records": 1,
    "versions": 1,
    "files": 2,
    "bytes": 12_400_000,
    "parts": [{"name": "database", "state": "ok", "zh": "数据库正常。", "en": "The database answers."}],
    "index_lag": 0,
    "replicas": [_REPLICA, {**_REPLICA, "name": "b", "required": True, "reachable": False, "last_audit": None}],
    "submissions": {"waiting": 2},
    "incidents": {"open": 1, "list": [{"kind": "damaged", "key": "k", "detail": {}}]},
    "ledger": {
        "acts": {"block": 3, "sealed_at": "2026-01-05T01:00:00Z", "pending": 0},
        "use": {"block": None, "sealed_at": None, "pending": 5},
    },
    "failure_domains": {"count": 1, "shared": [["a", "b"]], "zh": "同一设备", "en": "one device"},
    "strays": 1,
    "stray_objects": [{"replica": "a", "key": "x"}],
}


def test_everything_is_told_in_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_shown.out, "_width", 300)
    status_shown.show(_STATUS)
    shown = capsys.readouterr().out
    for words in (
        "12.4 MB",
        "可选 optional",
        "1,200",
        "无法访问",
        "待档案员接收 waits for an archivist",
        "kind=damaged  key=k",
        "封至 sealed to 3",
    ):
        assert words in shown
    for words in ("2026-01-05 01:00:00 UTC", "nothing sealed", "同一设备", "replica=a  key=x"):
        assert words in shown
    assert "{" not in shown  # nothing as a program would print it


def test_a_site_without_incidents_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status_shown.show({**_STATUS, "incidents": {"open": 0, "list": []}, "strays": 0, "failure_domains": {"count": 2}})
    assert "没有未了结的异常" in capsys.readouterr().out
