"""Alarms about parts of the site that stay down, told once and noted as over when the part is back.

Workers look every minute, and so does every serving process: when the workers are what is gone, nobody else could say so.
The same part is one alarm, whoever finds it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from lantai.parts import Part, Parts, State
from lantai.site import Site
from metadata.errors import LantaiError
from repository.alarms import AlarmKind, alarm_over, open_alarm, raise_alarm
from repository.clock import stamp
from repository.tables import Alarm

log = logging.getLogger("lantai.parts")

DOWN_FOR = timedelta(minutes=10)
DEGRADED_FOR = timedelta(minutes=60)
"""How long a part may be so before somebody is told: a restart takes minutes, and a backlog is worked off by itself."""
TOLD_AGAIN = timedelta(minutes=5)
"""Without a word from the machine that told of it for so long, another may say that it is over."""
_EVERY_SECONDS = 60.0


def tell(site: Site, parts: Parts) -> int:
    """Raise alarms about what has been down for long, and note which are over; how many were raised or ended anew.

    Nothing while the database is away, which keeps alarms: whoever watches ``/readyz`` hears of that.
    """
    found = parts.look()
    if any(one.needed and one.state is State.DOWN for one in found):
        return 0
    return sum(_told(site, one) for one in found)


def _told(site: Site, part: Part) -> bool:
    archive = site.archive
    kind, host = _kind(part.name), socket.gethostname()[:80]
    subject = host if part.name == "clock" else part.name
    if part.state is State.NOT_CHECKED:  # nobody knows: neither a fault nor the end of one
        return False
    if part.ok:
        with archive.reading() as session:
            known_alarm = open_alarm(session, kind, subject, lock=False)
            if known_alarm is None or _told_elsewhere(site, known_alarm, host):
                return False
        with archive.sessions.begin() as session:
            return alarm_over(session, archive=archive, kind=kind, subject=subject)
    if not _long_enough(site, part):
        return False
    since = stamp(part.since) if part.since is not None else None
    detail = {"state": part.state.value, "since": since, "zh": part.zh, "en": part.en, "host": host}
    with archive.sessions.begin() as session:
        known = open_alarm(session, kind, subject) is not None
        raise_alarm(session, archive=archive, kind=kind, subject=subject, detail=detail)
    return not known


def _told_elsewhere(site: Site, alarm: Alarm, host: str) -> bool:
    """Whether another machine still sees the fault, which says so every minute: a folder may be missing there alone."""
    other = alarm.detail.get("host") not in {None, host}
    return other and site.archive.clock.now() - alarm.last_at < TOLD_AGAIN


def _kind(name: str) -> AlarmKind:
    if name == "clock":
        return AlarmKind.CLOCK_STEPPED
    return AlarmKind.BACKUP_OLD if name.startswith("backup ") else AlarmKind.PART_DOWN


def _long_enough(site: Site, part: Part) -> bool:
    patience = {State.DOWN: DOWN_FOR, State.DEGRADED: timedelta(0) if part.name == "clock" else DEGRADED_FOR}
    return part.since is not None and site.archive.clock.now() - part.since >= patience[part.state]


def keep_telling(site: Site, parts: Parts) -> Callable[[], None]:
    """``tell`` every minute in a thread of its own until the function that is given back is called."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(_EVERY_SECONDS):
            try:
                tell(site, parts)
            except (SQLAlchemyError, LantaiError) as error:
                log.warning("alarms about parts could not be told: %s", type(error).__name__)
            except Exception:
                log.exception("alarms about parts could not be told")

    threading.Thread(target=go_on, name="parts-alarms", daemon=True).start()
    return stop.set
