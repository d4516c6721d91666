"""Which records stand in a case file and in what order, as a person changes it: arranged, put in, taken out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from metadata.errors import Invalid
from repository import outbox
from repository.archive import Archive
from repository.cases import ARRANGED, Filed, add_records, lock
from repository.ledger.acts import ActorRef
from repository.revisions import revise_case
from repository.tables import CaseFile, CaseRecord, Record

_BATCH = 500


def arrange(
    session: Session,
    *,
    archive: Archive,
    actor: ActorRef,
    case: CaseFile,
    order: Sequence[str],
    row_version: int | None = None,
) -> int:
    """Put records of a case file in the order given (DA/T 22 5.4, order within the file); the revision's number.

    ``order`` names each record once; those that it does not name keep their places, and the named ones share out the
    places that they have among them. The same order again changes nothing. ``Conflict`` when the case file is no
    longer at ``row_version``; ``Invalid`` for a record that is not in it or is named twice.
    """
    lock(session, case, row_version)
    places: dict[str, int] = {}
    for start in range(0, len(order), _BATCH):
        wanted = select(CaseRecord.record_id, CaseRecord.position).where(
            CaseRecord.case_file_id == case.id, CaseRecord.record_id.in_(order[start : start + _BATCH])
        )
        places.update(session.execute(wanted).tuples().all())
    if len(places) != len(order):
        raise not_in_file()
    moved = [(one, place) for one, place in zip(order, sorted(places.values()), strict=True) if places[one] != place]
    if not moved:
        return case.revision
    for record_id, place in moved:
        where = (CaseRecord.case_file_id == case.id, CaseRecord.record_id == record_id)
        session.execute(update(CaseRecord).where(*where).values(position=place))
    return revise_case(session, archive=archive, actor=actor, case=case, state={**case.state, ARRANGED: True})


def not_in_file() -> Invalid:
    """What is said of a record that does not stand in the case file, whether it is elsewhere, hidden or nowhere."""
    return Invalid(
        "case.not_in_file",
        zh="所列档案中有的不在这个户档内，或列了两次，本次没有改动。请刷新后重试。",
        en="Not all of these records stand in this household file, or one is named twice; nothing was changed. Reload and try again.",
    )


def put_in(
    session: Session,
    *,
    archive: Archive,
    actor: ActorRef,
    case: CaseFile,
    records: Sequence[Filed],
    row_version: int | None = None,
) -> list[str]:
    """File records into a case file; those that were not in it yet. A revision is made only when there were any."""
    lock(session, case, row_version)
    present = _present(session, case, [one.record_id for one in records])
    new = list({one.record_id: one for one in records if one.record_id not in present}.values())
    if not new:
        return []
    ((_, state),) = add_records(session, archive=archive, links={case.id: new})
    revise_case(session, archive=archive, actor=actor, case=case, state=state)
    ids = [one.record_id for one in new]
    mark_filed(session, ids)
    outbox.enqueue(session, outbox.RECORD, ids, archive.clock.now())
    return ids


def take_out(
    session: Session,
    *,
    archive: Archive,
    actor: ActorRef,
    case: CaseFile,
    record_ids: Sequence[str],
    row_version: int | None = None,
) -> list[str]:
    """Take records out of a case file, which they do not belong in; those that were in it. The records stay as they are."""
    lock(session, case, row_version)
    gone = sorted(_present(session, case, record_ids))
    if not gone:
        return []
    for start in range(0, len(gone), _BATCH):
        part = CaseRecord.record_id.in_(gone[start : start + _BATCH])
        session.execute(delete(CaseRecord).where(CaseRecord.case_file_id == case.id, part))
    mark_filed(session, gone)
    revise_case(session, archive=archive, actor=actor, case=case, state=case.state)
    outbox.enqueue(session, outbox.RECORD, gone, archive.clock.now())
    return gone


def mark_filed(session: Session, record_ids: Sequence[str]) -> None:
    """Say of records whether they stand in a case file now (``Record.filed``)."""
    filed = exists().where(CaseRecord.record_id == Record.id)
    for start in range(0, len(record_ids), _BATCH):
        part = Record.id.in_(record_ids[start : start + _BATCH])
        session.execute(
            update(Record).where(part).values(filed=filed), execution_options={"synchronize_session": False}
        )


def _present(session: Session, case: CaseFile, record_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(record_ids), _BATCH):
        part = CaseRecord.record_id.in_(record_ids[start : start + _BATCH])
        found.update(session.scalars(select(CaseRecord.record_id).where(CaseRecord.case_file_id == case.id, part)))
    return found
