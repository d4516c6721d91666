"""Who made a report, for whom, with what: the head that all reports share."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from access.actors import Actor
from ingest.packaging import SOFTWARE, software_version
from ingest.report.model import Made, Words
from ingest.report.remarks import plain
from metadata.rights import ACCESS_LEVELS
from repository.archive import Archive
from repository.clock import stamp
from repository.tables import Organ

LEDGER_BLOCKS = 300
"""Sealed blocks that are verified for one report; more are left to `lantai ledger verify`."""


def made(session: Session, archive: Archive, actor: Actor, *, synthetic: bool) -> Made:
    """When, by whom and with what."""
    now = archive.clock.now()
    return Made(
        at=stamp(now),
        shown_at=now.astimezone(ZoneInfo(archive.zone)).strftime("%Y-%m-%d %H:%M"),
        by=plain(actor.name),
        organ=organ_words(session, actor.organ_id),
        software=f"{SOFTWARE} {software_version()}",
        profile=archive.profile.label,
        holding_id=archive.holding_id,
        synthetic=synthetic,
    )


def organ_words(session: Session, organ_id: str | None) -> Words:
    """The organ's name in both languages."""
    organ = session.get(Organ, organ_id) if organ_id else None
    if organ is None:
        return Words("", "")
    return Words(organ.name_zh, organ.name_en or organ.name_zh)


def most_protected(levels: Iterable[str]) -> str:
    """The access level that a report about records of these levels must have itself."""
    return max((one for one in levels if one in ACCESS_LEVELS), key=ACCESS_LEVELS.index, default="internal")
