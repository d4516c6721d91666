"""Figures for Prometheus: what this process counted, and what the database says of the whole site.

Labels are states, queues, replicas, routes and kinds of faults: their number is bounded by the program and its settings.
No name, id, path or address of anybody is ever among them. ``METRICS`` is the list; docs/howto/monitoring.md is held to
it. Figures of the database are read when somebody asks, at most every few seconds, and left out while it is away: a
stale figure is worse than none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from lantai.gauges import heavy, light
from lantai.parts import Parts, State
from lantai.site import Site
from metadata.errors import LantaiError
from repository.storage import faults

__all__ = ["CONTENT_TYPE_LATEST", "METRICS", "Meters"]

log = logging.getLogger("lantai.metrics")
disable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated; without it every counter has a third series

LIGHT_SECONDS, HEAVY_SECONDS = 5.0, 60.0
_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

METRICS: Mapping[str, str] = {
    "lantai_http_request_seconds": "Time to answer, by method, route template and status; of this process",
    "lantai_step_seconds": "Time of one batch of a pipeline step, by step and outcome; of this worker",
    "lantai_store_errors_total": "Reads and writes that a store refused or failed, by store and kind; of this process",
    "lantai_part_state": "1 for the state that a part of the site is in, by part and state",
    "lantai_submissions": "Deposits, by state",
    "lantai_submissions_waiting_for_outage": "Deposits that wait because a part of the site is out",
    "lantai_records": "Records kept",
    "lantai_versions": "Versions of records kept",
    "lantai_files": "Files kept",
    "lantai_payload_bytes": "Payload bytes of all versions",
    "lantai_outbox_pending": "Changes that the search index does not show yet",
    "lantai_outbox_oldest_seconds": "Age of the oldest of them",
    "lantai_ledger_unsealed": "Entries of the ledger that no block holds yet, by stream",
    "lantai_ledger_unsealed_oldest_seconds": "Age of the oldest of them",
    "lantai_workers": "Workers whose heart beats",
    "lantai_worker_oldest_beat_seconds": "Age of the oldest heartbeat among them",
    "lantai_jobs": "Jobs, by queue and state",
    "lantai_incidents": "Incidents of preservation, by replica, fault and state",
    "lantai_alarms_open": "Alarms that nobody has closed, by kind",
    "lantai_replica_objects": "Objects that a replica must hold, by replica",
    "lantai_replica_objects_pending": "Objects that a replica does not hold yet, by replica",
    "lantai_replica_objects_unread": "Objects that were never read again since they were written, by replica",
    "lantai_replica_oldest_read_seconds": "Time since the object that waits longest was read again, by replica",
    "lantai_audit_objects_total": "Objects that audits have read again, by replica",
    "lantai_audit_bytes_total": "Bytes that audits have read again, by replica",
}
"""Every metric of the program with what it says. Those of the process itself (``process_*``) come with the library."""


class Meters:
    """What one process counts, and the site's figures beside it. One for each application or worker."""

    def __init__(self, site: Site, parts: Parts) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "lantai_http_request_seconds",
            METRICS["lantai_http_request_seconds"],
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._steps = Histogram(
            "lantai_step_seconds",
            METRICS["lantai_step_seconds"],
            ("step", "outcome"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Faults())
        self._registry.register(_OfTheSite(site, parts))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is a template of the program, never a path as it was asked for."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).observe(seconds)

    def stepped(self, step: str, outcome: str, seconds: float) -> None:
        """Count one batch of a step of the pipeline."""
        self._steps.labels(step, outcome).observe(seconds)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus (``CONTENT_TYPE_LATEST``)."""
        return generate_latest(self._registry)


class _Faults(Collector):
    """Faults of stores that this process met."""

    def collect(self) -> Iterable[Metric]:
        """One counter for each store and kind."""
        name = "lantai_store_errors_total"
        family = CounterMetricFamily(name.removesuffix("_total"), METRICS[name], labels=("store", "kind"))
        for (store, kind), count in sorted(faults.counted().items()):
            family.add_metric((store, kind), count)
        yield family


Figures = Mapping[str, list[tuple[Mapping[str, str], float]]]


class _OfTheSite(Collector):
    """Parts and the figures of the database, at most as often as their age allows."""

    def __init__(self, site: Site, parts: Parts) -> None:
        self._site, self._parts = site, parts
        self._guard = threading.Lock()
        self._light: tuple[float, Figures] = (0.0, {})
        self._heavy: tuple[float, Figures] = (0.0, {})

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The state of every part, then the figures, unless the database is away."""
        parts = self._parts.look()
        family = GaugeMetricFamily("lantai_part_state", METRICS["lantai_part_state"], labels=("part", "state"))
        for part in parts:
            for state in State:
                family.add_metric((part.name, state.value), float(part.state is state))
        yield family
        if any(one.needed and one.state is State.DOWN for one in parts):
            return
        try:
            with self._guard:
                found = {**self._read_light(), **self._read_heavy()}
        except (SQLAlchemyError, LantaiError) as error:
            log.warning("figures for the scrape could not be read: %s", type(error).__name__)
            return
        for name, samples in found.items():
            yield _family(name, samples)

    def _read_light(self) -> Figures:
        until, known = self._light
        if time.monotonic() >= until:
            with self._site.archive.reading() as session:
                known = light(session, self._site)
            self._light = (time.monotonic() + LIGHT_SECONDS, known)
        return known

    def _read_heavy(self) -> Figures:
        until, known = self._heavy
        if time.monotonic() >= until:
            with self._site.archive.reading() as session:
                known = heavy(session, self._site)
            self._heavy = (time.monotonic() + HEAVY_SECONDS, known)
        return known


def _family(name: str, samples: list[tuple[Mapping[str, str], float]]) -> Metric:
    labels = tuple(samples[0][0]) if samples else ()
    family: GaugeMetricFamily | CounterMetricFamily
    if name.endswith("_total"):
        family = CounterMetricFamily(name.removesuffix("_total"), METRICS[name], labels=labels)
    else:
        family = GaugeMetricFamily(name, METRICS[name], labels=labels)
    for values, number in samples:
        family.add_metric(tuple(values.values()), number)
    return family
