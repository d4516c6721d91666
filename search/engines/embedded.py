"""The embedded engine: Tantivy in a folder of the site, one writer at a time, any number of readers.

What was learnt from measuring (docs/reference/benchmarks.md) and is tested here: deleting by an *unsigned* field
silently deletes nothing, so the key is raw text; a phrase of one token and a limit of nothing abort inside the library,
so neither is ever asked; tokenizers must be registered at every open. The folder must lie on a local disk (locks and
memory maps).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import tantivy
from tantivy import FieldType, Occur

from metadata.errors import Unavailable
from search import analysis
from search.engines.base import (
    DEEPEST,
    Hit,
    Hits,
    IndexDocument,
    PermissionFilter,
    Scope,
    cursor,
    prefixes_of,
    read_cursor,
    too_deep,
)
from search.query import Query, Word

MARKER = "lantai-index.json"
FORMAT = "lantai-index/1"
"""Goes up with every change of the schema below or of what its fields hold."""

_HEAP = 50_000_000
_TITLE_WEIGHT = 3.0
_TERM_WEIGHT = 8.0


@cache
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("seq", indexed=True, fast=True)
    builder.add_text_field("title", tokenizer_name="ws", index_option="position")
    builder.add_text_field("text", tokenizer_name="ws", index_option="position")
    builder.add_text_field("units", tokenizer_name="ws", index_option="basic")
    for name in ("terms", "divisions", "level", "marks"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("organ", "programme", "type"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_integer_field("year", indexed=True, fast=True)
    builder.add_integer_field("day", indexed=True, fast=True)
    return builder.build()


def _document(entry: IndexDocument) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("key", entry.record_id)
    document.add_integer("seq", entry.seq)
    document.add_text("title", entry.title.pairs)
    document.add_text("text", f"{entry.title.pairs} {analysis.BREAK} {entry.text.pairs}")
    document.add_text("units", f"{entry.title.units} {entry.text.units}")
    for term in entry.terms:
        document.add_text("terms", term)
    for prefix in prefixes_of(entry.division_code):
        document.add_text("divisions", prefix)
    document.add_text("level", entry.access_level)
    for mark in entry.access_marks:
        document.add_text("marks", mark)
    for name, value in (("organ", entry.organ_id), ("programme", entry.programme), ("type", entry.document_type)):
        if value:
            document.add_text(name, value)
    if entry.year is not None:
        document.add_integer("year", entry.year)
    if entry.dated is not None:
        document.add_integer("day", entry.dated.toordinal())
    return document


def _any_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(Occur.Should, one) for one in queries])


def _word(word: Word) -> tantivy.Query:
    """What must be met, with what only lifts the score beside it.

    The text holds the title too, so that one phrase decides: a union of phrases would be computed over all records
    before any permission (measured: five times slower under a filter).
    """
    options: list[tantivy.Query] = []
    lifting: list[tantivy.Query] = []
    if len(word.elements) == 1:
        unit = tantivy.Query.term_query(_schema(), "units", word.elements[0], index_option="basic")
        options.append(tantivy.Query.const_score_query(unit, 1.0))
    elif word.elements:
        found = analysis.pairs(word.elements)
        options.append(_phrase("text", found))
        lifting.append(tantivy.Query.boost_query(_phrase("title", found), _TITLE_WEIGHT))
        if word.favours:
            lifting.append(_terms(word.favours, _TERM_WEIGHT))
    if word.terms:
        options.append(_terms(word.terms, _TERM_WEIGHT if len(word.elements) > 1 else 1.0))
    met = _any_of(options)
    if not lifting:
        return met
    return tantivy.Query.boolean_query([(Occur.Must, met), *((Occur.Should, one) for one in lifting)])


def _terms(terms: Sequence[str], score: float) -> tantivy.Query:
    return tantivy.Query.const_score_query(tantivy.Query.term_set_query(_schema(), "terms", list(terms)), score)


def _phrase(field: str, tokens: list[str]) -> tantivy.Query:
    if len(tokens) == 1:
        return tantivy.Query.term_query(_schema(), field, tokens[0])
    return tantivy.Query.phrase_query(_schema(), field, list(tokens))


def _scope(scope: Scope) -> tantivy.Query | None:
    if not scope.prefixes or not scope.levels:
        return None
    terms = tantivy.Query.term_set_query
    parts = [(Occur.Must, terms(_schema(), "level", list(scope.levels)))]
    if "" not in scope.prefixes:
        parts.append((Occur.Must, terms(_schema(), "divisions", list(scope.prefixes))))
    if scope.excluded_marks:
        parts.append((Occur.MustNot, terms(_schema(), "marks", list(scope.excluded_marks))))
    return tantivy.Query.boolean_query(parts)


def _permitted(permission: PermissionFilter) -> tantivy.Query | None:
    """What the person may find; ``None`` when that is nothing."""
    options = [one for one in map(_scope, permission.scopes) if one is not None]
    if permission.record_ids:
        options.append(tantivy.Query.term_set_query(_schema(), "key", list(permission.record_ids)))
    return tantivy.Query.const_score_query(_any_of(options), 0.0) if options else None


def _is_ranked(query: Query) -> bool:
    """Whether scores differ: single characters and exact numbers all weigh the same, so the newest comes first."""
    return any(len(word.elements) > 1 for word in query.words)


class TantivyEngine:
    """An index in ``folder``; made there when ``create`` is set and nothing is there yet."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        self._writer: Any = None
        marker = folder / MARKER
        if create and not marker.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(_schema(), path=str(folder))
            self._register()
            marker.write_text(json.dumps({"format": FORMAT, "analysis": analysis.fingerprint()}))
            return
        self._check(marker)
        try:
            self._index = tantivy.Index(_schema(), path=str(folder), reuse=True)
        except (ValueError, OSError) as error:
            raise _damaged(folder) from error
        self._register()

    def _register(self) -> None:
        cut = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("ws", cut)

    @staticmethod
    def _check(marker: Path) -> None:
        try:
            found = json.loads(marker.read_text())
        except FileNotFoundError as error:
            raise Unavailable(
                "index.missing",
                zh="检索索引不存在。请运行 lantai index rebuild 重建；目录数据不受影响。",
                en="There is no search index. Run 'lantai index rebuild'; the catalogue is not affected.",
            ) from error
        except (ValueError, OSError) as error:
            raise _damaged(marker.parent) from error
        if found != {"format": FORMAT, "analysis": analysis.fingerprint()}:
            raise Unavailable(
                "index.outdated",
                zh="检索索引由另一版本的分词规则建立，不能继续使用。请运行 lantai index rebuild 重建；目录数据不受影响。",
                en="The search index was made with other rules of analysis. Run 'lantai index rebuild'; the catalogue is not affected.",
            )

    def _open_writer(self) -> Any:
        if self._writer is None:
            try:
                self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
            except ValueError as error:
                if "LockBusy" not in str(error):
                    raise _damaged(self.folder) from error
                raise Unavailable(
                    "index.writer_busy",
                    zh="另一个进程正在写检索索引。本次没有写入；稍后会自动重试。",
                    en="Another process is writing the search index. Nothing was written; it will be tried again.",
                ) from error
        return self._writer

    def apply(self, upserts: Sequence[IndexDocument], deletes: Sequence[str]) -> None:
        """See ``Engine.apply``; ``Unavailable`` when another writer is at work or the disk refuses."""
        # The last entry of a record wins, should a batch hold two.
        documents = [_document(entry) for entry in {entry.record_id: entry for entry in upserts}.values()]
        writer = self._open_writer()
        try:
            for record_id in {*deletes, *(entry.record_id for entry in upserts)}:
                writer.delete_documents_by_term("key", record_id)
            for document in documents:
                writer.add_document(document)
            writer.commit()
        except (ValueError, OSError) as error:
            self._drop_writer()
            raise Unavailable(
                "index.write_failed",
                zh="检索索引写入失败（例如磁盘已满）。已提交的内容不受影响；排除原因后会自动重试。",
                en="Writing the search index failed, perhaps because the disk is full. What was committed is safe; it will be tried again.",
            ) from error
        self._index.reload()

    def search(self, query: Query, permission: PermissionFilter, *, limit: int, after: str | None = None) -> Hits:
        """See ``Engine.search``."""
        permitted = _permitted(permission)
        place = read_cursor(after) if after is not None else None
        if permitted is None or limit < 1:
            return Hits(0, (), None)
        parts = [(Occur.Must, permitted)]
        parts += [(Occur.Must, _word(word)) for word in query.words]
        asked = tantivy.Query.boolean_query(parts)
        searcher = self._index.searcher()
        if _is_ranked(query):
            return self._by_score(searcher, asked, limit, place)
        return self._newest_first(searcher, asked, limit, place)

    def _newest_first(
        self, searcher: tantivy.Searcher, asked: tantivy.Query, limit: int, place: tuple[float, int, int] | None
    ) -> Hits:
        total = _count(searcher.search(asked, 1, count=True))
        if place is not None:
            older = tantivy.Query.range_query(
                _schema(), "seq", FieldType.Integer, upper_bound=place[1], include_upper=False
            )
            asked = tantivy.Query.boolean_query([(Occur.Must, asked), (Occur.Must, older)])
        found = searcher.search(asked, limit + 1, count=False, order_by_field="seq").hits
        hits = tuple(Hit(self._key(searcher, address), 1.0, int(seq)) for seq, address in found[:limit])
        more = len(found) > limit
        passed = (place[2] if place else 0) + len(hits)
        return Hits(total, hits, cursor(1.0, hits[-1].seq, passed) if more else None)

    def _by_score(
        self, searcher: tantivy.Searcher, asked: tantivy.Query, limit: int, place: tuple[float, int, int] | None
    ) -> Hits:
        """Score falling, then ``seq`` falling. The library breaks ties by address, which merging changes: so as many
        hits are taken as it needs to know every hit that ties with the last of the page."""
        passed = place[2] if place else 0
        if passed >= DEEPEST:
            raise too_deep()
        wanted = passed + limit + 1
        while True:
            result = searcher.search(asked, wanted, count=True)
            addresses = [address for _, address in result.hits]
            seqs = searcher.fast_field_values("seq", addresses) if addresses else []
            ranked = sorted(
                (-float(score), -int(seq or 0), address)
                for (score, address), seq in zip(_numbered(result.hits), seqs, strict=True)
            )
            if place is not None:
                ranked = [one for one in ranked if (one[0], one[1]) > (-place[0], -place[1])]
            complete = len(addresses) < wanted
            page = ranked[:limit]
            if complete or wanted > DEEPEST:
                break
            if len(ranked) > limit and page[-1][0] < -float(result.hits[-1][0]):
                break
            wanted = min(wanted * 4, DEEPEST + limit + 1)
        hits = tuple(Hit(self._key(searcher, addresses[index]), -score, -seq) for score, seq, index in page)
        more = len(ranked) > limit
        end = cursor(hits[-1].score, hits[-1].seq, passed + len(hits)) if more else None
        return Hits(_count(result), hits, end)

    @staticmethod
    def _key(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> str:
        return str(searcher.doc(address).get_first("key"))

    def count(self) -> int:
        """See ``Engine.count``."""
        return int(self._index.searcher().num_docs)

    def refresh(self) -> None:
        """See ``Engine.refresh``."""
        try:
            self._index.reload()
        except (ValueError, OSError) as error:
            raise _damaged(self.folder) from error

    def close(self) -> None:
        """Wait for merges, let the lock go, remove what no commit names any more."""
        if self._writer is not None:
            with suppress(ValueError, OSError):
                self._writer.garbage_collect_files()
                self._writer.wait_merging_threads()
        self._drop_writer()

    def _drop_writer(self) -> None:
        self._writer = None


def _count(result: Any) -> int:
    return int(result.count)  # the library's type stubs forget it


def _numbered(hits: Sequence[tuple[Any, tantivy.DocAddress]]) -> list[tuple[Any, int]]:
    return [(score, index) for index, (score, _) in enumerate(hits)]


def _damaged(folder: Path) -> Unavailable:
    return Unavailable(
        "index.damaged",
        zh="检索索引无法打开，可能已损坏。请运行 lantai index rebuild 重建；目录数据不受影响。",
        en="The search index cannot be opened; it may be damaged. Run 'lantai index rebuild'; the catalogue is not affected.",
        folder=folder.name,
    )
