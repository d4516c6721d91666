"""Commands about the deposit list by itself: check, template; and the dry run of an ingest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from access.actors import Actor
from ingest.findings import kind_of, sentence
from ingest.list_report import ListReport, as_values, check_bytes, check_folder
from ingest.list_template import workbook
from ingest.pool import CheckPool
from lantai.cli.output import Json, emit, err, say
from lantai.cli.session import opened
from lantai.site import Site
from metadata.errors import Invalid, NotFound

WRONG = 65
"""Exit code when the list bars a deposit (EX_DATAERR), as ``lantai.problems`` gives for invalid values."""
_SHOWN = 1_000

app = typer.Typer(help="The deposit list (移交清单): check one, make an empty one.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="XLSX, CSV or JSON.")],
    *,
    files: Annotated[Path | None, typer.Option(help="Folder with the files that the list names.")] = None,
    json: Json = False,
) -> None:
    """Look a deposit list through: every row's fault in one report. Nothing is deposited. Exit code 65 with errors."""
    _there(file, files)
    with opened() as (site, actor):
        report = _looked(site, actor, file, files)
    _show(report, json=json)


@app.command()
def template(out: Annotated[Path, typer.Argument(metavar="OUT.xlsx", help="File to write.")]) -> None:
    """Write an empty deposit list with headings, an example and the codes of the profile."""
    if out.exists():
        raise Invalid(
            "list.file_exists",
            zh=f"{out} 已存在，未覆盖。请换一个文件名。",
            en=f"{out} exists and was not overwritten. Name another file.",
            file=str(out),
        )
    with opened() as (site, _actor):
        out.write_bytes(workbook(site.archive.profile))
    say(f"已生成移交清单模板：{out}", f"Wrote the empty deposit list {out}.")


def dry_run(paths: list[Path], *, json: bool) -> None:
    """What ``lantai ingest --dry-run`` does: the deposit list of the one folder given, against its files."""
    if len(paths) != 1 or not paths[0].is_dir():
        raise Invalid(
            "list.one_folder",
            zh="试运行需要一个文件夹，里面放着移交清单和文件。压缩包请先解开。",
            en="A dry run takes one folder with the deposit list and its files. Unpack a container first.",
        )
    with opened() as (site, actor):
        report = _looked(site, actor, None, paths[0])
    _show(report, json=json)


def _there(file: Path, files: Path | None) -> None:
    for path in (file, files):
        if path is not None and not path.exists():
            raise NotFound(
                "ingest.no_such_path",
                zh=f"没有这个文件或目录：{path}。",
                en=f"No such file or folder: {path}.",
                path=str(path),
            )


def _looked(site: Site, actor: Actor, file: Path | None, folder: Path | None) -> ListReport:
    limits, profile = site.settings.limits, site.archive.profile
    made: list[CheckPool] = []

    def pool() -> CheckPool:
        made.append(CheckPool(1, memory_bytes=limits.check_memory, seconds=limits.check_seconds, batch=1))
        return made[0]

    try:
        with site.archive.reading() as session:
            if folder is None and file is not None:
                with file.open("rb") as source:
                    data = source.read(limits.list_bytes + 1)
                return check_bytes(
                    session, name=file.name, data=data, actor=actor, profile=profile, limits=limits, pool=pool
                )
            found = check_folder(
                session, path=folder or Path(), list_file=file, actor=actor, profile=profile, limits=limits, pool=pool
            )
    finally:
        for one in made:
            one.close()
    if found is None:
        raise NotFound(
            "list.none",
            zh=f"{folder} 中没有移交清单（移交清单.xlsx、移交清单.csv 或 deposit-list.json）。",
            en=f"There is no deposit list in {folder} (deposit-list.xlsx, deposit-list.csv or deposit-list.json).",
            path=str(folder),
        )
    return found


def _show(report: ListReport, *, json: bool) -> None:
    if json:
        emit(as_values(report, sentence))
    else:
        for one in report.found[:_SHOWN]:
            style = {"error": "red", "warning": "yellow"}.get(kind_of(one.code).severity.value, "dim")
            err.print(f"[{one.code}] {one.path or ''}", style=style, markup=False)
            err.print(f"  {sentence(one, 'zh')}\n  {sentence(one, 'en')}", markup=False)
        if len(report.found) > _SHOWN:
            err.print(f"… {len(report.found) - _SHOWN}", markup=False)
        errors, warnings = report.counts.get("error", 0), report.counts.get("warning", 0)
        files_zh = "" if report.files is None else f"，文件 {report.files} 个"
        files_en = "" if report.files is None else f"; files: {report.files}"
        say(
            f"{report.name}：{report.records} 件，{report.case_files} 户{files_zh}；错误 {errors} 处，警告 {warnings} 处。",
            f"{report.name}: {report.records} records, {report.case_files} household files{files_en}; "
            f"errors: {errors}, warnings: {warnings}.",
        )
    if not report.good:
        raise typer.Exit(WRONG)


def add_to(root: typer.Typer) -> None:
    """Hang these commands on the root."""
    root.add_typer(app, name="list")
