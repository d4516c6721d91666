"""The embedded engine's schema, and queries, permissions and filters in Tantivy's terms.

The text holds the title too, so that one phrase decides: a union of phrases would be computed over all entries before
any permission (measured: five times slower under a filter).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import tantivy
from tantivy import FieldType, Occur

from search import analysis
from search.engines.base import (
    HOUSEHOLD,
    RECORD,
    IndexDocument,
    PermissionFilter,
    date_key,
    newest_key,
    prefixes_of,
)
from search.query import All, Between, Either, Node, Not, Prefix, Query, Word

TITLE_WEIGHT = 3.0
TERM_WEIGHT = 8.0

_UNITS = {"any": "units", "title": "title_units", "file": "file_units"}
_PHRASES = {"any": "text", "title": "title", "file": "files"}
_FAST_TEXT = ("organ", "programme", "type", "level", "format")
_FEW = 4
_REGISTER = "-"  # stands for the level of case files; no scope of records can name it
_MONTH = 2_629_800  # seconds
_FIRST_MONTH = 360  # January 2000
_LAST_CODE = "\U0010ffff"  # entries without a code come after all others


@cache
def schema() -> tantivy.Schema:
    """The fields; ``embedded.FORMAT`` goes up with every change of them or of what they hold."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("title", "text", "files"):
        builder.add_text_field(name, tokenizer_name="ws", index_option="position")
    for name in _UNITS.values():
        builder.add_text_field(name, tokenizer_name="ws", index_option="basic")
    for name in ("terms", "divisions", "reach", "marks", "vocabulary"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in (*_FAST_TEXT, "code"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("newest", "date", "year"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_float_field("weight", fast=True)
    return builder.build()


def document(entry: IndexDocument) -> tantivy.Document:
    """An entry as the library takes it."""
    made = tantivy.Document()
    made.add_text("key", entry.id)
    made.add_text("kind", entry.kind)
    made.add_text("title", entry.title.pairs)
    made.add_text("title_units", entry.title.units)
    # two breaks: a phrase asks for every other pair, so one place between title and text would not part them
    made.add_text("text", f"{entry.title.pairs} {analysis.BREAK} {analysis.BREAK} {entry.text.pairs}")
    made.add_text("units", f"{entry.title.units} {entry.text.units}")
    if entry.files.units:
        made.add_text("files", entry.files.pairs)
        made.add_text("file_units", entry.files.units)
    prefixes = prefixes_of(entry.division_code)
    level = entry.access_level if entry.kind == RECORD else _REGISTER
    many = {
        "terms": entry.terms,
        "divisions": prefixes,
        "reach": [f"{level}|{prefix}" for prefix in ("", *prefixes)],
        "marks": entry.access_marks,
        "vocabulary": entry.vocabulary,
        "format": entry.formats,
        "level": (level,) if entry.kind == RECORD else (),
        "organ": (entry.organ_id,),
        "programme": (entry.programme,),
        "type": (entry.document_type,),
        "code": (f"{entry.code or _LAST_CODE}\x1f{entry.seq:010d}",),
    }
    for name, values in many.items():
        for value in values:
            if value:
                made.add_text(name, value)
    made.add_float("weight", _weight(entry.created, entry.seq))
    made.add_integer("newest", newest_key(entry.created, entry.seq))
    made.add_integer("date", date_key(entry.dated, entry.seq))
    if entry.year is not None:
        made.add_integer("year", entry.year)
    return made


def _weight(created: int, seq: int) -> float:
    """What scores are multiplied by: 1.00 to 1.03, rising with the month of taking in, then spread by number.

    Papers of one form get equal scores by the ten thousand; to show the newest of them all would have to be compared.
    """
    month = min(max(created // _MONTH - _FIRST_MONTH, 0), 1023)
    spread = (seq * 2_654_435_761 & 0xFFFFFFFF) >> 23
    return 1.0 + ((month << 9) | spread) / (1 << 24)


def asked(
    query: Query, permission: PermissionFilter, filters: Mapping[str, Sequence[str]], *, ranked: bool = True
) -> tantivy.Query | None:
    """What is to be found; ``None`` when that is nothing. ``ranked``: with what only lifts the score."""
    permitted = _permitted(permission)
    if permitted is None:
        return None
    parts = [permitted]
    for name, values in filters.items():
        narrowed = _attribute(name, values)
        if narrowed is None:
            return None
        parts.append(_unscored(narrowed))
    if query.root is not None:
        parts.append(_node(query.root))
    lifting = [(Occur.Should, one) for word in query.words for one in _lifting(word)] if ranked else []
    return tantivy.Query.boolean_query([*((Occur.Must, one) for one in parts), *lifting])


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


def any_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    """At least one of ``queries``, which are at least one."""
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(Occur.Should, one) for one in queries])


# --- the tree ---------------------------------------------------------------------------------------------------------


def _node(node: Node) -> tantivy.Query:
    if isinstance(node, Word):
        return _word(node)
    if isinstance(node, All):
        # what only denies stands beside everything, as the library answers nothing to denials alone
        parts = [
            (Occur.MustNot, _node(one.part)) if isinstance(one, Not) else (Occur.Must, _node(one)) for one in node.parts
        ]
        if all(isinstance(one, Not) for one in node.parts):
            parts.append((Occur.Must, _everything()))
        return tantivy.Query.boolean_query(parts)
    if isinstance(node, Either):
        return any_of([_node(one) for one in node.parts])
    if isinstance(node, Not):
        return tantivy.Query.boolean_query([(Occur.Must, _everything()), (Occur.MustNot, _node(node.part))])
    if isinstance(node, Prefix):
        begins = re.sub(r"([^\w])", r"\\\1", node.begins)
        return _unscored(tantivy.Query.regex_query(schema(), node.of, f"{begins}.*"))
    found = _between(node) if isinstance(node, Between) else _attribute(node.attribute, node.values)
    return tantivy.Query.empty_query() if found is None else _unscored(found)


def _everything() -> tantivy.Query:
    return _unscored(tantivy.Query.all_query())


def _word(word: Word) -> tantivy.Query:
    """What must be met; what only lifts the score stands beside the whole tree (``_lifting``)."""
    options: list[tantivy.Query] = []
    if word.elements and word.where != "name":
        options.append(_elements(word))
    if word.terms:
        options.append(_terms(word.terms, TERM_WEIGHT if len(word.elements) > 1 else 1.0))
    return any_of(options)


def _lifting(word: Word) -> list[tantivy.Query]:
    """The word in the title, and as the name of somebody whom the entry is about."""
    if len(word.elements) < 2 or word.where != "any":
        return []
    lifting = [tantivy.Query.boost_query(_phrase("title", analysis.pairs(word.elements)), TITLE_WEIGHT)]
    if word.favours:
        lifting.append(_terms(word.favours, TERM_WEIGHT))
    return lifting


def _elements(word: Word) -> tantivy.Query:
    if len(word.elements) > 1:
        return _phrase(_PHRASES[word.where], analysis.pairs(word.elements))
    unit = tantivy.Query.term_query(schema(), _UNITS[word.where], word.elements[0], index_option="basic")
    return tantivy.Query.const_score_query(unit, 1.0)


def _terms(terms: Sequence[str], score: float) -> tantivy.Query:
    return tantivy.Query.const_score_query(_one_of("terms", terms), score)


def _one_of(field: str, values: Sequence[str]) -> tantivy.Query:
    """Any of the values: a set is gathered whole before it is asked, so few are better asked one by one."""
    if len(values) <= _FEW:
        return any_of([tantivy.Query.term_query(schema(), field, one, index_option="basic") for one in values])
    return tantivy.Query.term_set_query(schema(), field, list(values))


def _phrase(field: str, tokens: list[str]) -> tantivy.Query:
    """Pairs overlap, so every other one with its place says as much as all."""
    if len(tokens) == 1:
        return tantivy.Query.term_query(schema(), field, tokens[0])
    places = sorted({*range(0, len(tokens), 2), len(tokens) - 1})
    return tantivy.Query.phrase_query(schema(), field, [(place, tokens[place]) for place in places])


def _between(node: Between) -> tantivy.Query:
    """Both bounds included; undated entries are in no range."""
    if node.attribute == "year":
        return tantivy.Query.range_query(
            schema(),
            "year",
            FieldType.Integer,
            lower_bound=node.lower or 0,
            upper_bound=node.upper or 9999,
            use_inverted_index=True,
        )
    lower, upper = max(node.lower or 1, 1), (node.upper or 3_652_059)
    return tantivy.Query.range_query(
        schema(), "date", FieldType.Integer, lower_bound=lower << 31, upper_bound=(upper + 1) << 31, include_upper=False
    )


def _attribute(name: str, values: Sequence[str]) -> tantivy.Query | None:
    """Any of the values; ``None`` when there is none that could be."""
    if name == "year":
        numbers = [int(one) for one in values if one.isascii() and one.isdigit() and len(one) <= 4]
        return any_of([tantivy.Query.term_query(schema(), "year", one) for one in numbers]) if numbers else None
    if not values:
        return None
    return _one_of("divisions" if name == "division" else name, values)


# --- permission -------------------------------------------------------------------------------------------------------


def permitted_alone(permission: PermissionFilter) -> tantivy.Query | None:
    """What the person may find, as a query of its own; ``None`` when that is nothing."""
    return _permitted(permission)


def _permitted(permission: PermissionFilter) -> tantivy.Query | None:
    """Scopes that leave out the same marks are one set of terms, so that fifty villages cost one look.

    A case file bears no mark, so that the register's scopes go with any others.
    """
    reach: dict[tuple[str, ...], dict[str, None]] = {}
    options: list[tantivy.Query] = []
    for scope in sorted(permission.scopes, key=lambda one: one.kind == HOUSEHOLD):
        levels = (_REGISTER,) if scope.kind == HOUSEHOLD else tuple(one for one in scope.levels if one != _REGISTER)
        terms = [f"{level}|{prefix}" for level in levels for prefix in scope.prefixes]
        own = () if scope.kind == HOUSEHOLD else tuple(sorted(scope.excluded_marks))
        if not terms:
            continue
        if scope.ids is not None:
            options.append(_named(scope.ids, _reached(terms, own)))
            continue
        marks = next(iter(reach), ()) if scope.kind == HOUSEHOLD else own
        reach.setdefault(marks, {}).update(dict.fromkeys(terms))
    options += [_reached(list(terms), marks) for marks, terms in reach.items()]
    return _unscored(any_of(options)) if options else None


def _named(ids: Sequence[str], reached: tantivy.Query) -> tantivy.Query:
    named = tantivy.Query.term_set_query(schema(), "key", list(ids))
    return tantivy.Query.boolean_query([(Occur.Must, named), (Occur.Must, reached)])


def _reached(terms: list[str], excluded_marks: tuple[str, ...]) -> tantivy.Query:
    reached = _one_of("reach", terms)
    if not excluded_marks:
        return reached
    marked = tantivy.Query.term_set_query(schema(), "marks", list(excluded_marks))
    return tantivy.Query.boolean_query([(Occur.Must, reached), (Occur.MustNot, marked)])
