"""Templates: one Jinja environment per language, everything escaped, an unknown name is an error and not a gap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from lantai import i18n
from lantai.web import display, helping, labels, saying
from lantai.web.options import Options
from lantai.web.visit import everyday_purposes

if TYPE_CHECKING:
    from lantai.web.visit import Visit

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


@cache
def environment(language: str) -> Environment:
    """The templates in ``language``."""
    made = _Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = i18n.translations(language)
    made.install_gettext_callables(catalogue.gettext, catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["_"] = made.globals["gettext"] = _saying(catalogue.gettext)
    made.filters.update(
        size=display.size,
        number=display.number,
        day=display.day,
        iso=display.iso,
        short=display.short,
        label=partial(labels.label, catalogue),
        term=partial(labels.term, language),
        path_part=partial(quote, safe=""),
        flags=flags,
        offered=offered,
    )
    made.filters["state"] = _kept_badges(made, "state")
    made.filters["badge"] = _kept_badges(made, "badge")
    made.globals.update(shape=labels.shape, static=static_url, query=query, language=language, helped=helping.ROOMS)
    return made


class _Environment(Environment):
    """Says words that have no values in them while a template is compiled, once: a page says some four hundred, and an
    environment knows its language."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed = super()._parse(source, name, filename)
        _SayingNow(cast("Callable[..., Markup]", self.globals["_"])).visit(parsed)
        return parsed


class _SayingNow(NodeTransformer):
    def __init__(self, say: Callable[..., Markup]) -> None:
        self._say = say

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  named by Jinja
        """``_("words")`` as the words themselves."""
        bare = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        if bare and isinstance(node.node, nodes.Name) and node.node.name == "_" and len(node.args) == 1:
            words = node.args[0]
            if isinstance(words, nodes.Const):
                return nodes.Const(self._say(words.value), lineno=node.lineno)
        return self.generic_visit(node)


def _kept_badges(made: Environment, macro: str) -> Callable[[str, str], Markup]:
    """The badge that a macro makes, made once each: they are few, and a list shows one in every line."""

    @lru_cache(maxsize=500)
    def badge(code: str, words: str) -> Markup:
        macros: Any = made.get_template("macros.html").module
        return Markup(getattr(macros, macro)(code, words))  # noqa: S704  what the macro gives is escaped

    return badge


def _saying(translate: Callable[[str], str]) -> Callable[..., Markup]:
    """What says words in the language of a page, with values in them, escaped; as the extension does, but for ``_`` too."""

    def said(words: str, /, **values: Any) -> Markup:
        return Markup(translate(words)) % values  # noqa: S704  words of the catalogue

    return said


def flags(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of an element: one that is True stands by its name alone, one that is False is left out.

    To a browser ``autofocus="False"`` is an order to focus.
    """
    return {name: name if value is True else value for name, value in attributes.items() if value is not False}


def offered(options: Options, chosen: str = "") -> Markup:
    """The elements of a ``<select>``, in their groups; not in a template, for a county offers hundreds of organs."""
    made: list[str] = []
    for group, entries in options:
        made += [f'<optgroup label="{escape(group)}">'] if group else []
        plain = _option_elements(tuple(entries))
        at = next((place for place, (code, _words) in enumerate(entries) if code == chosen), len(plain))
        made += plain[:at]
        made += [plain[at].replace('">', '" selected>', 1)] if at < len(plain) else []
        made += [*plain[at + 1 :], "</optgroup>" if group else ""]
    return Markup("".join(made))  # noqa: S704  escaped by whoever made the elements


@lru_cache(maxsize=64)
def _option_elements(entries: tuple[tuple[str, str], ...]) -> list[str]:
    """The same choices stand twice on one page and on every page of a kind."""
    return [f'<option value="{escape(code)}">{escape(words)}</option>' for code, words in entries]


@cache
def static_url(name: str) -> str:
    """The address of a static file, with its digest so that a new one is fetched at once."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def query(given: Mapping[str, Any], **changed: Any) -> str:
    """A query string of ``given`` with some fields ``changed``; empty ones are left out."""
    fields = {
        name: value for name, value in {**given, **changed}.items() if value or (value == 0 and value is not False)
    }
    return "?" + urlencode(fields) if fields else ""


def page(visit: Visit, template: str, /, *, status: int = 200, room: str = "", **context: Any) -> HTMLResponse:
    """A page for ``visit``; ``room`` is the room of the navigation that it stands in."""
    site = visit.site
    made = environment(visit.language)
    told = saying.said(visit)
    body = made.get_template(template).render(
        visit=visit,
        room=room,
        rooms=labels.rooms(visit),
        site_name=site.settings.site_name,
        synthetic=site.settings.synthetic,
        when=partial(display.moment, zone=site.archive.zone),
        until=partial(display.until, zone=site.archive.zone),
        profile=site.archive.profile,
        purposes=everyday_purposes(site.archive.profile),
        path=visit.request.url.path,
        here=visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
        **{"said": told.words if told else "", "undo": told.undo if told else None, "searched": "", **context},
    )
    answer = HTMLResponse(
        body, status_code=status, headers={"Content-Language": "zh-CN" if visit.language == "zh" else "en"}
    )
    saying.clear(visit, answer)
    return answer
