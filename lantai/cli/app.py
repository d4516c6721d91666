"""The root command, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
import sys

import typer
from sqlalchemy.exc import OperationalError

from access.masking import mask_log, masked
from lantai import __version__
from lantai.cli import (
    alarm_commands,
    archive_commands,
    backup_commands,
    care_commands,
    database_commands,
    intake_commands,
    job_commands,
    list_commands,
    people_commands,
    record_commands,
    replica_commands,
    report_commands,
    request_commands,
    retention_commands,
    search_command,
    site_commands,
    use_commands,
    watch_command,
)
from lantai.cli.output import emit, err
from lantai.problems import exit_code, of_exception, problem
from metadata.errors import LantaiError, Unavailable

app = typer.Typer(
    name="lantai",
    help="兰台 Lantai: records management and long-term preservation for social-assistance archives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
site_commands.add_to(app)
intake_commands.add_to(app)
list_commands.add_to(app)
search_command.add_to(app)
archive_commands.add_to(app)
care_commands.add_to(app)
database_commands.add_to(app)
backup_commands.add_to(app)
job_commands.add_to(app)
replica_commands.add_to(app)
people_commands.add_to(app)
retention_commands.add_to(app)
record_commands.add_to(app)
report_commands.add_to(app)
request_commands.add_to(app)
use_commands.add_to(app)
alarm_commands.add_to(app)
watch_command.add_to(app)


@app.callback(invoke_without_command=True)
def root(
    *,
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    """兰台 Lantai: keep one file per household, whole, findable and unchanged."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run a command; a known fault is one sentence in two languages and an exit code of ``lantai.problems``."""
    mask_log()
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing is to be flushed
        raise SystemExit(141) from None
    except (LantaiError, OperationalError, OSError) as error:
        known = _refused(error) if isinstance(error, OSError) else of_exception(error)
        if "--json" in sys.argv:
            emit({"problem": problem(known, "zh") | {"detail_en": known.en}})
        err.print(masked(known.zh), style="red", markup=False)
        err.print(masked(known.en), markup=False)
        raise SystemExit(exit_code(known)) from None
    except KeyboardInterrupt:
        err.print("已中断；已完成的步骤保留，可以再次运行。 Interrupted; finished steps are kept, run it again.")
        raise SystemExit(130) from None


def _refused(error: OSError) -> LantaiError:
    """What the operating system refused (no right, no room, no such folder), named with the file."""
    what, where = error.strerror or str(error), str(error.filename or "")
    return Unavailable(
        "system.refused",
        zh=f"操作系统拒绝了操作：{what}{f'（{where}）' if where else ''}。请检查路径、权限和磁盘空间后重试。",
        en=f"The operating system refused: {what}{f' ({where})' if where else ''}. Check path, rights and room, and try again.",
        path=where,
    )
