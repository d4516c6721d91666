"""What a person typed, as a query: ``parse`` reads it, ``model`` is what engines get. Pure: no engine, no database.

- Words stand together (AND); quotes (ASCII, “”, 「」, 『』) make a phrase; ``*`` alone finds everything.
- ``AND``, ``OR``, ``NOT`` in capitals, ``&``, ``|``, a ``-`` before a word, and 与/并且, 或/或者, 非/不含 standing alone
  between words join them; brackets group. Brackets inside a word belong to it: 民发〔2021〕57号 is one word.
- ``field:value`` or ``字段：值`` asks one field (``fields.FIELDS``); the value is a word, a phrase or a bracketed group.
- ``2024-01..2024-06``, ``>=2024-03-01`` and 2024年3月 are dates; ``abc*`` finds Latin words that begin so.
- A personal number becomes its keyed hash; ``尾号1234`` or ``last4:1234`` finds numbers that end so.
- Latin letters alone are also read as a name's pinyin, in full or its initials.

Full-width forms and Chinese punctuation are taken as their plain ones. Whatever cannot be meant is ``Invalid`` with a
hint that names the place; nothing that can be typed raises anything else.
"""

from search.query.fields import FIELDS, Names
from search.query.model import (
    All,
    Between,
    Either,
    Node,
    Not,
    Prefix,
    Query,
    Value,
    Word,
    document_term,
    household_term,
    household_terms,
    name_term,
    name_terms,
)
from search.query.parser import DEEPEST, LONGEST, MOST_WORDS, parse

__all__ = [
    "DEEPEST",
    "FIELDS",
    "LONGEST",
    "MOST_WORDS",
    "All",
    "Between",
    "Either",
    "Names",
    "Node",
    "Not",
    "Prefix",
    "Query",
    "Value",
    "Word",
    "document_term",
    "household_term",
    "household_terms",
    "name_term",
    "name_terms",
    "parse",
]
