"""Queries, permissions, filters and facets in Elasticsearch's terms: the same conditions as ``embedded_query``.

Text was cut before it came (``search.analysis``), so that ``match`` and ``match_phrase`` only split at blanks. What only
decides stands in ``filter``, where nothing scores and the server keeps the answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search import analysis
from search.engines.base import (
    HOUSEHOLD,
    MOST_VALUES,
    Counts,
    PermissionFilter,
    Sort,
)
from search.query import All, Between, Either, Node, Not, Prefix, Query, Value, Word

Dsl = dict[str, Any]

TITLE_WEIGHT = 3.0
TERM_WEIGHT = 8.0
REGISTER = "-"
"""Stands for the level of case files; no scope of records can name it."""

NOTHING: Dsl = {"match_none": {}}
EVERYTHING: Dsl = {"match_all": {}}
ALL_VALUES = 65_000
"""Values that each shard hands over, so that counts are exact over several."""

_UNITS = {"any": "units", "title": "title_units", "file": "file_units"}
_PHRASES = {"any": "text", "title": "title", "file": "files"}
_MOST_TERMS = 60_000  # of one `terms` query; the server takes 65,536
_LAST_DAY = 3_652_059
_ORDERS: dict[Sort, list[Dsl]] = {
    "relevance": [{"_score": "desc"}, {"newest": "desc"}],
    "newest": [{"newest": "desc"}],
    "date": [{"date": "desc"}],
    "code": [{"code": "asc"}],
}


def order_of(sort: Sort, *, ranked: bool) -> list[Dsl]:
    """The order as the server sorts; every one ends with a key that no two entries share."""
    return _ORDERS["newest" if sort == "relevance" and not ranked else sort]


def any_of(parts: Sequence[Dsl]) -> Dsl:
    """At least one of ``parts``; nothing when there are none."""
    if not parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {"should": list(parts), "minimum_should_match": 1}}


def body(query: Query, permission: Dsl, narrowed: Mapping[str, Dsl], *, ranked: bool) -> Dsl:
    """What is to be found: the tree, and outside of it what the person may see and has chosen."""
    decides = [permission, *narrowed.values()]
    asked: Dsl = {"filter": decides}
    if query.root is not None:
        tree = [_node(query.root)]
        asked |= {"must": tree} if ranked else {"filter": [*decides, *tree]}
    lifting = [one for word in query.words for one in _lifting(word)] if ranked else []
    if lifting:
        asked["should"] = lifting
    return {"bool": asked}


def narrowing(filters: Mapping[str, Sequence[str]]) -> dict[str, Dsl]:
    """Each filter as a condition."""
    return {name: _attribute(name, values) for name, values in filters.items()}


# --- the tree ---------------------------------------------------------------------------------------------------------


def _node(node: Node) -> Dsl:
    if isinstance(node, Word):
        return _word(node)
    if isinstance(node, All):
        denied = [_node(one.part) for one in node.parts if isinstance(one, Not)]
        wanted = [_node(one) for one in node.parts if not isinstance(one, Not)]
        return {"bool": {"must": wanted, "must_not": denied}}
    if isinstance(node, Either):
        return any_of([_node(one) for one in node.parts])
    if isinstance(node, Not):
        return {"bool": {"must_not": [_node(node.part)]}}
    if isinstance(node, Prefix):
        return _unscored({"prefix": {node.of: {"value": node.begins}}})
    return _unscored(_between(node) if isinstance(node, Between) else _value(node))


def _unscored(condition: Dsl) -> Dsl:
    return {"bool": {"filter": [condition]}}


def _word(word: Word) -> Dsl:
    """What must be met; what only lifts the score stands beside the whole tree (``_lifting``)."""
    options: list[Dsl] = []
    if word.elements and word.where != "name":
        options.append(_elements(word))
    if word.terms:
        options.append(_constant(_one_of("terms", word.terms), TERM_WEIGHT if len(word.elements) > 1 else 1.0))
    return any_of(options)


def _elements(word: Word) -> Dsl:
    if len(word.elements) > 1:
        return _phrase(_PHRASES[word.where], word.elements, 1.0)
    return _constant({"term": {_UNITS[word.where]: word.elements[0]}}, 1.0)


def _lifting(word: Word) -> list[Dsl]:
    """The word in the title, and as the name of somebody whom the entry is about."""
    if len(word.elements) < 2 or word.where != "any":
        return []
    lifting = [_phrase("title", word.elements, TITLE_WEIGHT)]
    if word.favours:
        lifting.append(_constant(_one_of("terms", word.favours), TERM_WEIGHT))
    return lifting


def _phrase(field: str, elements: tuple[str, ...], boost: float) -> Dsl:
    pairs = analysis.pairs(elements)
    if len(pairs) == 1:
        return {"term": {field: {"value": pairs[0], "boost": boost}}}
    return {"match_phrase": {field: {"query": " ".join(pairs), "boost": boost}}}


def _constant(condition: Dsl, score: float) -> Dsl:
    return {"constant_score": {"filter": condition, "boost": score}}


def _one_of(field: str, values: Iterable[str]) -> Dsl:
    listed = list(values)
    if len(listed) == 1:
        return {"term": {field: listed[0]}}
    parts = [listed[start : start + _MOST_TERMS] for start in range(0, len(listed), _MOST_TERMS)]
    return any_of([{"terms": {field: part}} for part in parts])


def _between(node: Between) -> Dsl:
    """Both bounds included; undated entries are in no range."""
    if node.attribute == "year":
        return {"range": {"year": {"gte": max(node.lower or 0, 0), "lte": min(node.upper or 9999, 9999)}}}
    lower, upper = max(node.lower or 1, 1), min(node.upper or _LAST_DAY, _LAST_DAY)
    return {"range": {"date": {"gte": lower << 31, "lt": (upper + 1) << 31}}}


def _value(node: Value) -> Dsl:
    return _attribute(node.attribute, node.values)


def _attribute(name: str, values: Sequence[str]) -> Dsl:
    """Any of the values; nothing when there is none that could be."""
    if name == "year":
        values = [one for one in values if one.isascii() and one.isdigit() and len(one) <= 4]
    return _one_of("divisions" if name == "division" else name, values) if values else NOTHING


# --- permission -------------------------------------------------------------------------------------------------------


def permitted(permission: PermissionFilter) -> Dsl | None:
    """What the person may find; ``None`` when that is nothing.

    Scopes that leave out the same marks are one set of terms, so that fifty villages cost one look. A case file bears no
    mark, so that the register's scopes go with any others.
    """
    reach: dict[tuple[str, ...], dict[str, None]] = {}
    options: list[Dsl] = []
    for scope in sorted(permission.scopes, key=lambda one: one.kind == HOUSEHOLD):
        register = scope.kind == HOUSEHOLD
        levels = (REGISTER,) if register else tuple(one for one in scope.levels if one != REGISTER)
        terms = [f"{level}|{prefix}" for level in levels for prefix in scope.prefixes]
        own = () if register else tuple(sorted(scope.excluded_marks))
        if not terms:
            continue
        if scope.ids is not None:
            if scope.ids:
                options.append({"bool": {"filter": [_one_of("key", scope.ids), _reached(terms, own)]}})
            continue
        marks = next(iter(reach), ()) if register else own
        reach.setdefault(marks, {}).update(dict.fromkeys(terms))
    options += [_reached(list(terms), marks) for marks, terms in reach.items()]
    return any_of(options) if options else None


def _reached(terms: list[str], excluded_marks: tuple[str, ...]) -> Dsl:
    reached = _one_of("reach", terms)
    if not excluded_marks:
        return reached
    return {"bool": {"filter": [reached], "must_not": [{"terms": {"marks": list(excluded_marks)}}]}}


# --- counts -----------------------------------------------------------------------------------------------------------


def counting(facets: Sequence[str], narrowed: Mapping[str, Dsl], shards: int) -> Dsl:
    """Each facet counted under every filter but its own; those in ``narrowed`` stand outside the query itself."""
    wanted: Dsl = {}
    for name in facets:
        terms: Dsl = {"terms": {"field": name, "size": MOST_VALUES}}
        if shards > 1:
            terms["terms"]["shard_size"] = ALL_VALUES
        others = [condition for other, condition in narrowed.items() if other != name]
        wanted[name] = {"filter": {"bool": {"filter": others}}, "aggs": {"values": terms}} if narrowed else terms
    return wanted


def counted(found: Mapping[str, Any]) -> Counts:
    """A facet's answer: most frequent first, equals by value."""
    buckets = found.get("values", found)["buckets"]
    values = [(str(one["key"]), int(one["doc_count"])) for one in buckets]
    return tuple(sorted(values, key=lambda one: (-one[1], one[0]))[:MOST_VALUES])


def near(prefixes: Sequence[str], permission: Dsl, *, limit: int, shards: int) -> Dsl:
    """Keys of the vocabulary that begin with one of ``prefixes``, counted among what is permitted."""
    begins = "|".join(re.sub(r"([^\w])", r"\\\1", one) for one in prefixes)
    terms: Dsl = {
        "field": "vocabulary",
        "include": f"({begins}).*",
        "size": limit,
        "execution_hint": "map",  # no table of the whole vocabulary for a few entries
    }
    if shards > 1:
        terms["shard_size"] = ALL_VALUES
    starts = any_of([{"prefix": {"vocabulary": {"value": one}}} for one in prefixes])
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"bool": {"filter": [permission, starts]}},
        "aggs": {"words": {"terms": terms}},
    }
