"""Commands of care: fixity, ledger, index, retention."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from lantai.cli.output import Json, emit, err, out, progress, say, table, warn
from lantai.cli.session import opened
from lantai.indexing import compare as compare_index
from lantai.indexing import outage
from lantai.indexing import rebuild as rebuild_index
from lantai.indexing import report as index_report
from metadata.errors import NotFound, Unavailable
from repository.archive import Archive
from repository.fixity import Outcome
from repository.fixity import audit as run_audit
from repository.fixity import repair as run_repair
from repository.fixity.outcome import FAULTS
from repository.ledger.catalogue import tail_missing, verify_catalogue
from repository.ledger.export import export as export_ledger
from repository.ledger.seal import seal as seal_ledger
from repository.ledger.trust import read_public_key
from repository.ledger.verify import LedgerReport, verify_folder, verify_store
from repository.pending import write_pending_objects

fixity = typer.Typer(help="Re-read what is kept; mend what is damaged.", no_args_is_help=True)
ledger = typer.Typer(help="Seal, verify and export the ledger.", no_args_is_help=True)
index = typer.Typer(help="The search index.", no_args_is_help=True)


@fixity.command()
def audit(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every object on every replica, not only the oldest.")
    ] = False,
    replica: Annotated[list[str] | None, typer.Option(help="Only this replica; may be repeated.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Check every manifest inside every bag as well.")] = False,
    json: Json = False,
) -> None:
    """Re-read objects against their SHA-256. 0 all intact, 1 a fault, 2 something not checked."""
    with opened() as (site, actor), progress("审计 auditing", quiet=json) as steps:
        write_pending_objects(site.archive)
        older_than = None if everything else site.archive.clock.now() - timedelta(days=site.settings.audit_days)
        results = run_audit(
            site.archive, actor=actor.ref, replicas=replica or None, deep=deep, older_than=older_than, progress=steps
        )
    faults, unchecked = results.total(*FAULTS), results.total(Outcome.NOT_CHECKED)
    if json:
        emit(
            {
                "checked": results.checked,
                "bytes": results.bytes_read,
                "intact": results.total(Outcome.INTACT),
                "at_fault": faults,
                "not_checked": unchecked,
                "listed": [one.as_dict() for one in results],
            }
        )
    else:
        for one in results:
            err.print(f"{one.outcome}\t{one.replica}\t{one.key}\t{one.note}", style="red", markup=False)
        say(
            f"重读 {results.checked} 个对象：{faults} 个有问题，{unchecked} 个未能检查。",
            f"{results.checked} objects re-read: {faults} at fault, {unchecked} not checked.",
        )
    raise typer.Exit(results.exit_code)


@fixity.command()
def repair(
    incidents: Annotated[
        list[str] | None, typer.Argument(metavar="[INCIDENT]...", help="Only these; else all open ones.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Mend open incidents from bytes that match the recorded digest. 0 all mended, 1 something could not be."""
    with opened() as (site, actor):
        results = run_repair(site.archive, actor=actor.ref, incident_ids=incidents or None)
    if json:
        emit({"incidents": [one.as_dict() for one in results]})
    else:
        for one in results:
            out.print(
                f"{'修复 repaired' if one.repaired else '未修复 not repaired'}\t{one.replica}\t{one.key}\t{one.note}",
                markup=False,
            )
        say(
            f"{sum(one.repaired for one in results)} / {len(results)} 已修复。",
            f"{sum(one.repaired for one in results)} of {len(results)} mended.",
        )
    raise typer.Exit(0 if all(one.repaired for one in results) else 1)


@ledger.command()
def seal(*, json: Json = False) -> None:
    """Order what is waiting into signed blocks and write them to every replica."""
    with opened() as (site, _actor):
        blocks = seal_ledger(site.archive)
        written = write_pending_objects(site.archive)
    if json:
        emit({"blocks": [asdict(one) for one in blocks], "written": written})
    else:
        say(f"封存 {len(blocks)} 个区块。", f"{len(blocks)} blocks sealed.")
        table(["stream", "block", "entries"], [(one.stream, one.number, one.entries) for one in blocks])


@ledger.command()
def verify(
    folder: Annotated[
        Path | None, typer.Argument(help="A replica or exported folder; else every replica of the site.")
    ] = None,
    *,
    key: Annotated[list[Path] | None, typer.Option("--key", help="Public key file to trust; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Check chain, signatures and entries offline. 0 unbroken, 1 something was altered (it is named)."""
    keys = [_public_key(path) for path in key or []]
    away: Unavailable | None = None
    if folder is not None:
        reports = {str(folder): verify_folder(folder, keys or None)}
    else:
        with opened() as (site, _actor):
            reports, away = _verify_site(site.archive, keys or [site.archive.keys.public_bytes()])
    if json:
        emit({name: _report(report) for name, report in reports.items()})
    else:
        for name, report in reports.items():
            for problem in report.problems:
                err.print(
                    f"{problem.code}\t{problem.stream}/{problem.block}\t{problem.entry or ''}",
                    style="red",
                    markup=False,
                )
                err.print(f"  {problem.zh}\n  {problem.en}", markup=False)
            for zh, en in report.warnings:
                warn(zh, en)
            say(
                f"{name}：{report.blocks} 个区块、{report.entries} 条，{'完好' if report.ok else '发现改动'}。",
                f"{name}: {report.blocks} blocks, {report.entries} entries, {'unbroken' if report.ok else 'ALTERED'}.",
            )
    if away is not None and all(report.ok for report in reports.values()):
        raise away
    raise typer.Exit(0 if all(report.ok for report in reports.values()) else 1)


def _verify_site(archive: Archive, trusted: list[bytes]) -> tuple[dict[str, LedgerReport], Unavailable | None]:
    """The catalogue's own copy and every replica that answers; the first that does not is told at the end."""
    away = None
    with archive.reading() as session:
        reports = {"catalogue": verify_catalogue(session, archive)}
        for name in archive.replicas.names:
            try:
                report = verify_store(archive.replicas.store(name), trusted)
            except Unavailable as error:
                away = away or error
                continue
            found = [one for one in report.problems if one.code != "ledger.empty" or reports["catalogue"].blocks]
            cut = [] if found else list(tail_missing(session, name, report))
            reports[name] = replace(report, problems=(*found, *cut))
    return reports, away


def _public_key(path: Path) -> bytes:
    try:
        return read_public_key(path.read_bytes())
    except OSError as error:
        raise NotFound(
            "ledger.no_key_file",
            zh=f"读不到公钥文件 {path}（{error.strerror}）。请给出 PEM 文件，或 ledger/keys/ 下的 JSON 文件。",
            en=f"The key file {path} cannot be read ({error.strerror}). Give a PEM file or a JSON file from ledger/keys/.",
            path=str(path),
        ) from error


def _report(report: LedgerReport) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "blocks": report.blocks,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "heads": {stream: asdict(head) for stream, head in report.heads.items()},
        "problems": [asdict(one) for one in report.problems],
        "warnings": [{"zh": zh, "en": en} for zh, en in report.warnings],
    }


@ledger.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.")], *, json: Json = False
) -> None:
    """Write all blocks and public keys into a folder that `ledger verify FOLDER` checks anywhere."""
    with opened() as (site, _actor):
        seal_ledger(site.archive)
        count = export_ledger(site.archive, folder)
    if json:
        emit({"folder": str(folder), "blocks": count})
    else:
        say(f"已导出 {count} 个区块到 {folder}。", f"{count} blocks exported to {folder}.")


@index.command("status")
def index_status(*, json: Json = False) -> None:
    """How far the index is behind the catalogue, when it was made, and how far a rebuild has come."""
    with opened() as (site, _actor):
        with site.archive.reading() as session:
            found = index_report(session, site)
        why = None if found.usable else outage(site)
    if json:
        emit(found.as_dict())
        return
    if why is not None:
        warn(f"{why.zh}恢复后自动补上。", f"{why.en} It catches up by itself when it is back.")
    elif not found.usable:
        warn("检索索引不能使用。请运行 lantai index rebuild。", "The index cannot be used. Run `lantai index rebuild`.")
    else:
        say(
            f"索引 {found.generation}（{found.engine}）：{found.documents} 条。",
            f"Index {found.generation} ({found.engine}): {found.documents} entries.",
        )
    if found.pending:
        say(
            f"待编入 {found.pending} 项，最早一项已等待 {found.oldest_seconds} 秒。",
            f"{found.pending} changes are not in it yet; the oldest has waited {found.oldest_seconds} s.",
        )
    else:
        say("索引已跟上目录。", "The index shows every change.")
    if found.refused:
        warn(
            f"索引引擎拒绝了 {len(found.refused)} 条，每十分钟重试一次：",
            f"The engine refuses {len(found.refused)} entries; they are tried again every ten minutes:",
        )
        table(["entry", "kind", "reason", "at"], [(one.id, one.kind, one.reason, one.at) for one in found.refused])
    if found.rebuilding is not None:
        at, whole = found.rebuilding.done, found.rebuilding.total
        say(f"正在重建：{at} / {whole}。", f"A rebuild is running: {at} of {whole}.")


@index.command("rebuild")
def rebuild_command(*, json: Json = False) -> None:
    """Make the whole index anew beside the live one, then swap."""
    with opened() as (site, actor), progress("重建索引 rebuilding the index", quiet=json) as steps:
        info = rebuild_index(site, actor.ref, steps)
    if json:
        emit(info.as_dict())
    else:
        say(f"索引已重建：{info.documents} 条。", f"Index rebuilt: {info.documents} documents.")


@index.command("check")
def index_check(*, json: Json = False) -> None:
    """Compare the ids of catalogue and index. 0 they agree, 1 entries are missing or too many."""
    with opened() as (site, _actor):
        found = compare_index(site)
    if json:
        emit(found.as_dict())
    else:
        say(
            f"目录 {found.catalogue} 条，索引 {found.entries} 条：缺 {found.missing} 条，多 {found.extra} 条；另有 {found.pending} 项正在编入。",
            f"Catalogue {found.catalogue}, index {found.entries}: {found.missing} missing, {found.extra} too many; {found.pending} changes are on their way.",
        )
        named = [("缺 missing", one) for one in found.missing_ids] + [("多 extra", one) for one in found.extra_ids]
        if named:
            table(["", "id"], named)
            say("请运行 lantai index rebuild 重建索引。", "Run `lantai index rebuild` to make the index anew.")
    raise typer.Exit(0 if found.agrees else 1)


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(fixity, name="fixity")
    app.add_typer(ledger, name="ledger")
    app.add_typer(index, name="index")
