"""How the state of a site is printed for people; programs ask with ``--json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lantai.cli.deposit_shown import STATES
from lantai.cli.output import out, say, table
from lantai.web.display import size

_REPLICA_STATES = {"active": "使用中", "filling": "补写中", "retired": "已停用"}


def show(found: Mapping[str, Any]) -> None:
    """Holdings, replicas, deposits, incidents, ledger: one short table each, Chinese before English."""
    table(
        ["馆藏 holdings", ""],
        [
            ("件 records", f"{found['records']:,}"),
            ("版本 versions", f"{found['versions']:,}"),
            ("文件 files", f"{found['files']:,}"),
            ("大小 size", size(found["bytes"])),
            ("检索索引待办 not yet in the index", f"{found['index_lag'] or 0:,}"),
            ("馆藏标识 holding", found["holding_id"]),
            ("时间 at", _time(found["at"])),
        ],
    )
    _parts(found["parts"])
    _replicas(found["replicas"])
    _several("移交 deposits", [(" ".join(STATES.get(k, (k, ""))), f"{n:,}") for k, n in found["submissions"].items()])
    _incidents(found["incidents"])
    _several(
        "台账 ledger",
        [(name, _sealed(one)) for name, one in found["ledger"].items()],
    )
    domains = found["failure_domains"]
    if isinstance(domains, Mapping) and domains.get("zh"):
        out.print()
        say(str(domains["zh"]), str(domains["en"]))
    if found["strays"]:
        out.print()
        say(
            f"未完成的移交在副本上留有 {found['strays']} 个对象。",
            f"Objects of unfinished deposits: {found['strays']}.",
        )
        for one in found["stray_objects"]:
            out.print(f"  {_flat(one)}", markup=False)


_PART_STATES = {"ok": "正常", "degraded": "受限", "down": "不可用", "not_checked": "未检查"}


def _parts(parts: Sequence[Mapping[str, Any]]) -> None:
    """Every part in one line; the sentences only of those that are not well."""
    _several("部件 parts", [(one["name"], f"{_PART_STATES[one['state']]} {one['state']}") for one in parts])
    for one in parts:
        if one["state"] in {"degraded", "down"}:
            since = f"（自 since {_time(one['since'])}）" if one.get("since") else ""
            out.print()
            say(f"{one['name']}：{one['zh']}{since}", f"{one['name']}: {one['en']}")


def _several(title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        out.print()
        table([title, ""], rows)


def _replicas(replicas: Sequence[Mapping[str, Any]]) -> None:
    out.print()
    table(
        [
            "副本 replica",
            "状态 state",
            "对象 objects",
            "损坏 damaged",
            "从未复核 never re-read",
            "上次审计 last audit",
            "位置 location",
        ],
        [
            (
                one["name"] if one["required"] else f"{one['name']}（可选 optional）",
                f"{_REPLICA_STATES.get(one['state'], one['state'])} {one['state']}"
                if one["reachable"] or one["state"] == "retired"
                else "无法访问 not reachable",
                f"{one['objects']:,}" + (f"（待写 pending {one['pending']:,}）" if one["pending"] else ""),
                f"{one['damaged']:,}",
                f"{one['never_checked']:,}",
                _time((one["last_audit"] or {}).get("finished_at")),
                one["location"],
            )
            for one in replicas
        ],
    )


def _incidents(incidents: Mapping[str, Any]) -> None:
    out.print()
    if not incidents["open"]:
        say("没有未了结的异常。", "No incident is open.")
        return
    say(f"未了结的异常 {incidents['open']} 件：", f"Open incidents: {incidents['open']}")
    for one in incidents["list"]:
        out.print(f"  {_flat(one)}", markup=False)


def _sealed(one: Mapping[str, Any]) -> str:
    """Where a ledger stands: its last sealed block and what waits to be sealed."""
    if one["block"] is None:
        return f"未封存 nothing sealed；待封 waiting {one['pending']:,}"
    return f"封至 sealed to {one['block']}（{_time(one['sealed_at'])}）；待封 waiting {one['pending']:,}"


def _flat(one: object) -> str:
    """An object of unknown fields in one line: its values that say something."""
    if isinstance(one, Mapping):
        return "  ".join(f"{name}={value}" for name, value in one.items() if value not in (None, "", [], {}))
    return str(one)


def _time(stamp: str | None) -> str:
    """A point in time to the second, as it stands in the ledger (UTC)."""
    return f"{stamp[:19].replace('T', ' ')} UTC" if stamp else "–"
