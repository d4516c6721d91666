"""Home of an index on a cluster: each generation an index, the one in use behind an alias.

A swap moves the alias in one call; searches that go by it never meet a gap. Every index says in ``_meta`` whose it is and
by which rules it was made, and nothing is used, swapped away or swept that says otherwise. Writing goes by aliases only
(``require_alias``), so that no index comes into being by being written to.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from metadata.errors import Unavailable
from search.engines import elastic_faults as faults
from search.engines import elastic_mapping as mapping
from search.engines.elastic import ElasticEngine, Reached
from search.home import ABANDONED_AFTER, Condition

_KNOWN_FOR = 3.0  # seconds that a look at the alias is believed by readers
_LEAST_WRITING = 60.0
_PATIENCE = 15.0  # shorter than the writer's lease


@dataclass(frozen=True, slots=True)
class Reach:
    """How a cluster is reached and what its index is to be like; see ``search`` in the settings."""

    urls: tuple[str, ...]
    index: str
    holding_id: str
    ca_file: Path | None = None
    verify: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    shards: int = 1
    replicas: int = 1
    refresh: str = "true"
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class _Live:
    """What the alias names."""

    generation: str
    meta: dict[str, Any]
    shards: int


class ClusterHome:
    """See ``IndexHome``: generations of the index ``reach.index`` on a cluster. Connects when first asked."""

    engine = "elasticsearch"

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._alias = reach.index
        self._lock = Lock()
        self._cluster: Reached | None = None
        self._known: tuple[float, _Live] | None = None

    @property
    def location(self) -> str:
        """The nodes and the alias."""
        return f"{' '.join(self._reach.urls)} / {self._alias}"

    def _reached(self) -> Reached:
        with self._lock:
            if self._cluster is None:
                self._cluster = _connected(self._reach)
            return self._cluster

    def _name(self, generation: str) -> str:
        return f"{self._alias}-{generation}"

    def _look(self) -> _Live | None:
        """What the alias names now; ``None`` when there is no such alias."""
        try:
            with faults.told():
                found = self._reached().reading.indices.get(index=self._alias).body
        except Unavailable as error:
            if isinstance(error.__cause__, NotFoundError):
                return None
            raise
        if self._alias in found:
            raise _name_taken()
        if len(found) != 1:
            raise _damaged()
        name, told = next(iter(found.items()))
        meta = told["mappings"].get("_meta") or {}
        live = _Live(name.removeprefix(f"{self._alias}-"), meta, int(told["settings"]["index"]["number_of_shards"]))
        self._known = (time.monotonic(), live)
        return live

    def _usable(self, live: _Live | None) -> _Live:
        if live is None:
            raise faults.missing()
        wanted = mapping.marker(self._reach.holding_id)
        if live.meta.get("holding") != wanted["holding"]:
            raise faults.other_holding()
        if live.meta != wanted:
            raise _outdated()
        return live

    def live_generation(self) -> str | None:
        """See ``IndexHome``."""
        live = self._look()
        return live.generation if live is not None else None

    def check(self) -> None:
        """See ``IndexHome``; that there is no index yet is ``index.missing``, and whoever follows makes it."""
        self._usable(self._look())

    def open_live(self) -> ElasticEngine:
        """See ``IndexHome``. The engine goes by the alias, also after a swap."""
        known = self._known
        fresh = known is not None and time.monotonic() - known[0] < _KNOWN_FOR
        live = self._usable(known[1] if known is not None and fresh else self._look())
        own = f"{self._name(live.generation)}-w"
        return ElasticEngine(self._reached(), self._alias, own, live.generation, shards=live.shards)

    def create(self, generation: str) -> ElasticEngine:
        """See ``IndexHome``."""
        name = self._name(generation)
        own, reach = f"{name}-w", self._reach
        with faults.told():
            self._reached().writing.indices.create(
                index=name,
                settings=mapping.settings(reach.shards),
                mappings=mapping.mappings(reach.holding_id),
                aliases={own: {}},
            )
        return ElasticEngine(self._reached(), own, own, generation, shards=reach.shards, filling=True)

    def point_to(self, generation: str) -> None:
        """See ``IndexHome``: the alias moves in one call."""
        name = self._name(generation)
        indices = self._reached().writing.indices
        self._known = None
        with faults.told():
            indices.put_settings(index=name, settings=mapping.in_use(self._reach.replicas))
            indices.refresh(index=name)
            before = indices.get(index=f"{name},{self._alias}", ignore_unavailable=True).body
            if self._alias in before:
                raise _name_taken()
            for other, one in before.items():
                if other != name and (one["mappings"].get("_meta") or {}).get("holding") != self._reach.holding_id:
                    raise faults.other_holding()
            moved: list[dict[str, Any]] = [
                {"remove": {"index": other, "alias": self._alias}}
                for other, one in before.items()
                if self._alias in one["aliases"] and other != name
            ]
            moved += [  # whoever still takes an older one for the live one is refused, and looks again
                {"remove": {"index": other, "alias": f"{other}-w"}}
                for other, one in before.items()
                if f"{other}-w" in one["aliases"] and other != name
            ]
            indices.update_aliases(actions=[*moved, {"add": {"index": name, "alias": self._alias}}])
        self._known = None

    def drop(self, generation: str) -> None:
        """See ``IndexHome``."""
        with faults.told():
            self._reached().writing.options(ignore_status=404).indices.delete(index=self._name(generation))

    def sweep(self, abandoned_after: float = ABANDONED_AFTER) -> None:
        """See ``IndexHome``; a generation's age counts from when it was made."""
        with faults.told():
            found = self._reached().writing.indices.get(index=f"{self._alias}-g-*").body
        for name, one in found.items():
            made = int(one["settings"]["index"]["creation_date"]) / 1000
            ours = (one["mappings"].get("_meta") or {}).get("holding") == self._reach.holding_id
            if ours and self._alias not in one["aliases"] and time.time() - made >= abandoned_after:
                self.drop(name.removeprefix(f"{self._alias}-"))

    def condition(self) -> Condition:
        """See ``IndexHome``: the index can be used, and the cluster's own word about its copies."""
        self.check()
        try:
            with faults.told():
                found = self._reached().reading.cluster.health(index=self._alias)
        except Unavailable as error:
            if error.code != "index.rights":
                raise
            return Condition(
                "ok", "可用；账户无权查看集群状态。", "It can be used; the account may not see the cluster's health."
            )
        status, nodes = str(found["status"]), int(found["number_of_data_nodes"])
        if status == "green":
            return Condition(
                "ok", f"集群正常（green），{nodes} 个数据节点。", f"The cluster is green; data nodes: {nodes}."
            )
        if status == "yellow":
            return Condition(
                "degraded",
                f"可以检索，但索引的部分副本未分配（yellow），{nodes} 个数据节点；单节点请将 search.replicas 设为 0。",
                f"Searching works, but copies of the index have no node (yellow; data nodes: {nodes}). With one node set search.replicas to 0.",
            )
        raise faults.incomplete()

    def close(self) -> None:
        """See ``IndexHome``."""
        with self._lock:
            if self._cluster is not None:
                self._cluster.reading.close()
                self._cluster = None


def _connected(reach: Reach) -> Reached:
    """Clients of the cluster; nothing is asked of it yet. ``Unavailable`` for settings that cannot be used."""
    more: dict[str, Any] = {}
    if any(url.startswith("https") for url in reach.urls):
        more = {"verify_certs": reach.verify, "ssl_show_warn": False}
        if reach.ca_file is not None and reach.verify:
            more["ca_certs"] = str(reach.ca_file)
    if reach.api_key:
        more["api_key"] = reach.api_key
    elif reach.user:
        more["basic_auth"] = (reach.user, reach.password)
    try:
        if "ca_certs" in more:
            ssl.create_default_context(cafile=reach.ca_file)  # the client would name the node's certificate instead
        client = Elasticsearch(
            list(reach.urls),
            request_timeout=reach.seconds,
            max_retries=min(2, len(reach.urls) - 1),
            retry_on_status=(),
            **more,
        )
    except (ValueError, OSError, ssl.SSLError) as error:
        raise Unavailable(
            "index.settings",
            zh="检索引擎的设置无法使用。请检查 search.urls（形如 https://主机:9200）和 search.ca_file（可读的 PEM 文件）。",
            en="The settings of the search engine cannot be used. Check search.urls (as https://host:9200) and search.ca_file (a PEM file that can be read).",
        ) from error
    writing = client.options(request_timeout=max(_LEAST_WRITING, 6 * reach.seconds))
    return Reached(client, writing, reach.refresh, _PATIENCE)


def _outdated() -> Unavailable:
    return Unavailable(
        "index.outdated",
        zh="检索索引由另一版本的分词规则建立，不能继续使用。请运行 lantai index rebuild 重建；目录数据不受影响。",
        en="The search index was made with other rules of analysis. Run 'lantai index rebuild'; the catalogue is not affected.",
    )


def _damaged() -> Unavailable:
    return Unavailable(
        "index.damaged",
        zh="检索索引的别名同时指向几个索引。请运行 lantai index rebuild 重建；目录数据不受影响。",
        en="The alias of the search index names several indices. Run 'lantai index rebuild'; the catalogue is not affected.",
    )


def _name_taken() -> Unavailable:
    return Unavailable(
        "index.name_taken",
        zh="集群中已有一个与 search.index 同名的索引（不是别名）。请删除它，或在 search.index 中另取名称。",
        en="An index on the cluster, no alias, bears the name in search.index. Remove it, or choose another name there.",
    )
