"""Commands that report: the four properties of a deposit, a household file, a record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from access.actors import Actor
from ingest.report import Report
from lantai import reporting
from lantai.cli.output import Json, Reason, emit, err, out, say, table
from lantai.cli.session import opened
from lantai.report_pdf import render
from lantai.reporting import Wanted
from lantai.site import Site
from metadata.errors import Invalid
from metadata.identifiers import checked_id, new_id

report = typer.Typer(help="Four-property reports (四性检测报告, DA/T 70).", no_args_is_help=True)

Pdf = Annotated[Path | None, typer.Option("--pdf", metavar="OUT", help="Write the PDF to this file.")]
English = Annotated[bool, typer.Option("--english", help="The PDF in English instead of Chinese.")]
Freeze = Annotated[bool, typer.Option("--freeze", help="File the report as a record of type PRE01.")]
EVERY_BLOCK = 1 << 40


@report.command()
def submission(
    submission_id: Annotated[str, typer.Argument(metavar="ID", help="Submission id.")],
    *,
    stage: Annotated[str, typer.Option(help="G: filing; T: hand-over and receipt.")] = "G",
    pdf: Pdf = None,
    english: English = False,
    freeze: Freeze = False,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Report on a deposit."""
    wanted = Wanted("submission", checked_id(submission_id), stage=stage.upper())
    _run(wanted, pdf=pdf, english=english, freeze=freeze, reason=reason, json=json)


@report.command()
def household(
    household_no: Annotated[str, typer.Argument(metavar="NO", help="Household number.")],
    *,
    programme: Annotated[str | None, typer.Option(help="Programme; without it the household's first file.")] = None,
    pdf: Pdf = None,
    english: English = False,
    freeze: Freeze = False,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Report on a household file as it is kept now."""
    wanted = Wanted("household", household_no.strip().upper(), programme)
    _run(wanted, pdf=pdf, english=english, freeze=freeze, reason=reason, json=json)


@report.command()
def record(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Record id.")],
    *,
    pdf: Pdf = None,
    english: English = False,
    freeze: Freeze = False,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Report on one record as it is kept now."""
    _run(Wanted("record", checked_id(record_id)), pdf=pdf, english=english, freeze=freeze, reason=reason, json=json)


def _run(wanted: Wanted, *, pdf: Path | None, english: bool, freeze: bool, reason: str, json: bool) -> None:
    if pdf is not None and pdf.exists():
        raise Invalid(
            "report.exists",
            zh=f"{pdf} 已存在，未写入任何内容。",
            en=f"{pdf} exists; nothing was written.",
            path=str(pdf),
        )
    language = "en" if english else "zh"
    filed = None
    with opened() as (site, actor):
        made = _made(site, actor, wanted, reason)
        if pdf is not None:
            pdf.write_bytes(render(made.as_dict(), language))
        if freeze:
            filed = reporting.file_report(site, actor, wanted, key=new_id(), language=language)
    if json:
        emit(made.as_dict() | ({"filed": filed} if filed else {}))
        return
    _show(made)
    if pdf is not None:
        say(f"已写入 {pdf}。", f"Wrote {pdf}.")
    if filed:
        say(
            f"报告已作为移交 {filed} 归档，由工作进程入库。",
            f"The report was filed as deposit {filed}; a worker takes it in.",
        )


def _made(site: Site, actor: Actor, wanted: Wanted, reason: str) -> Report:
    with site.archive.sessions.begin() as session:
        reporting.enter_look(session, site, actor, wanted, reason=reason)
    return reporting.report_of(site, actor, wanted, ledger_blocks=EVERY_BLOCK)


def _show(made: Report) -> None:
    told = made.as_dict()
    out.print(f"{told['title']['zh']} {told['title']['en']}: {told['subject']['title']}", markup=False)
    counts = told["summary"][0]["counts"]
    table(["", *counts], [(f"{row['zh']} {row['en']}", *row["counts"].values()) for row in told["summary"]])
    for one in told["items"]:
        for found in one["findings"][:20]:
            err.print(f"{one['code']} [{found['code']}] {found['zh']}\n  {found['en']}", markup=False)
    for gap in told["not_checked"]:
        err.print(f"{gap['item']} {gap['zh']}\n  {gap['en']}", style="dim", markup=False)
    say(f"结果：{told['result']['zh']}。", f"Result: {told['result']['en']}.")


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(report, name="report")
