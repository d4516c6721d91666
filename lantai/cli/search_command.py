"""``lantai search``: records and case files in either script, their facets, and the list as a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer

from access.actors import Actor
from lantai import i18n, result_lists
from lantai.cli.output import Json, Reason, emit, out, say, table, warn
from lantai.cli.session import opened
from lantai.result_lists import ResultTable
from lantai.site import Site
from metadata.errors import Invalid
from search import service
from search.service import FACETS, KINDS, SORTS, Engine, Filters, Period, SearchPage, Sort

_FACET_VALUES = 10


def search(
    query: Annotated[str, typer.Argument(help='Words, "phrases", field:value, AND OR NOT, numbers; * finds all.')],
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Hits to show.")] = 20,
    after: Annotated[str | None, typer.Option(help="Where the page before ended: its `next`.")] = None,
    sort: Annotated[str, typer.Option(help=f"One of {', '.join(SORTS)}.")] = "relevance",
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help=f"FIELD=VALUE with FIELD one of {', '.join(FACETS)}; may be repeated."),
    ] = None,
    since: Annotated[str | None, typer.Option(help="Documents from this day on, as 2024-01-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Documents up to this day.")] = None,
    facets: Annotated[bool, typer.Option("--facets", help="Count the hits by attribute too.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write the list to OUT.csv, OUT.xlsx or OUT.json; must not exist."),
    ] = None,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Find records and case files in either script."""
    narrowed, period = _filters(filters or []), (_day(since), _day(until))
    order = cast("Sort", sort)
    with opened() as (site, actor):
        engine = site.search_engine()
        try:
            if export is not None:
                _export(site, engine, actor, query, export, (order, narrowed, period), reason=reason, json=json)
                return
            page = service.search(
                site.archive,
                engine,
                actor,
                query,
                limit=limit,
                after=after,
                sort=order,
                filters=narrowed,
                period=period,
                facets=facets,
                kinds=KINDS,
                reason=reason,
            )
        finally:
            engine.close()
        if json:
            emit(_as_dict(page, facets=facets))
        else:
            _show(page, site.settings.language)


def _filters(given: Sequence[str]) -> Filters:
    """``FIELD=VALUE`` by field."""
    made: dict[str, list[str]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or name not in FACETS or not value:
            raise Invalid(
                "search.bad_filter",
                zh=f"筛选项应写成 字段=值，字段可用：{'、'.join(FACETS)}。",
                en=f"A filter is written FIELD=VALUE; fields: {', '.join(FACETS)}.",
            )
        made.setdefault(name, []).append(value)
    return made


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "date.malformed",
            zh=f"“{text}”不是日期；请写成 2030-12-31 的样子。",
            en=f"{text!r} is no date; write it as 2030-12-31.",
        ) from None


def _as_dict(page: SearchPage, *, facets: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"total": page.total, "hits": page.hits, "next": page.next, "did_you_mean": page.suggestions}
    if facets:
        told["facets"] = {name: [{"value": one, "count": n} for one, n in page.facets[name]] for name in page.facets}
    return told


def _show(page: SearchPage, language: str) -> None:
    rows = [
        (hit["household_no"], hit["title"], hit["date"], _why(hit), hit["path"], hit["page"], _id(hit))
        for hit in page.hits
    ]
    table(["household", "title", "date", "why", "path", "page", "record"], rows)
    for name, counts in page.facets.items():
        if counts:
            listed = "  ".join(f"{value or '–'} {count}" for value, count in counts[:_FACET_VALUES])
            out.print(f"{name}: {listed}", markup=False)
    say(f"共 {page.total} 条。", f"{page.total} found.")
    if page.suggestions:
        say(f"您是不是要找：{'、'.join(page.suggestions)}", f"Did you mean: {', '.join(page.suggestions)}")
    if page.next is not None:
        word = i18n.translations(language).gettext("Next page")
        out.print(f"{word}: --after {page.next}", style="dim", markup=False)


def _id(hit: dict[str, Any]) -> str:
    return str(hit["record_id"] or f"case-file {hit['case_file_id']}")


def _why(hit: dict[str, Any]) -> str:
    return ", ".join(dict.fromkeys(str(one["at"]).replace("_", " ") for one in hit["why"]))


# --- the list as a file -----------------------------------------------------------------------------------------------


def _export(
    site: Site,
    engine: Engine,
    actor: Actor,
    query: str,
    path: Path,
    asked: tuple[Sort, Filters, Period],
    *,
    reason: str,
    json: bool,
) -> None:
    kind = path.suffix.lower().lstrip(".")
    if kind not in result_lists.MEDIA_TYPES:
        raise Invalid(
            "export.unknown_kind",
            zh=f"不知道写成什么格式：{path.name}。文件名请以 .csv、.xlsx 或 .json 结尾。",
            en=f"What kind of file is {path.name}? Let its name end in .csv, .xlsx or .json.",
        )
    if path.exists():
        raise Invalid(
            "export.exists",
            zh=f"{path} 已存在，未写入任何内容。",
            en=f"{path} exists; nothing was written.",
            path=str(path),
        )
    sort, filters, period = asked
    found = service.export(
        site.archive,
        engine,
        actor,
        query,
        sort=sort,
        filters=filters,
        period=period,
        kinds=KINDS,
        most=result_lists.MOST,
        reason=reason,
    )
    with _whole(path) as file:
        listed = ResultTable(found, site.archive.profile, site.settings.language)
        if kind == "xlsx":
            result_lists.write_xlsx(listed, file)
        else:
            file.writelines(result_lists.csv_chunks(listed) if kind == "csv" else result_lists.json_chunks(found))
    cut = found.count < found.total
    if json:
        emit({"path": str(path), "total": found.total, "count": found.count, "cut": cut})
        return
    say(f"已将 {found.count} 条写入 {path}。", f"{found.count} rows written to {path}.")
    if cut:
        warn(
            f"共 {found.total} 条，只写入了前 {found.count} 条；请缩小检索范围后再导出其余的。",
            f"There are {found.total}; only the first {found.count} were written. Narrow the search to get the others.",
        )


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there whole or not at all, readable by its owner only."""
    handle, name = tempfile.mkstemp(prefix=".lantai-", suffix=path.suffix, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def add_to(app: typer.Typer) -> None:
    """Hang the command on the root."""
    app.command()(search)
