"""How commands speak: results on standard output, progress and warnings on standard error, ``--json`` for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why content is read; stands in the use register.")]

# control characters (a name may bear an escape sequence), marks that turn the direction of writing, halves of pairs
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """``text`` as a terminal may have it: names come from strangers, and no name may steer the terminal."""
    return _UNPRINTABLE.sub("\ufffd", text)


class _Terminal(Console):
    """A console that prints every string printable."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(printable(one) if isinstance(one, str) else one for one in objects), **options)


out = _Terminal(soft_wrap=True, highlight=False)
err = _Terminal(stderr=True, soft_wrap=True, highlight=False)


def emit(value: Any) -> None:
    """Print ``value`` as one line of JSON; what UTF-8 cannot hold (names that are no text) as JSON's own escapes."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    sys.stdout.write(line.encode("utf-8", "backslashreplace").decode() + "\n")


def say(zh: str, en: str) -> None:
    """One sentence in both languages, Chinese first."""
    out.print(zh, markup=False)
    out.print(en, style="dim", markup=False)


def warn(zh: str, en: str) -> None:
    """The same on standard error."""
    err.print(zh, style="yellow", markup=False)
    err.print(en, style="dim", markup=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    out.print(grid)


class Steps:
    """A callback ``(done, total, label)`` that moves a bar; quiet for programs and for what ends in a second."""

    def __init__(self, progress: Progress | None, task: int) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, done: int, total: int | None = None, label: str | None = None) -> None:
        """Show that ``done`` of ``total`` things are done."""
        if self._progress is None:
            return
        from rich.progress import TaskID

        task = TaskID(self._task)
        self._progress.update(task, completed=done, total=total)
        if label is not None:
            self._progress.update(task, description=label)


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Steps]:
    """A bar on standard error while something long runs; nothing when output is not a terminal."""
    if quiet or not err.is_terminal:
        yield Steps(None, 0)
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    ) as bar:
        yield Steps(bar, bar.add_task(label, total=None))
