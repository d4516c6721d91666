"""Read models of replicas: how each stands, how far one that joins is, what they share, how comparisons ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lantai import i18n
from lantai.web import display, labels
from lantai.web.views_preservation import GLANCE_SECONDS, LARGE
from lantai.web.visit import Visit
from repository.replication.report import Copies, Filling, ReplicaReport, comparisons, copies, report, shared_by
from repository.storage.replicas import ACTIVE, RETIRED
from repository.tables import Account, AuditRun, ReplicaComparison


@dataclass(frozen=True, slots=True)
class ReplicaView:
    """One replica for a page; ``done`` of ``total`` bytes written and read back while it is being filled."""

    report: ReplicaReport
    domain: str
    words: str
    trouble: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """One comparison; ``keys``: the first that differ, each with how."""

    first: str
    second: str
    deep: bool
    same: int
    differing: int
    at: datetime
    who: str
    keys: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReplicasView:
    """Everything the page shows. ``waiting``: stores that the settings describe and that are no replicas yet."""

    replicas: list[ReplicaView]
    shared: list[str]
    waiting: list[str]
    comparisons: list[ComparisonView]

    @property
    def in_use(self) -> list[str]:
        """Names of the replicas in full use."""
        return [one.report.name for one in self.replicas if one.report.state == ACTIVE]


def replicas(session: Session, visit: Visit) -> ReplicasView:
    """The page's read model."""
    archive = visit.site.archive
    found = report(archive, session, count=partial(_lately, visit.request.app.state.glances))
    known = {one.name for one in found}
    return ReplicasView(
        replicas=[_view(visit, one) for one in found],
        shared=[one.zh if visit.language == "zh" else one.en for one in shared_by(archive, found)],
        waiting=[name for name in archive.replicas.described if name not in known],
        comparisons=[_comparison(session, visit, one) for one in comparisons(session)],
    )


def _lately(kept: dict[Any, Any], session: Session, name: str) -> Copies:
    """The copies of a replica, those of a large one counted at most twice a minute unless an audit ended."""
    audited = session.scalar(select(func.max(AuditRun.finished_at)).where(AuditRun.replica == name))
    began, then, known = kept.get(("copies", name), (0.0, None, None))
    if known is None or then != audited or time.monotonic() - began > GLANCE_SECONDS:
        known = copies(session, name)
        if known.objects > LARGE:
            kept["copies", name] = (time.monotonic(), audited, known)
    found: Copies = known
    return found


def _view(visit: Visit, one: ReplicaReport) -> ReplicaView:
    filling = one.filling
    trouble = "" if filling is None or not filling.trouble else filling.trouble.get(visit.language, "")
    done, total = (0, 1) if filling is None else _far(filling)
    return ReplicaView(one, _domain(visit, one), _words(visit, filling), trouble, done, total)


def _far(filling: Filling) -> tuple[int, int]:
    return filling.copied_bytes + filling.verified_bytes, max(2 * filling.bytes, 1)


def _words(visit: Visit, filling: Filling | None) -> str:
    if filling is None:
        return ""
    _ = i18n.translations(visit.language).gettext
    return _("%(phase)s: %(written)s of %(objects)s objects written (%(size)s), %(read)s read back") % {
        "phase": labels.label(i18n.translations(visit.language), filling.phase, "fill_phase"),
        "written": display.number(filling.copied_objects),
        "objects": display.number(filling.objects),
        "size": display.size(filling.copied_bytes),
        "read": display.number(filling.verified_objects),
    }


def _domain(visit: Visit, one: ReplicaReport) -> str:
    _ = i18n.translations(visit.language).gettext
    if one.state == RETIRED:
        return "–"
    if not one.reachable:
        return _("Not reachable")
    kind, _colon, rest = one.domain.partition(":")
    return _("Device %s") % rest if kind == "device" else _("Service %s") % rest if kind == "s3" else one.domain


def _comparison(session: Session, visit: Visit, one: ReplicaComparison) -> ComparisonView:
    _ = i18n.translations(visit.language).gettext
    how = {
        "only_first": _("only on replica %s") % one.first,
        "only_second": _("only on replica %s") % one.second,
        "sizes": _("other size"),
        "digests": _("other bytes"),
    }
    name = session.scalar(select(Account.display_name).where(Account.id == one.actor)) or ""
    return ComparisonView(
        first=one.first,
        second=one.second,
        deep=one.deep,
        same=one.same,
        differing=one.only_first + one.only_second + one.sizes + one.digests,
        at=one.finished_at,
        who=labels.actor(i18n.translations(visit.language), one.actor, name),
        keys=[(str(key["key"]), how.get(str(key["kind"]), "")) for key in one.listed.get("keys", ())],
    )
