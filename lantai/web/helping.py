"""Help: one text per room, in both languages, written in Markdown beside the program.

``docs/howto/<room>.md`` is made of the same files by ``python -m docs.build``, so that there is one truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

HELP = Path(__file__).parent / "help"
PARTING = "<!-- en -->"
"""Parts the Chinese text, which stands first, from the English."""

PICTURES = Path(__file__).parent / "static" / "help"
"""Where the pictures lie; pages have them from ``/static/help/``."""

ROOMS = frozenset(path.stem for path in HELP.glob("*.md"))
"""Rooms that have a page of help."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The help of one room in one language: its title, its first sentence, its body as HTML without the title."""

    room: str
    title: str
    summary: str
    body: Markup


@cache
def topic(room: str, language: str) -> Topic | None:
    """The help of ``room``; nothing when there is none."""
    if room not in ROOMS:
        return None
    zh, _, en = (HELP / f"{room}.md").read_text(encoding="utf-8").partition(PARTING)
    renderer = _renderer()
    tokens = renderer.parse(en if language == "en" else zh)
    title, summary = tokens[1].content, tokens[4].content
    html = renderer.renderer.render(_pictured(tokens[6:]), renderer.options, {})
    return Topic(room, title, summary, Markup(html))  # noqa: S704 - our own text, and HTML in it is escaped


def _pictured(tokens: list[Token]) -> list[Token]:
    """Pictures by their address on the site; one that was not taken is left out."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "image":
                child.attrs = {**child.attrs, "src": f"/static/help/{child.attrs['src']}", "loading": "lazy"}
        token.children = [
            child
            for child in token.children or ()
            if child.type != "image" or (PICTURES / str(child.attrs["src"]).rpartition("/")[2]).is_file()
        ]
    return tokens


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
