"""Writing to a cluster: in requests of bounded size, several at a time, as fast as the server takes them and no faster.

A server that says 429 is asked again later with what it did not take; an entry that it will not have is named and stops
none of the others. Sending something twice is harmless, as every line carries its version.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, TlsError
from elasticsearch import ApiError, Elasticsearch

from search.engines import elastic_faults as faults
from search.engines.base import Refused

log = logging.getLogger(__name__)

_LINES = 250
_BYTES = 4 << 20
_SENDERS = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0
_LATER = frozenset({429, 502, 503, 504})
_POOL = ThreadPoolExecutor(max_workers=_SENDERS, thread_name_prefix="bulk")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry to write (``source``) or to delete (none)."""

    id: str
    source: bytes | None


@dataclass(frozen=True, slots=True)
class Bulk:
    """Where lines go: ``target`` is an alias, so that no index is ever made by writing to it.

    ``patience``: seconds to wait for a server that is busy, and, where ``outlasts``, for one that is away.
    """

    client: Elasticsearch
    target: str
    refresh: str
    patience: float
    outlasts: bool = False

    def write(self, lines: Iterable[Line], version: int) -> list[Refused]:
        """Write them all; those that the server will not have. ``Unavailable`` as ``elastic_faults`` says.

        ``lines`` may be made as they are asked for: the first are on their way while the next are made.
        """
        sending = [_POOL.submit(self._send, part, version) for part in _parts(lines)]
        done = [one.result() for one in sending]
        if any(one.late for one in done):
            raise faults.writer_busy()
        return [refused for one in done for refused in one.refused]

    def _send(self, part: list[Line], version: int) -> _Sent:
        """One request, again and again with what is left of it while the server asks to wait."""
        sent = _Sent()
        until = time.monotonic() + self.patience
        pause = _FIRST_PAUSE
        while part:
            try:
                part = sent.read(part, self._ask(part, version))
            except ApiError as error:
                if error.status_code == 413:
                    return self._halves(part, version, sent)
                if error.status_code not in _LATER or faults.kind_of(error) == faults.BLOCKED:
                    raise faults.fault(error) from error
                self._wait(error, until)
            except (NoConnection, ConnectionTimeout) as error:
                if not self.outlasts or isinstance(error, TlsError):
                    raise faults.fault(error) from error
                self._wait(error, until)
            else:
                if part and time.monotonic() > until:
                    raise faults.busy()
            if part:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        return sent

    @staticmethod
    def _wait(error: Exception, until: float) -> None:
        if time.monotonic() > until:
            raise faults.fault(error) from error
        log.info("the cluster asks to wait: %s", type(error).__name__)

    def _halves(self, part: list[Line], version: int, sent: _Sent) -> _Sent:
        """A request that the server finds too large is two smaller ones; an entry alone is refused."""
        if len(part) == 1:
            sent.refused.append(Refused(part[0].id, "too_large"))
            return sent
        for some in (part[: len(part) // 2], part[len(part) // 2 :]):
            sent.add(self._send(some, version))
        return sent

    def _ask(self, part: list[Line], version: int) -> list[Any]:
        answer = self.client.perform_request(
            "POST",
            f"/{self.target}/_bulk?require_alias=true&refresh={self.refresh}&filter_path=errors,items.*._id,items.*.status,items.*.error.type",
            headers={"accept": _JSON, "content-type": _NDJSON},
            body=b"".join(_rendered(part, version)),
        )
        return [] if not answer.body["errors"] else list(answer.body["items"])


_JSON = "application/vnd.elasticsearch+json; compatible-with=9"
_NDJSON = "application/vnd.elasticsearch+x-ndjson; compatible-with=9"


@dataclass(slots=True)
class _Sent:
    """What became of some lines."""

    refused: list[Refused] = field(default_factory=list)
    late: bool = False

    def add(self, other: _Sent) -> None:
        self.refused += other.refused
        self.late = self.late or other.late

    def read(self, part: list[Line], items: list[Any]) -> list[Line]:
        """Take the answers in; the lines to send again. No answers: all is well."""
        again: list[Line] = []
        for line, item in zip(part, items, strict=False):
            answer = next(iter(item.values()))
            status, kind = int(answer.get("status", 200)), str(answer.get("error", {}).get("type", ""))
            if not kind:
                continue
            if status == 409 or kind == "index_not_found_exception":
                self.late = True
            elif kind == faults.BLOCKED or status in {401, 403}:
                raise faults.refusal(status, kind)
            elif status in _LATER:
                again.append(line)
            else:
                self.refused.append(Refused(line.id, kind))
        return again


def _parts(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines for one request each."""
    part: list[Line] = []
    size = 0
    for line in lines:
        length = len(line.source or b"")
        if part and (len(part) >= _LINES or size + length > _BYTES):
            yield part
            part, size = [], 0
        part.append(line)
        size += length
    if part:
        yield part


def _rendered(part: Iterable[Line], version: int) -> Iterator[bytes]:
    for line in part:
        act = "delete" if line.source is None else "index"
        head = {act: {"_id": line.id, "version": version, "version_type": "external_gte"}}
        yield json.dumps(head).encode() + b"\n"
        if line.source is not None:
            yield line.source
            yield b"\n"
