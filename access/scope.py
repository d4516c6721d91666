"""What a role reaches, as SQL: divisions, access levels, marks.

Kept apart from the gate so that the gate reads as rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, bindparam, false, func, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from repository.tables import CaseFile, Record

_TOWNSHIP, _VILLAGE = 9, 12
"""Digits of their division codes."""


def within_divisions(column: Any, prefix: str) -> ColumnElement[bool]:
    """Whether the division code in ``column`` begins with ``prefix``; an empty prefix reaches nothing.

    The comparison of the first digits decides, whatever the collation, and is made row by row: other criteria lead to
    the rows. Lists that nothing else narrows add ``placed_in``. PostgreSQL chooses the way to the rows by what it knows
    of a column, and of a part of a column it knows nothing: it is asked in words that it can reckon with.
    """
    if not prefix:
        return false()
    same: ColumnElement[bool] = func.substr(column, 1, len(prefix)) == prefix
    if not (prefix.isascii() and prefix.isdigit()):  # somebody's typing: it begins no division, and a % is no wildcard
        return same
    return _Within(same, _reckonable(column, prefix))


def _reckonable(column: Any, prefix: str) -> ColumnElement[bool]:
    table = getattr(column, "class_", None)
    if table in {Record, CaseFile} and column.key == "division_code" and len(prefix) in {_TOWNSHIP, _VILLAGE}:
        return placed_in(table, prefix)
    return _BeginsWith(column, bindparam(None, prefix, String(), literal_execute=True, unique=True))


def placed_in(table: type[Record] | type[CaseFile], prefix: str) -> ColumnElement[bool]:
    """The same of records or case files, found by an index in the order of lists where a township or village is meant."""
    if len(prefix) == _VILLAGE:
        return table.division_code == prefix
    if len(prefix) == _TOWNSHIP:
        return table.township == prefix
    return within_divisions(table.division_code, prefix)


def within_any(column: Any, prefixes: Iterable[str]) -> ColumnElement[bool]:
    """Whether the division code in ``column`` begins with any of ``prefixes``; on SQLite one look for each length."""
    alike: dict[int, list[str]] = {}
    for prefix in prefixes:
        if prefix:
            alike.setdefault(len(prefix), []).append(prefix)
    criteria: list[ColumnElement[bool]] = []
    for length, some in alike.items():
        if len(some) == 1:
            criteria.append(within_divisions(column, some[0]))
        else:
            each = or_(*(within_divisions(column, one) for one in sorted(some)))
            criteria.append(_Within(func.substr(column, 1, length).in_(sorted(some)), each))
    return or_(*criteria) if criteria else false()


class _Within(FunctionElement[bool]):
    """The same in two ways: for SQLite, and for PostgreSQL."""

    name = "within"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> _Within:  # noqa: ARG002
        """A condition in brackets of its own: SQLite is not to compare its outcome with one, row by row."""
        return self


@compiles(_Within)
def _row_by_row(element: _Within, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(next(iter(element.clauses)), **options)})"


@compiles(_Within, "postgresql")
def _reckoned_with(element: _Within, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(list(element.clauses)[1], **options)})"


class _BeginsWith(FunctionElement[bool]):
    """``column`` begins with a text of digits, which stands in the statement: a prepared one is then planned with it."""

    name = "begins_with"
    type = Boolean()
    inherit_cache = True


@compiles(_BeginsWith)
def _like(element: _BeginsWith, compiler: SQLCompiler, **options: Any) -> str:
    column, place = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} LIKE {place} || '%%'"  # the driver's own sign for a parameter, twice: one per cent


class _MarksWithin(FunctionElement[bool]):
    """``column`` is a JSON array of which every value is one of the following arguments."""

    name = "marks_within"
    type = Boolean()
    inherit_cache = True


def marks_within(column: Any, cleared: Iterable[str]) -> ColumnElement[bool]:
    """Whether every mark in the JSON array ``column`` is among ``cleared``: an unknown mark hides the record."""
    return _MarksWithin(column, *(literal(mark, String()) for mark in sorted(cleared)))


def _compiled(element: _MarksWithin, compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    column, *cleared = (compiler.process(clause, **options) for clause in element.clauses)
    return column, f"mark.value IS NULL OR mark.value NOT IN ({', '.join(cleared)})" if cleared else "1 = 1"


@compiles(_MarksWithin)
def _on_sqlite(element: _MarksWithin, compiler: SQLCompiler, **options: Any) -> str:
    column, foreign = _compiled(element, compiler, **options)
    # most records bear no mark: they are told apart without reading JSON
    return f"({column} = '[]' OR json_type({column}) = 'array' AND NOT EXISTS (SELECT 1 FROM json_each({column}) AS mark WHERE {foreign}))"  # noqa: S608  compiled clauses


@compiles(_MarksWithin, "postgresql")
def _on_postgresql(element: _MarksWithin, compiler: SQLCompiler, **options: Any) -> str:
    column, foreign = _compiled(element, compiler, **options)
    array = f"CASE WHEN jsonb_typeof({column}) = 'array' THEN {column} ELSE '[null]'::jsonb END"
    return f"NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text({array}) AS mark(value) WHERE {foreign})"  # noqa: S608  compiled clauses
