"""Writes the pages that are made from the program: ``docs/reference/cli.md`` and ``settings.md``, the help of rooms.

``python -m docs.build --check`` only says whether they are true; a house test runs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lantai.cli.app import whole
from lantai.settings import ReplicaSettings, Settings, WatchedFolder
from lantai.web.helping import HELP, PARTING, ROOMS

HERE = Path(__file__).parent
CONTRACT = (HERE / "reference" / "cli-contract.md").read_text(encoding="utf-8")


def _options(command: Any) -> list[str]:
    lines = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            name = (parameter.metavar or parameter.name or "").strip("[]")
            lines.append(f"- `{name}`: {getattr(parameter, 'help', None) or ''}")
        elif parameter.name != "help":
            names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
            lines.append(f"- {names}: {parameter.help or ''}")
    return lines


def _commands(command: Any, path: str) -> list[str]:
    if hasattr(command, "commands"):
        found: list[str] = []
        for name in sorted(command.commands):
            found += _commands(command.commands[name], f"{path} {name}")
        return found
    return ["", f"### `{path}`", "", (command.help or "").strip(), "", *_options(command)]


def cli_page() -> str:
    """The page of commands: the contract, then every command with its options."""
    root = typer.main.get_command(whole())
    return CONTRACT.rstrip() + "\n\n## Every command\n" + "\n".join(_commands(root, "lantai")) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            rows += _rows(kind, f"{prefix}{name}.")
            continue
        default: object = field.default
        if default is PydanticUndefined:
            made = "(needed)" if field.default_factory is None else "(empty)"
            default = "a, b in replicas/" if name == "replicas" else made
        shown = "(empty)" if default in ("", None) else str(default)
        rows.append(f"| `{prefix}{name}` | {shown} | {field.description or ''} |")
    return rows


def settings_page() -> str:
    """The page of settings."""
    head = [
        "# Settings",
        "",
        "Read once from `lantai.toml` in `LANTAI_HOME` (default `lantai-home` in the working folder), overridden by",
        "environment variables `LANTAI_<KEY>` in capitals; a dot becomes two underscores (`LANTAI_LIMITS__FILE_BYTES`).",
        "Relative paths count from `LANTAI_HOME`.",
        "",
        "| key | default | meaning |",
        "|---|---|---|",
    ]
    replica = ["", "Each `[[replicas]]` table:", "", "| key | default | meaning |", "|---|---|---|"]
    watched = ["", "Each `[[watched]]` table:", "", "| key | default | meaning |", "|---|---|---|"]
    made = [*head, *_rows(Settings, ""), *replica, *_rows(ReplicaSettings, "replicas.")]
    return "\n".join([*made, *watched, *_rows(WatchedFolder, "watched.")]) + "\n"


def help_page(room: str) -> str:
    """The help of a room as a page of the documentation: both languages, pictures by their place in the repository."""
    zh, _, en = (HELP / f"{room}.md").read_text(encoding="utf-8").partition(PARTING)
    note = f"\n---\n\nWritten from `lantai/web/help/{room}.md` by `python -m docs.build`; the program shows it as `/help/{room}`.\n"
    return f"{zh.strip()}\n\n---\n\n{en.strip()}\n{note}".replace("](", "](../../lantai/web/static/help/")


PAGES: dict[Path, Callable[[], str]] = {
    HERE / "reference" / "cli.md": cli_page,
    HERE / "reference" / "settings.md": settings_page,
}
PAGES |= {HERE / "howto" / f"{room}.md": partial(help_page, room) for room in sorted(ROOMS)}


def main() -> int:
    """Write the pages, or with ``--check`` name those that are not true."""
    stale = [path for path, page in PAGES.items() if not path.exists() or path.read_text(encoding="utf-8") != page()]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(HERE.parent)} is not true; run `make docs`.")
        return 1 if stale else 0
    for path in stale:
        path.write_text(PAGES[path](), encoding="utf-8")
        print(f"wrote {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
