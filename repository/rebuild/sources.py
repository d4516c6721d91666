"""Where a rebuild reads from: the chosen replica, and the others for what the chosen one vouches for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from metadata import digests
from metadata.errors import Conflict, Invalid, LantaiError, NotFound, Unavailable
from repository.archive import Archive
from repository.clock import stamp
from repository.holding import MARKER_DAMAGED, Marker, check_marker
from repository.storage import layout
from repository.storage.base import Store
from repository.storage.layout import KeyInfo

Taken = TypeVar("Taken")
_OWN = frozenset({"marker"})
_REVISIONS = frozenset({"description", "case_file", "entity"})


class Sources:
    """The listings of every reachable replica, taken once. ``first`` must answer; others may be away or new.

    A store that carries another holding's or replica's marker is refused (``Conflict``).

    With ``forward`` everything that any replica holds is taken over; without it, what ``first`` holds, and from the
    others only what digests known to ``first`` (ledger, checkpoint) vouch for.
    """

    def __init__(self, archive: Archive, first: str, *, forward: bool) -> None:
        self.first = first
        self.forward = forward
        self.unreachable: list[str] = []
        self._last: dict[str, int] = {}
        self.damaged: list[tuple[str, Invalid]] = []
        self.markers: dict[str, Marker] = {}
        self.listings: dict[str, dict[str, int]] = {}
        self._stores: dict[str, Store] = {}
        self.digests: dict[str, tuple[str, int | None]] = {}
        self._parsed: list[tuple[str, KeyInfo]] = []
        self._parsed_with = -1
        for name in sorted(archive.replicas.names, key=lambda one: one != first):
            store = archive.replicas.store(name)
            try:
                self.markers[name] = self._marker(archive, store)
                self.listings[name] = {stat.key: stat.size for stat in store.list()}
            except Unavailable:
                if name == first:
                    raise
                self.unreachable.append(name)
                continue
            self._stores[name] = store

    def _marker(self, archive: Archive, store: Store) -> Marker:
        """The store's marker; one that is damaged does not keep the holding from being rebuilt, but is told."""
        try:
            return check_marker(store, archive.holding_id)
        except Invalid as error:
            if error.code != MARKER_DAMAGED:
                raise
            self.damaged.append((str(error.params["key"]), error))
            return Marker(0, archive.holding_id, store.name, archive.zone, stamp(archive.clock.now()))

    def keys(self) -> list[tuple[str, KeyInfo]]:
        """Every key to take over, in order, with what it says; the stores' own markers left out."""
        if self._parsed_with != len(self.digests):
            wanted = set(self.listings[self.first])
            for name, listing in self.listings.items():
                if name != self.first:
                    wanted.update(key for key in listing if self.forward or key in self.digests)
            parsed = ((key, layout.parse(key)) for key in sorted(wanted))
            self._parsed = [(key, info) for key, info in parsed if info.kind not in _OWN]
            self._parsed_with = len(self.digests)
        return self._parsed

    def of_kind(self, kind: str) -> Iterator[tuple[str, KeyInfo]]:
        """The keys of one kind."""
        return ((key, info) for key, info in self.keys() if info.kind == kind)

    def last_number(self, folder: str) -> int:
        """The highest revision number that any replica lists below ``folder``, taken over or not.

        Numbers go on from it, so that no new revision ever meets another's key.
        """
        if not self._last:
            for listing in self.listings.values():
                for key in listing:
                    info = layout.parse(key)
                    if info.kind in _REVISIONS and info.number is not None:
                        parent = key.rpartition("/")[0]
                        self._last[parent] = max(self._last.get(parent, 0), info.number)
        return self._last.get(folder, 0)

    def holders(self, key: str) -> list[Store]:
        """The stores that list ``key``, the chosen one first."""
        return [self._stores[name] for name, listing in self.listings.items() if key in listing]

    def size(self, key: str) -> int:
        """The object's size: as recorded, else as listed."""
        recorded = self.digests.get(key, ("", None))[1]
        if recorded is not None:
            return recorded
        return next((listing[key] for listing in self.listings.values() if key in listing), 0)

    def take(self, key: str, reading: Callable[[Store], Taken]) -> Taken:
        """What ``reading`` makes of ``key`` at the first store where it succeeds; the first store's error when none."""
        problem: LantaiError | None = None
        for store in self.holders(key):
            try:
                return reading(store)
            except LantaiError as error:
                problem = problem or error
        raise problem or NotFound(
            "rebuild.object_missing",
            zh=f"没有副本保存 {key}。",
            en=f"No reachable replica holds {key}.",
            key=key,
        )

    def read(self, key: str) -> bytes:
        """A small object's bytes; when its digest is known only bytes that have it are given (``Conflict``)."""

        def reading(store: Store) -> bytes:
            data = b"".join(store.read(key))
            known = self.digests.get(key)
            if known is not None and digests.of_bytes(data) != known[0]:
                raise Conflict(
                    "rebuild.object_damaged",
                    zh=f"副本 {store.name} 中的 {key} 与台账记载的摘要不符，未采用。",
                    en=f"{key} on replica {store.name} does not have the digest that the ledger names; it was not taken over.",
                    key=key,
                    replica=store.name,
                )
            return data

        return self.take(key, reading)

    def read_json(self, key: str, format_name: str) -> dict[str, Any]:
        """The JSON object of ``format_name`` under ``key``; ``Invalid`` when it is none."""
        try:
            value = json.loads(self.read(key))
        except ValueError:
            value = None
        if not isinstance(value, dict) or value.get("format") != format_name:
            raise Invalid(
                "rebuild.object_malformed",
                zh=f"{key} 不是 {format_name} 格式，未采用。",
                en=f"{key} is not of format {format_name}; it was not taken over.",
                key=key,
            )
        return value

    def sha256(self, key: str) -> str:
        """The object's digest: as the ledger or a checkpoint names it, else of the bytes as they are."""
        known = self.digests.get(key)
        return known[0] if known is not None else self.take(key, lambda store: _digest(store, key))

    def elsewhere(self) -> dict[str, list[str]]:
        """Replica -> keys that it holds and that are not taken over."""
        if self.forward:
            return {}
        own = self.listings[self.first]
        found = {
            name: sorted(
                key
                for key in listing
                if key not in own and key not in self.digests and layout.parse(key).kind not in {*_OWN, "evidence"}
            )
            for name, listing in self.listings.items()
            if name != self.first
        }
        return {name: keys for name, keys in found.items() if keys}

    def vouch(self, key: str, sha256: str, size: int | None = None) -> None:
        """Note the digest that ``key`` must have; what was noted first stays."""
        self.digests.setdefault(key, (sha256, size))


def highest(keys: Mapping[int, str]) -> list[int]:
    """Revision numbers, newest first."""
    return sorted(keys, reverse=True)


def _digest(store: Store, key: str) -> str:
    whole = hashlib.sha256()
    for chunk in store.read(key):
        whole.update(chunk)
    return whole.hexdigest()
