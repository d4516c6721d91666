"""What an index on a cluster is: its settings, its strict mappings, its marker, and an entry as the server takes it.

Only what every distribution has: the built-in ``whitespace`` analyzer, keywords and numbers. Nothing of an entry is kept
as its source; of a hit only its id and kind come back.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from search import analysis
from search.engines.base import RECORD, IndexDocument, date_key, newest_key, prefixes_of
from search.engines.elastic_query import REGISTER

log = logging.getLogger(__name__)

FORMAT = "lantai-elastic/1"
"""Goes up with every change of the mappings or of what the fields hold; an index of another format is made anew."""

_REMEMBERED = "1h"  # how long the server knows of what was deleted, so that a late entry cannot bring it back
_LAST_CODE = "\U0010ffff"  # entries without a code come after all others
_LONGEST_CODE = 300
_LONGEST_TERM = 8_000  # characters; the server takes 32,766 bytes
_LONGEST_TEXT = 30_000_000  # characters of pairs, under the 100 MB that a server takes of one request


def marker(holding_id: str) -> dict[str, str]:
    """What an index says of itself in ``_meta``: format, rules of analysis, whose it is."""
    return {"format": FORMAT, "analysis": analysis.fingerprint(), "holding": holding_id}


def settings(shards: int) -> dict[str, Any]:
    """Settings of a new index that is being filled: no refresh and no copies until it is put to use (``in_use``)."""
    return {
        "number_of_shards": shards,
        "number_of_replicas": 0,
        "refresh_interval": "-1",
        "gc_deletes": _REMEMBERED,
        "mapping.coerce": False,
    }


def in_use(replicas: int) -> dict[str, Any]:
    """Settings that change when the index is put to use; an interval of its own, or the server lets it fall asleep."""
    return {"number_of_replicas": replicas, "refresh_interval": "1s"}


def mappings(holding_id: str) -> dict[str, Any]:
    """The fields, as those of the embedded index; nothing else is taken."""
    phrases = {"type": "text", "analyzer": "whitespace"}
    units = {"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": False}
    exact = {"type": "keyword", "doc_values": False}
    counted = {"type": "keyword"}
    number = {"type": "long"}
    fields: dict[str, dict[str, Any]] = dict.fromkeys(("title", "text", "files"), phrases)
    fields |= dict.fromkeys(("units", "title_units", "file_units"), units)
    fields |= dict.fromkeys(("terms", "divisions", "reach", "marks"), exact)
    fields |= dict.fromkeys(("kind", "programme", "organ", "type", "level", "format", "vocabulary", "key"), counted)
    fields |= {"code": {"type": "keyword", "index": False}, "year": {"type": "integer"}}
    fields |= {"newest": number, "date": number}
    return {
        "dynamic": "strict",
        "_source": {"enabled": False},
        "_meta": marker(holding_id),
        "properties": fields,
    }


def document(entry: IndexDocument) -> bytes:
    """An entry as one line of JSON."""
    prefixes = prefixes_of(entry.division_code)
    level = entry.access_level if entry.kind == RECORD else REGISTER
    made: dict[str, Any] = {
        "key": entry.id,
        "kind": entry.kind,
        "title": entry.title.pairs,
        "title_units": entry.title.units,
        # two breaks: a phrase that ends the title never runs into the text
        "text": f"{entry.title.pairs} {analysis.BREAK} {analysis.BREAK} {_bounded(entry)}",
        "units": f"{entry.title.units} {entry.text.units}",
        "terms": _short(entry.terms),
        "divisions": prefixes,
        "reach": [f"{level}|{prefix}" for prefix in ("", *prefixes)],
        "marks": _short(entry.access_marks),
        "vocabulary": _short(entry.vocabulary),
        "format": _short(entry.formats),
        "code": f"{entry.code[:_LONGEST_CODE] or _LAST_CODE}\x1f{entry.seq:010d}",
        "newest": newest_key(entry.created, entry.seq),
        "date": date_key(entry.dated, entry.seq),
    }
    if entry.files.units:
        made |= {"files": entry.files.pairs, "file_units": entry.files.units}
    single = {
        "level": level if entry.kind == RECORD else "",
        "organ": entry.organ_id,
        "programme": entry.programme,
        "type": entry.document_type,
        "year": entry.year,
    }
    made |= {name: value for name, value in single.items() if value not in ("", None)}
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _short(values: tuple[str, ...]) -> list[str]:
    """Exact terms that are some and that the server takes; longer ones nobody can ask for (a query has 500 characters)."""
    return [one for one in values if one and len(one) <= _LONGEST_TERM]


def _bounded(entry: IndexDocument) -> str:
    """The text, cut where one request could not carry it; single characters of all of it stand in ``units``."""
    pairs = entry.text.pairs
    if len(pairs) <= _LONGEST_TEXT:
        return pairs
    log.warning("entry %s holds more text than one request carries; phrases of its end are not found", entry.id)
    return pairs[: pairs.rindex(" ", 0, _LONGEST_TEXT)]
