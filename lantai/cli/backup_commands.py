"""Commands of backups: backup, backup list, backup verify, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lantai import backups
from lantai.cli.output import Json, emit, progress, say, table, warn
from lantai.cli.session import opened, system_user
from lantai.settings import Settings, load
from repository.backup import bag
from repository.ledger.acts import ActorRef

backup = typer.Typer(help="Back up catalogue, keys and settings; list and verify backups.", invoke_without_command=True)

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File whose first line is the passphrase; else it is asked for."),
]
To = Annotated[str | None, typer.Option("--to", help="Folder, or a store of `backups` in the settings.")]


@backup.callback()
def make(context: typer.Context, *, to: To = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Make a backup: catalogue, keys and settings as one verified bag. Content lies in the replicas."""
    if context.invoked_subcommand is not None:
        return
    with opened() as (site, actor):
        store = backups.store_for(site.settings, to)
        secret = _passphrase(site.settings, passphrase_file, twice=True)
        with progress("备份 backing up", quiet=json) as steps:
            label = backups.make(site, store, secret=secret, actor=actor.ref, progress=steps)
    if json:
        emit({"backup": label.facts.id, "name": label.name, "sha256": label.sha256, "bytes": label.size})
    else:
        count = sum(label.facts.tables.values())
        say(
            f"备份 {label.name} 已写入并核对：{count} 行，{label.size} 字节。请妥善保管口令，没有它无法恢复。",
            f"Backup {label.name} written and verified: {count} rows, {label.size} bytes. Keep the passphrase: nothing can be restored without it.",
        )


@backup.command("list")
def list_backups(*, to: To = None, json: Json = False) -> None:
    """Backups in every store of the settings, or in one; the newest first."""
    settings = load()
    stores = [backups.store_for(settings, to)] if to or not settings.backups else backups.open_stores(settings)
    found = {store.name: bag.listing(store) for store in stores}
    if json:
        emit(
            {
                name: {
                    "backups": [
                        {"name": one.name, "made_at": one.facts.made_at, "bytes": one.size, "sha256": one.sha256}
                        for one in labels
                    ],
                    "unfinished": unfinished,
                }
                for name, (labels, unfinished) in found.items()
            }
        )
        return
    table(
        ["存储 store", "备份 backup", "字节 bytes", "行 rows"],
        [
            (name, one.name, one.size, sum(one.facts.tables.values()))
            for name, (labels, _unfinished) in found.items()
            for one in labels
        ],
    )
    for name, (_labels, unfinished) in found.items():
        for key in unfinished:
            warn(f"{name}：{key} 没有完成，不能使用。", f"{name}: {key} was not finished and is not used.")


@backup.command()
def verify(
    name: Annotated[str, typer.Argument(help="Name of a backup, or `newest`.")] = "newest",
    *,
    where: Annotated[str | None, typer.Option("--from", help="Folder, store or .zip file.")] = None,
    json: Json = False,
) -> None:
    """Read a backup from end to end: container, manifests, recorded digest. 0 whole."""
    settings = load()
    read, label, expect = backups.source_of(settings, where or backups.store_for(settings, None).name, name)
    seen = bag.examine(read, label, expect=expect)
    if json:
        emit({"backup": seen.facts.id, "whole": True, "sha256": seen.sha256, "bytes": seen.size})
    else:
        say(f"备份 {label} 完好：{seen.size} 字节。", f"Backup {label} is whole: {seen.size} bytes.")


def restore(
    name: Annotated[str, typer.Argument(help="Name of a backup, or `newest`.")] = "newest",
    *,
    where: Annotated[str | None, typer.Option("--from", help="Folder, store of the settings, or .zip file.")] = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make the site at LANTAI_HOME anew from a backup; only where there is none yet."""
    from lantai.restoring import restore as restore_site

    settings = load()
    read, label, expect = backups.source_of(settings, where or backups.store_for(settings, None).name, name)
    secret = _passphrase(settings, passphrase_file)
    with progress("恢复 restoring", quiet=json) as steps:
        done = restore_site(
            read,
            label,
            secret=secret,
            expect=expect,
            actor=ActorRef(f"console:{system_user()}", "console"),
            progress=lambda what, at, total: steps(at, total or None, what),
        )
    if json:
        emit(done.as_dict())
        return
    as_of = ", ".join(f"{stream} {number}" for stream, (number, _sha256) in done.facts.ledger.items()) or "-"
    say(
        f"已恢复到 {done.home}：{done.rows} 行，截至 {done.facts.made_at:%Y-%m-%d %H:%M} UTC，区块 {as_of}。检索索引由工作进程重建。",
        f"Restored to {done.home}: {done.rows} rows, as of {done.facts.made_at:%Y-%m-%d %H:%M} UTC, blocks {as_of}. A worker makes the index anew.",
    )
    for replica, streams in done.ahead.blocks.items():
        for stream, (here, there) in streams.items():
            warn(
                f"副本 {replica} 的台账 {stream} 已到第 {there} 块，备份只到第 {here} 块。",
                f"The ledger {stream} on replica {replica} goes to block {there}, the backup to {here}.",
            )
    for replica, error in done.ahead.not_compared.items():
        warn(f"副本 {replica} 未能比较：{error.zh}", f"Replica {replica} was not compared: {error.en}")
    if done.ahead.stops:
        warn(
            "存储比备份新（或未能比较），在补齐之前不能写入。请运行 lantai rebuild --from <副本> --forward。",
            "The stores know more than the backup (or could not be asked): nothing is written until `lantai rebuild --from REPLICA --forward` has caught up.",
        )
    if done.bytes_lost:
        warn(
            f"{len(done.bytes_lost)} 次未完成的移交，其文件不在隔离区，需要重新移交。",
            f"{len(done.bytes_lost)} unfinished deposits have no files in quarantine; they must be deposited again.",
        )


def _passphrase(settings: Settings, file: Path | None, *, twice: bool = False) -> str:
    """From the file, else from the settings, else asked for; never an argument."""
    if file is not None:
        return backups.read_passphrase(file)
    configured = backups.configured_passphrase(settings)
    if configured is not None:
        return configured
    if not sys.stdin.isatty():
        raise backups.no_passphrase()
    return str(typer.prompt("备份口令 Passphrase", hide_input=True, confirmation_prompt=twice))


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(backup, name="backup")
    app.command()(restore)
