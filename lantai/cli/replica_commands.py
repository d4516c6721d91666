"""`lantai replica`: the life of replicas."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lantai import replicas
from lantai.cli.output import Json, Steps, emit, err, out, progress, say, table, warn
from lantai.cli.session import opened
from lantai.site import Site
from lantai.web.display import size
from repository.replication import Step, compare, report
from repository.replication.comparing import LISTED, Comparison
from repository.replication.report import Filling, ReplicaReport, shared_by

replica = typer.Typer(help="The stores that keep a full copy each: add, retire, compare.", no_args_is_help=True)

STATES = {"active": "使用中", "filling": "补写中", "retired": "已停用"}
_PHASES = {
    "listing": ("登记对象", "listing"),
    "copying": ("补写", "copying"),
    "verifying": ("读回核对", "reading back"),
}
_PAUSE = 2.0


@replica.command("list")
def list_command(*, json: Json = False) -> None:
    """Every replica: state, place, objects, what is still to be written, and what they share."""
    with opened() as (site, _actor), site.archive.reading() as session:
        found = report(site.archive, session)
        together = shared_by(site.archive, found)
    if json:
        shared = [{"kind": one.kind, "replicas": one.replicas, "zh": one.zh, "en": one.en} for one in together]
        emit({"replicas": [one.as_dict() for one in found], "shared": shared})
        return
    table(
        ["副本 replica", "状态 state", "种类 kind", "对象 objects", "待写 pending", "损坏 damaged", "位置 location"],
        [
            (
                one.name if one.required else f"{one.name}（可选 optional）",
                _state(one),
                one.kind,
                f"{one.objects:,}",
                f"{one.pending:,}",
                f"{one.damaged:,}",
                one.location,
            )
            for one in found
        ],
    )
    for one in found:
        if one.filling is not None:
            zh, en = _told(one.filling)
            say(f"{one.name}：{zh}", f"{one.name}: {en}")
    for shared_one in together:
        warn(shared_one.zh, shared_one.en)


def _state(one: ReplicaReport) -> str:
    if one.state != "retired" and not one.reachable:
        return "无法访问 not reachable"
    return f"{STATES.get(one.state, one.state)} {one.state}"


def _told(filling: Filling) -> tuple[str, str]:
    zh, en = _PHASES.get(filling.phase, (filling.phase, filling.phase))
    done, read, whole = filling.copied_objects, filling.verified_objects, filling.objects
    there, all_bytes = size(filling.copied_bytes), size(filling.bytes)
    trouble = filling.trouble or {"zh": "", "en": ""}
    return (
        f"{zh}：{whole} 个对象（{all_bytes}）中已补写 {done} 个（{there}），已读回 {read} 个。{trouble['zh']}",
        f"{en}: of {whole} objects ({all_bytes}) {done} are written ({there}) and {read} read back. {trouble['en']}",
    )


@replica.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the store in lantai.toml, or a new one with --path.")],
    *,
    path: Annotated[
        Path | None, typer.Option("--path", help="Folder of a new local store; it is written into lantai.toml.")
    ] = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="With --path: it need not confirm before a version is registered.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Fill it now and wait, or leave that to the workers.")
    ] = True,
    json: Json = False,
) -> None:
    """Add a store as a replica: bring every object to it, read everything back, then use it. May be interrupted and repeated."""
    with opened() as (site, actor):
        added = replicas.add(site, name, actor=actor, path=path, required=not optional)
        if wait:
            _fill(site, name, quiet=json)
        found = next(one for one in _report(site) if one.name == name)
    if json:
        emit({"added": added, "replica": found.as_dict()})
    elif found.state == "active":
        say(
            f"副本 {name} 已启用：{found.objects} 个对象已写入并读回。",
            f"Replica {name} is in use: {found.objects} objects are written and read back.",
        )
    else:
        say(
            f"副本 {name} 已加入，由工作进程补写；用 lantai replica list 查看进度。",
            f"Replica {name} is added and filled by the workers; `lantai replica list` shows how far it is.",
        )


def _report(site: Site) -> list[ReplicaReport]:
    with site.archive.reading() as session:
        return report(site.archive, session)


def _fill(site: Site, name: str, *, quiet: bool) -> None:
    """Fill here, or watch another process fill; a store that is full or away is waited for, and that is said once."""
    said = ""
    with progress(f"补写副本 filling {name}", quiet=quiet) as steps:
        while (step := replicas.fill(site, name)) is not Step.DONE:
            filling = next((one.filling for one in _report(site) if one.name == name), None)
            if filling is None:
                continue
            _show(steps, filling)
            trouble = filling.trouble or {}
            if trouble and trouble["code"] != said:
                err.print(trouble["zh"], style="yellow", markup=False)
                err.print(trouble["en"], markup=False)
            said = trouble.get("code", "")
            if step is Step.WAITING:
                time.sleep(_PAUSE)


def _show(steps: Steps, filling: Filling) -> None:
    """Writing and reading back count alike."""
    label = " ".join(_PHASES.get(filling.phase, (filling.phase,)))
    steps(filling.copied_bytes + filling.verified_bytes, max(2 * filling.bytes, 1), label)


@replica.command()
def retire(
    name: Annotated[str, typer.Argument(help="Replica to take out of use.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Take a replica out of use for good: no longer written, read or audited; what lies on it stays untouched."""
    if not yes and not json:
        typer.confirm(
            f"停用副本 {name}？该名称不能再用。 Retire replica {name}? Its name cannot be used again.", abort=True
        )
    with opened() as (site, actor):
        done = replicas.retire(site, name, actor=actor)
    if json:
        emit({"replica": name, "retired": done})
    elif done:
        say(
            f"副本 {name} 已停用，其中的内容没有改动。可以从 lantai.toml 中去掉它的段落。",
            f"Replica {name} is retired; nothing on it was touched. Its part of lantai.toml may be taken out.",
        )
    else:
        say(f"副本 {name} 早已停用。", f"Replica {name} was retired before.")


@replica.command("compare")
def compare_command(
    first: Annotated[str, typer.Argument(help="A replica.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Read every object on both and compare digests.")] = False,
    json: Json = False,
) -> None:
    """Hold the listings of two replicas against each other. 0 the same, 1 they differ (each key is named)."""
    with opened() as (site, actor), progress("比较 comparing", quiet=json) as steps:
        found = compare(site.archive, first, second, actor=actor.ref, deep=deep, progress=steps)
    if json:
        emit(found.as_dict())
    else:
        _print(found)
    raise typer.Exit(1 if found.differing else 0)


def _print(found: Comparison) -> None:
    words = {
        "only_first": f"只在 only on {found.first}",
        "only_second": f"只在 only on {found.second}",
        "sizes": "大小不同 other size",
        "digests": "内容不同 other bytes",
    }
    for one in found.listed:
        told: dict[str, Any] = asdict(one)
        values = f"{told['first']} / {told['second']}" if one.kind in {"sizes", "digests"} else ""
        out.print(f"{words[one.kind]}\t{one.key}\t{values}", markup=False)
    if found.differing > LISTED:
        out.print(f"… (+{found.differing - LISTED})", markup=False)
    how = ("逐字节", "by their bytes") if found.deep else ("按名称和大小", "by name and size")
    say(
        f"{how[0]}比较：{found.same} 个对象相同，{found.differing} 个不同。",
        f"Compared {how[1]}: {found.same} objects are the same, {found.differing} differ.",
    )


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(replica, name="replica")
