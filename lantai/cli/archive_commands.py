"""Commands that read what is kept: record, bag, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from access.gate import get_record
from access.use_register import looked
from lantai.cli.output import Json, Reason, emit, err, progress, say, table, warn
from lantai.cli.session import opened, system_user
from lantai.rebuild import rebuild_site
from lantai.summaries import record_summary
from metadata.errors import Invalid
from metadata.identifiers import checked_id
from metadata.rights import Permission
from repository.bag.create import create_bag
from repository.bag.export import export_folder, export_zip
from repository.bag.verify import validate as validate_bag
from repository.ledger.acts import ActorRef
from repository.storage.replicas import no_intact_copy

record = typer.Typer(help="Records: show, export.", no_args_is_help=True)
bag = typer.Typer(help="BagIt bags anywhere: validate, create.", no_args_is_help=True)


@record.command()
def show(
    record_id: Annotated[str, typer.Argument(help="Record id.")], *, reason: Reason = "console", json: Json = False
) -> None:
    """A record: description, versions, files, fixity, retention."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        found = get_record(session, actor, checked_id(record_id), site.archive.profile)
        looked(
            session,
            archive=site.archive,
            actor=actor,
            act="record.viewed",
            record_id=found.id,
            reason=reason,
            form="screen",
        )
        summary = record_summary(session, site.archive, found)
    if json:
        emit(summary)
        return
    simple: list[tuple[str, Any]] = [
        (key, value) for key, value in summary.items() if not isinstance(value, (dict, list))
    ]
    table(["", ""], simple)
    table(["path", "bytes", "format"], [(one["path"], one["size"], one["puid"]) for one in summary["files"]])


@record.command()
def export(
    record_id: Annotated[str, typer.Argument(help="Record id.")],
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="Folder (or file with --zip) to write.")],
    *,
    as_zip: Annotated[bool, typer.Option("--zip", help="As it lies in the store.")] = False,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Write a record's bag as a folder, or as the ZIP that lies in the store."""
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise Invalid(
            "export.exists",
            zh=f"{folder} 已存在，未写入任何内容。",
            en=f"{folder} exists; nothing was written.",
            path=str(folder),
        )
    with opened() as (site, actor):
        with site.archive.sessions.begin() as session:
            found = get_record(
                session, actor, checked_id(record_id), site.archive.profile, permission=Permission.RECORD_DOWNLOAD
            )
            looked(
                session,
                archive=site.archive,
                actor=actor,
                act="record.exported",
                record_id=found.id,
                reason=reason,
                form="export",
            )
            version = record_summary(session, site.archive, found)["versions"][-1]
        store = site.archive.replicas.find_intact(version["object_key"], version["object_sha256"])
        if store is None:
            raise no_intact_copy(version["object_key"])
        (export_zip if as_zip else export_folder)(store, version["object_key"], folder)
    if json:
        emit({"record_id": found.id, "path": str(folder)})
    else:
        say(f"已导出到 {folder}。", f"Exported to {folder}.")


@bag.command()
def validate(
    path: Annotated[Path, typer.Argument(help="Folder, .zip, .tar or .tar.gz.")], *, json: Json = False
) -> None:
    """Validate any BagIt 0.93-1.0 bag. 0 valid, 1 invalid; warnings on standard error."""
    report = validate_bag(path)
    if json:
        emit(report.as_dict())
    else:
        for finding in report.errors:
            err.print(f"[{finding.code}] {finding.path or ''} {finding.en}", style="red", markup=False)
            err.print(f"  {finding.zh}", markup=False)
        for finding in report.warnings:
            err.print(f"[{finding.code}] {finding.path or ''} {finding.en}", style="yellow", markup=False)
        if report.valid:
            say(f"{path}：有效。", f"{path}: valid.")
        else:
            warn(f"{path}：无效。", f"{path}: invalid.")
    raise typer.Exit(0 if report.valid else 1)


@bag.command()
def create(
    source: Annotated[Path, typer.Argument(help="Folder or file whose content becomes the payload.")],
    target: Annotated[Path, typer.Argument(help="Bag folder to write; must not exist.")],
    *,
    algorithm: Annotated[list[str] | None, typer.Option(help="sha256, sha512, sm3; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Make a BagIt 1.0 bag folder of a copy of SOURCE; SOURCE is never changed."""
    with progress("装袋 bagging", quiet=json):
        made = create_bag(source, target, algorithms=tuple(algorithm or ("sha256", "sha512")))
    if json:
        emit({"bag": str(target), "files": made.files, "bytes": made.bytes})
    else:
        say(f"{target}：{made.files} 个文件。", f"{target}: {made.files} files.")


def rebuild(
    *,
    replica: Annotated[str, typer.Option("--from", help="Replica to read.")],
    forward: Annotated[
        bool, typer.Option("--forward", help="Start although another replica or the database knows more.")
    ] = False,
    json: Json = False,
) -> None:
    """Make catalogue, case files, accounts and ledger anew from one replica; text and index are queued."""
    with progress("重建 rebuilding", quiet=json) as steps:
        rebuilt = rebuild_site(
            replica,
            forward=forward,
            actor=ActorRef(f"console:{system_user()}", "console"),
            progress=lambda what, done, total: steps(done, total or None, what),
        )
    report = rebuilt.report
    if json:
        emit(report.as_dict() | {"kept": str(rebuilt.kept or rebuilt.schema or "") or None})
        return
    as_of = ", ".join(f"{stream} {head.number}" for stream, head in report.as_of.items()) or "-"
    say(
        f"已从副本 {replica} 重建 {report.counts['records']} 件；截至区块 {as_of}。请用 lantai account reset 重设口令，文本和索引由工作进程补齐。",
        f"Rebuilt {report.counts['records']} records from {replica}, as of blocks {as_of}. Give accounts new passwords "
        "with `lantai account reset`; a worker makes text and index anew.",
    )
    if former := rebuilt.kept.name if rebuilt.kept else rebuilt.schema:
        say(f"原数据库保留为 {former}。", f"The former database is kept as {former}.")
    for one in report.faults:
        warn(f"{one.key}：{one.zh}", one.en)
    for name, found in (
        ("unconfirmed", report.unconfirmed),
        ("missing", report.missing),
        ("unknown", report.unknown),
        ("unfinished submissions", report.unfinished),
    ):
        if found:
            err.print(f"{name}: {len(found)}: {', '.join(found[:10])}", style="yellow", markup=False)
    for difference in report.differences[:20]:
        err.print(f"only {difference.side}: {difference.kind} {difference.id}", style="yellow", markup=False)


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(record, name="record")
    app.add_typer(bag, name="bag")
    app.command()(rebuild)
