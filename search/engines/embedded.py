"""The embedded engine: Tantivy in a folder of the site, one writer at a time, any number of readers.

What was learnt from measuring (docs/reference/benchmarks.md) and is tested here: deleting by an *unsigned* field
silently deletes nothing, so the key is raw text; a phrase of one token and a limit of nothing abort inside the library,
so neither is ever asked; tokenizers must be registered at every open. The folder must lie on a local disk (locks and
memory maps).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Order

from metadata.errors import Invalid, Unavailable
from search import analysis
from search.engines.base import (
    MOST_VALUES,
    Counts,
    Hit,
    Hits,
    IndexDocument,
    PermissionFilter,
    Refused,
    Sort,
    cursor,
    is_ranked,
    read_cursor,
)
from search.engines.embedded_query import asked, document, permitted_alone, schema
from search.query import Query

MARKER = "lantai-index.json"
FORMAT = "lantai-index/2"
"""Goes up with every change of the schema or of what its fields hold; an index of another format is made anew."""

_BESIDE = ThreadPoolExecutor(max_workers=2, thread_name_prefix="facets")
_HEAP = 50_000_000
_ALL_VALUES = 65_000
_DEEPEST = 50_000_000
_WINDOW = 64
_NEWEST = (1 << 63) - 1
_MOST_WORDS = 2_000
_ASIDE = 5_000


class TantivyEngine:
    """An index in ``folder``; made there when ``create`` is set and nothing is there yet."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        self._writer: Any = None
        marker = folder / MARKER
        if create and not marker.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(schema(), path=str(folder))
            self._register()
            marker.write_text(json.dumps({"format": FORMAT, "analysis": analysis.fingerprint()}))
            return
        self.check(folder)
        try:
            self._index = tantivy.Index(schema(), path=str(folder), reuse=True)
        except (ValueError, OSError) as error:
            raise _damaged(folder) from error
        self._register()

    @property
    def generation(self) -> str:
        """See ``Engine.generation``: the folder's name."""
        return self.folder.name

    def _register(self) -> None:
        cut = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("ws", cut)

    @staticmethod
    def check(folder: Path) -> None:
        """``Unavailable`` when this version cannot use the index in ``folder``; reads its marker only."""
        marker = folder / MARKER
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

    def apply(
        self, upserts: Sequence[IndexDocument], deletes: Sequence[str], *, version: int | None = None
    ) -> Sequence[Refused]:
        """See ``Engine.apply``; ``Unavailable`` when another writer is at work or the disk refuses.

        The library's lock keeps others out for as long as this writer lives, so that versions say nothing here.
        """
        del version
        # The last entry of an id wins, should a batch hold two.
        documents = [document(entry) for entry in {entry.id: entry for entry in upserts}.values()]
        writer = self._open_writer()
        try:
            for key in {*deletes, *(entry.id for entry in upserts)}:
                writer.delete_documents_by_term("key", key)
            for one in documents:
                writer.add_document(one)
            writer.commit()
        except (ValueError, OSError) as error:
            self._drop_writer()
            raise Unavailable(
                "index.write_failed",
                zh="检索索引写入失败（例如磁盘已满）。已提交的内容不受影响；排除原因后会自动重试。",
                en="Writing the search index failed, perhaps because the disk is full. What was committed is safe; it will be tried again.",
            ) from error
        self._index.reload()
        return ()

    def search(
        self,
        query: Query,
        permission: PermissionFilter,
        *,
        limit: int,
        after: str | None = None,
        sort: Sort = "relevance",
        filters: Mapping[str, Sequence[str]] | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """See ``Engine.search``."""
        place = read_cursor(after, sort) if after is not None else None
        by_score = sort == "relevance" and is_ranked(query)
        wanted = asked(query, permission, filters or {}, ranked=by_score and limit > 0)
        searcher = self._index.searcher()
        beside = None
        hits: tuple[Hit, ...]
        if facets:  # counted beside the search: the library lets go of Python's lock
            beside = _BESIDE.submit(self._counts, searcher, query, permission, filters or {}, facets)
        if wanted is None:
            total, hits, following = 0, (), None
        elif limit < 1:
            total, hits, following = _count(searcher.search(wanted, 1, count=True)), (), None
        elif sort == "code":
            total, hits, following = self._by_code(searcher, wanted, limit, place)
        elif by_score:
            total, hits, following = self._by_score(searcher, wanted, limit, place)
        else:
            total, hits, following = self._by_number(searcher, wanted, limit, place, sort)
        return Hits(total, hits, following, beside.result() if beside is not None else {})

    @staticmethod
    def _by_number(
        searcher: tantivy.Searcher, wanted: tantivy.Query, limit: int, place: tuple[int, int] | None, sort: Sort
    ) -> tuple[int, tuple[Hit, ...], str | None]:
        """By ``date`` or ``newest``, unique numbers, falling: what follows a hit is a range, at any depth."""
        field = "date" if sort == "date" else "newest"
        total: int | None = None
        if place is not None:
            total = _count(searcher.search(wanted, 1, count=True))
            beyond = tantivy.Query.range_query(
                schema(), field, FieldType.Integer, upper_bound=place[0], include_upper=False
            )
            wanted = tantivy.Query.boolean_query([(Occur.Must, wanted), (Occur.Must, beyond)])
        result = searcher.search(wanted, limit + 1, count=total is None, order_by_field=field)
        if total is None:
            total = _count(result)
        hits = tuple(_hit(searcher, address, 1.0, int(number)) for number, address in result.hits[:limit])
        more = len(result.hits) > limit
        return total, hits, cursor(sort, hits[-1].seq) if more else None

    @staticmethod
    def _by_code(
        searcher: tantivy.Searcher, wanted: tantivy.Query, limit: int, place: tuple[int, int] | None
    ) -> tuple[int, tuple[Hit, ...], str | None]:
        """By code rising. The keys are unique, so that the number of hits passed says where to go on."""
        passed = _depth(place)
        result = searcher.search(wanted, limit + 1, order_by_field="code", order=Order.Asc, offset=passed, count=True)
        hits = tuple(_hit(searcher, address, 1.0, passed + n) for n, (_, address) in enumerate(result.hits[:limit]))
        more = len(result.hits) > limit
        return _count(result), hits, cursor("code", passed + len(hits)) if more else None

    @staticmethod
    def _by_score(
        searcher: tantivy.Searcher, wanted: tantivy.Query, limit: int, place: tuple[int, int] | None
    ) -> tuple[int, tuple[Hit, ...], str | None]:
        """Score falling, then ``newest`` falling. The library breaks ties by address, which merging changes: so hits
        of equal score are always taken together. The cursor is how many hits score higher than the last one shown, and
        which of its equals that was; nothing before them is fetched again."""
        above = _depth(place)
        last = place[1] if place else _NEWEST
        size = max(limit + 1, _WINDOW)
        while True:
            result = searcher.search(wanted, size, offset=above, count=True, weight_by_field="weight")
            scores = [float(score) for score, _ in result.hits]
            addresses = [address for _, address in result.hits]
            ended = len(addresses) < size
            keys = searcher.fast_field_values("newest", addresses) if addresses else []
            ranked = sorted(
                (-score, -int(key or 0), n) for n, (score, key) in enumerate(zip(scores, keys, strict=True))
            )
            shown = [one for one in ranked if one[0] != -scores[0] or -one[1] < last] if ranked else []
            page = shown[:limit]
            whole = ended or (len(shown) > limit and -page[-1][0] > scores[-1])
            if whole or size > _DEEPEST:
                break
            size *= 4
        hits = tuple(_hit(searcher, addresses[n], -score, -key) for score, key, n in page)
        if len(shown) <= limit:
            return _count(result), hits, None
        higher = above + sum(score > hits[-1].score for score in scores)
        return _count(result), hits, cursor("relevance", higher, hits[-1].seq)

    @staticmethod
    def _counts(
        searcher: tantivy.Searcher,
        query: Query,
        permission: PermissionFilter,
        filters: Mapping[str, Sequence[str]],
        facets: Sequence[str],
    ) -> dict[str, Counts]:
        """Each facet is counted without its own filter; those that no filter touches are counted in one go.

        Each segment hands over all its values, so that counts are exact.
        """
        counts: dict[str, Counts] = dict.fromkeys(facets, ())
        together = [name for name in facets if name not in filters]
        for names in (together, *([name] for name in facets if name in filters)):
            others = {other: values for other, values in filters.items() if other not in names}
            wanted = asked(query, permission, others, ranked=False) if names else None
            if wanted is None:
                continue
            terms = {
                name: {"terms": {"field": name, "size": _ALL_VALUES, "segment_size": _ALL_VALUES}} for name in names
            }
            found = searcher.aggregate(wanted, terms)
            counts.update({name: _ranked(found[name]["buckets"]) for name in names})
        return counts

    def words(self, prefixes: Sequence[str], permission: PermissionFilter, *, limit: int) -> Counts:
        """See ``Engine.words``."""
        permitted = permitted_alone(permission)
        if permitted is None:
            return ()
        searcher = self._index.searcher()
        found: dict[str, int] = {}
        for prefix in dict.fromkeys(prefixes):
            known = searcher.terms_with_prefix("vocabulary", prefix, filter_query=permitted, limit=_MOST_WORDS)
            found.update((key, int(count)) for key, count in known)
        return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0]))[:limit])

    def count(self) -> int:
        """See ``Engine.count``."""
        return int(self._index.searcher().num_docs)

    def ids(self) -> Iterator[str]:
        """See ``Engine.ids``; as the index stood when the first was asked for."""
        searcher = self._index.searcher()
        wanted = tantivy.Query.all_query()
        while True:
            found = searcher.search(wanted, _ASIDE, count=False, order_by_field="newest").hits
            yield from (str(searcher.doc(address).get_first("key")) for _, address in found)
            if len(found) < _ASIDE:
                return
            wanted = tantivy.Query.range_query(
                schema(), "newest", FieldType.Integer, upper_bound=int(found[-1][0]), include_upper=False
            )

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


def _hit(searcher: tantivy.Searcher, address: tantivy.DocAddress, score: float, key: int) -> Hit:
    found = searcher.doc(address)
    return Hit(str(found.get_first("key")), score, key, str(found.get_first("kind")))


def _ranked(buckets: Sequence[Mapping[str, Any]]) -> Counts:
    found = [(_value(one["key"]), int(one["doc_count"])) for one in buckets]
    return tuple(sorted(found, key=lambda one: (-one[1], one[0]))[:MOST_VALUES])


def _value(key: object) -> str:
    return str(int(key)) if isinstance(key, float) else str(key)


def _depth(place: tuple[int, int] | None) -> int:
    """How many hits a cursor has passed; ``Invalid`` for a number that no cursor of ours holds."""
    if place is None:
        return 0
    if not 0 <= place[0] <= _DEEPEST:
        raise Invalid(
            "search.bad_cursor",
            zh="翻页位置无效。请从第一页重新检索。",
            en="The place in the result list is not valid. Search again from the first page.",
        )
    return place[0]


def _damaged(folder: Path) -> Unavailable:
    return Unavailable(
        "index.damaged",
        zh="检索索引无法打开，可能已损坏。请运行 lantai index rebuild 重建；目录数据不受影响。",
        en="The search index cannot be opened; it may be damaged. Run 'lantai index rebuild'; the catalogue is not affected.",
        folder=folder.name,
    )
