"""The root command, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module

import typer
from sqlalchemy.exc import OperationalError

from access.masking import mask_log, masked
from lantai import __version__
from lantai.cli.output import emit, err
from lantai.problems import exit_code, of_exception, problem
from metadata.errors import LantaiError, Unavailable

WORDS = {
    "site_commands": ("init", "demo", "serve", "worker", "status", "health"),
    "intake_commands": ("sample", "ingest"),
    "list_commands": ("list",),
    "search_command": ("search",),
    "archive_commands": ("record", "bag", "rebuild"),
    "care_commands": ("fixity", "ledger", "index"),
    "database_commands": ("database",),
    "backup_commands": ("backup", "restore"),
    "job_commands": ("jobs",),
    "replica_commands": ("replica",),
    "people_commands": ("organ", "account", "session", "token", "log"),
    "retention_commands": ("retention", "case", "hold"),
    "record_commands": ("record", "case"),
    "report_commands": ("report",),
    "request_commands": ("request",),
    "use_commands": ("use",),
    "alarm_commands": ("alarms",),
    "watch_command": ("watch",),
}
"""First words of commands by the modules that bring them, in the order of the help."""


@cache
def whole() -> typer.Typer:
    """The root with every command."""
    return _root(WORDS)


def fitting(arguments: Iterable[str]) -> typer.Typer:
    """The root with the commands that ``arguments`` may mean: what one command does not need is not even loaded."""
    given = list(arguments)
    word = next((one for one in given if not one.startswith("-")), None)
    if word is None and "--version" in given:
        return _root(())
    return _root([module for module, words in WORDS.items() if word in words] or WORDS)


def _root(modules: Iterable[str]) -> typer.Typer:
    app = typer.Typer(
        name="lantai",
        help="兰台 Lantai: records management and long-term preservation for social-assistance archives.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(root)
    for module in modules:
        import_module(f"lantai.cli.{module}").add_to(app)
    return app


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
        fitting(sys.argv[1:])()
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
