"""The stores' own markers: checked before anything else is judged, and a fault of their own when damaged.

A replica without a marker, or with another holding's, is not there as far as an audit can tell. A replica whose marker
is damaged is there: its objects are read, and the marker stands among the faults.
"""

from __future__ import annotations

from dataclasses import dataclass

from metadata.errors import Invalid, LantaiError
from repository.archive import Archive
from repository.fixity.outcome import Outcome
from repository.fixity.reading import Reading, Task
from repository.holding import check_marker
from repository.storage import layout

DAMAGED = "holding.marker_damaged"


@dataclass(frozen=True, slots=True)
class Standing:
    """``trouble``: why the replica cannot be judged now; ``damaged``: key of a marker that must be written anew."""

    trouble: LantaiError | None = None
    damaged: str | None = None


def standing(archive: Archive, replica: str) -> Standing:
    """Whether ``replica`` answers, and as itself."""
    try:
        check_marker(archive.replicas.store(replica), archive.holding_id)
    except Invalid as error:
        if error.code == DAMAGED:
            return Standing(damaged=str(error.params["key"]))
        return Standing(trouble=error)
    except LantaiError as error:
        return Standing(trouble=error)
    return Standing()


def readings(replica: str, found: Standing, at_fault: set[tuple[str, str]]) -> list[Reading]:
    """What the marker adds to a run: a fault, or the end of one."""
    if found.damaged is not None:
        return [Reading(_task(replica, found.damaged), Outcome.DAMAGED, 0, {"error": DAMAGED})]
    if found.trouble is not None:
        return []
    mended = [key for where, key in at_fault if where == replica and layout.parse(key).kind == "marker"]
    return [Reading(_task(replica, key), Outcome.INTACT) for key in mended]


def _task(replica: str, key: str) -> Task:
    return Task(replica, key, "marker", None, "", 0)
