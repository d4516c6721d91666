"""The care of what is kept, as tasks that a worker repeats: each does a batch of seconds and says how much it did.

A task answers 0 when nothing is left, so that callers can loop; running one twice is harmless. Schedules are cron
expressions in the bureau's zone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import grants
from access.actors import SYSTEM
from ingest import uploads
from ingest.bringing import bring_from_quarantine
from ingest.extract.derive import derive_pending
from ingest.extract.ocr import recognise_pending
from ingest.extract.office import converter
from ingest.extract.pictures import picture_pending
from ingest.releasing import release_quarantine
from lantai import backups, parts_alarms, replicas, watch
from lantai.indexing import Progress, rebuild_once
from lantai.jobs import Queue, submission_of
from lantai.probes import kept_parts
from lantai.site import Site
from metadata.errors import LantaiError, Unavailable
from metadata.identifiers import new_id
from repository import totals
from repository.fixity import AuditResults, Outcome, audit, first_audit, inventory, repair
from repository.fixity.outcome import FAULTS
from repository.ledger.acts import ActorRef
from repository.ledger.checkpoints import write_checkpoint
from repository.ledger.seal import seal
from repository.pending import write_pending_objects
from repository.replication import Step, close_gaps, compare, list_destroyed
from repository.tables import ReplicaFill, Submission
from retention import totals as due_totals
from retention.reassignment import reassign_outdated
from search.indexer import BUSY, follow, rebuild

log = logging.getLogger(__name__)

JOBS_KEPT = timedelta(days=7)
"""How long rows of ended jobs stay for an operator to look at."""

SCHEDULED_KEPT = timedelta(days=1)
"""The same for what the clock began and what ended well: thousands a day."""

MOVING = ("examining", "accepted", "storing")
"""States of a submission that a job carries on."""

INDEXED_AT_ONCE = 5_000
"""Records of a holding whose index is made anew without delay; that of a larger one has a queue of its own."""

_CARRIED_AT_ONCE = 100

QUIET_SECONDS = 60.0
"""A submission that stood still this long is looked after."""


def _write_pending(site: Site) -> int:
    replicas.follow(site)
    written = write_pending_objects(site.archive, limit=500)
    list_destroyed(site.archive)
    return written + bring_from_quarantine(site.archive)


def _derive(site: Site) -> int:
    return derive_pending(site.archive, limit=50, soffice=converter(site.settings.office_converter))


def _images(site: Site) -> int:
    return picture_pending(site.archive)


def _ocr(site: Site) -> int:
    return recognise_pending(site.archive, site.settings.ocr)


def _index(site: Site) -> int:
    try:
        return follow(site.archive, site.index, site.process_name, partial(_index_anew, site))
    except Unavailable as error:
        if error.code not in BUSY:  # else another process follows the same outbox
            log.warning("the index does not follow: %s", error)
        return 0


def _index_anew(site: Site) -> int:
    """Make it anew, or have that done by a job of its own where it takes long."""
    with site.archive.reading() as session:
        large = totals.newest(session)[0] > INDEXED_AT_ONCE
    if not large:
        return rebuild(site.archive, site.index).documents
    with site.archive.sessions.begin() as session:
        site.jobs.enqueue_index_rebuild(session, new_id(), actor_id=SYSTEM.id)
    return 0


def _read(results: AuditResults) -> int:
    return results.checked - results.total(Outcome.NOT_CHECKED)


def _first_audit(site: Site) -> int:
    return _read(first_audit(site.archive, limit=500))


def _totals(site: Site) -> int:
    totals.recount(site.archive)
    return 0


def _retention(site: Site) -> int:
    """Carry a new version of the profile through the assignments; nothing to do on most days."""
    return reassign_outdated(site.archive)


def _due_totals(site: Site) -> int:
    """Count what is due anew when something has changed, and now and then without that."""
    archive = site.archive
    with archive.reading() as session:
        wanted = due_totals.due_for_counting(session) or due_totals.too_old(session, archive)
    if wanted:
        with archive.sessions.begin() as session:
            due_totals.count(session, archive=archive)
    return 0


def _seal(site: Site) -> int:
    try:
        seal(site.archive)
    except Unavailable:
        return 0  # another process seals
    write_pending_objects(site.archive, limit=500)
    return 0


def _checkpoint(site: Site) -> int:
    _seal(site)
    write_checkpoint(site.archive)
    return 0


def _inventory(site: Site) -> int:
    with site.archive.sessions.begin() as session:
        close_gaps(session)
    inventory(site.archive, actor=SYSTEM.ref)
    return 0


def _audit_oldest(site: Site) -> int:
    older_than = site.archive.clock.now() - timedelta(days=site.settings.audit_days)
    return _read(audit(site.archive, actor=SYSTEM.ref, older_than=older_than, limit=500))


def _carry_on(site: Site) -> int:
    """Deposits that should move and do not: the process died, or the database was out, before the job was enqueued."""
    archive = site.archive
    quiet = archive.clock.now() - timedelta(seconds=QUIET_SECONDS)
    moving = select(Submission.id).where(Submission.state.in_(MOVING), Submission.updated_at < quiet)
    with archive.reading() as session:
        standing = list(session.scalars(moving.order_by(Submission.seq)))
        carried = site.jobs.carried(session) if standing else set()
    ids = [one for one in standing if one not in carried][:_CARRIED_AT_ONCE]
    if ids:
        with archive.sessions.begin() as session:
            site.jobs.carry_on(session, ids)
    return 0


def _release(site: Site) -> int:
    release_quarantine(site.archive)
    return 0


def _uploads(site: Site) -> int:
    """Uploads that depositors never finished, and what broken-off writes left on the replicas."""
    for store in site.archive.replicas.stores:
        try:
            store.check()
        except LantaiError as error:  # told by the probes; the next hour tries again
            log.warning("replica %s was not swept: %s", store.name, error)
    return uploads.sweep(site.archive)


def _watch(site: Site) -> int:
    return watch.look(site)


def _parts(site: Site) -> int:
    """Tell of parts that stay down; nothing is left afterwards."""
    parts_alarms.tell(site, kept_parts(site))
    return 0


def _grants(site: Site) -> int:
    """Close the grants that are over and remind of those that end soon."""
    with site.archive.sessions.begin() as session:
        return grants.end_due(session, site.archive) + grants.remind_due(session, site.archive)


def _prune(site: Site) -> int:
    """Forget a batch of jobs that ended long ago; what a person stopped stays while its deposit could move again."""
    now, rows = site.archive.clock.now(), site.jobs.rows
    with site.archive.sessions.begin() as session:
        ids = rows.ended(session, now - JOBS_KEPT, by_clock_before=now - SCHEDULED_KEPT)
        if not ids:
            stopped = {one: submission_of(one) for one in rows.stopped(session, now - JOBS_KEPT)}
            moving = _moving(session, [one for one in stopped.values() if one])
            ids = [one for one, submission_id in stopped.items() if submission_id not in moving]
        rows.forget(session, ids)
    return len(ids)


def _moving(session: Session, submission_ids: Sequence[str]) -> set[str]:
    wanted = select(Submission.id).where(Submission.id.in_(submission_ids), Submission.state.in_(MOVING))
    return set(session.scalars(wanted))


def _backup(site: Site) -> int:
    backups.make_scheduled(site)
    return 0


@dataclass(frozen=True)
class Task:
    """A task, when it is due (cron, bureau's zone) and what it does.

    Long ones have a queue of their own, so that nothing waits behind them, and end after ``steps`` batches (0: when
    nothing is left), so that no more of them pile up than there is time for.
    """

    name: str
    cron: str
    run: Callable[[Site], int]
    queue: Queue = Queue.CARE
    steps: int = 0


TASKS = (
    Task("pending", "* * * * *", _write_pending),
    Task("fill", "* * * * *", replicas.begin_fills, steps=1),
    Task("derive", "* * * * *", _derive, Queue.TEXTS, steps=20),
    Task("images", "* * * * *", _images, Queue.IMAGES, steps=5),
    Task("ocr", "* * * * *", _ocr, Queue.OCR, steps=2),
    Task("index", "* * * * *", _index, steps=20),
    Task("seal", "* * * * *", _seal),
    Task("grants", "* * * * *", _grants),
    Task("retention", "*/5 * * * *", _retention, steps=100),
    Task("due-totals", "*/10 * * * *", _due_totals, steps=1),
    Task("first-audit", "*/10 * * * *", _first_audit, Queue.AUDIT),
    Task("carry-on", "* * * * *", _carry_on),
    Task("watch", "* * * * *", _watch, Queue.WATCH, steps=1),
    Task("parts", "* * * * *", _parts, Queue.WATCH),
    Task("uploads", "25 * * * *", _uploads),
    Task("release", "20 * * * *", _release),
    Task("audit", "30 1 * * *", _audit_oldest, Queue.AUDIT),
    Task("inventory", "10 3 * * *", _inventory, Queue.AUDIT),
    Task("checkpoint", "50 3 * * *", _checkpoint),
    Task("totals", "15 * * * *", _totals),
    Task("prune", "40 4 * * *", _prune),
)
FOLLOW_UP = ("pending", "index", "derive", "index")
_BACKUP = "backup"
_BY_NAME = {task.name: task for task in (*TASKS, Task(_BACKUP, "", _backup, Queue.BACKUP, steps=1))}
NAMES = tuple(_BY_NAME)
"""Of every task that some site has."""


def tasks(site: Site) -> list[Task]:
    """The tasks of this site: those of every site, and a backup where its settings say when."""
    cron = site.settings.backup.cron
    return [*TASKS, replace(_BY_NAME[_BACKUP], cron=cron)] if cron else list(TASKS)


def most_steps(name: str) -> int:
    """How many batches of the task ``name`` follow each other at most; 0: until nothing is left."""
    return _BY_NAME[name].steps


def queue_of(name: str) -> Queue:
    """The queue in which the task ``name`` waits."""
    return _BY_NAME[name].queue


def run(site: Site, name: str) -> int:
    """Do one batch of the task ``name``; how much was done, 0 when nothing is left."""
    return _BY_NAME[name].run(site)


def audit_everything(site: Site, *, actor_id: str, deep: bool, progress: Progress | None = None) -> int:
    """Re-read every object on every replica; how many are not intact."""
    results = audit(site.archive, actor=ActorRef(actor_id, "account"), deep=deep, progress=progress)
    return results.total(*FAULTS)


def repair_incidents(site: Site, *, actor_id: str, incident_ids: Sequence[str] | None = None) -> int:
    """Mend the open incidents named, or every one, as far as there is a good copy; how many were mended."""
    results = repair(site.archive, actor=ActorRef(actor_id, "account"), incident_ids=incident_ids)
    return sum(one.repaired for one in results)


def fill_replica(site: Site, name: str, progress: Progress | None = None) -> int:
    """One step of filling a replica that joins; 0 when it is in use, or cannot be filled now.

    ``progress`` counts an object twice: when it is written, and when it is read back.
    """
    step = replicas.fill(site, name)
    if progress is not None:
        with site.archive.reading() as session:
            found = session.get(ReplicaFill, name)
        if found is not None:
            progress(found.copied_objects + found.verified_objects, 2 * found.objects)
    return int(step is Step.MORE)


def compare_replicas(
    site: Site, *, actor_id: str, first: str, second: str, deep: bool, progress: Callable[[int], None] | None = None
) -> int:
    """Hold two replicas against each other; how many keys differ."""
    actor = ActorRef(actor_id, "account")
    return compare(site.archive, first, second, actor=actor, deep=deep, progress=progress).differing


def rebuild_index(site: Site, *, actor_id: str, progress: Progress | None = None) -> int:
    """Make the search index anew beside the live one; its entries, 0 when another process does so already."""
    actor = SYSTEM.ref if actor_id == SYSTEM.id else ActorRef(actor_id, "account")
    return rebuild_once(site, actor, progress)
