"""What the ledger records of looks: stream ``use``, the use register.

An entry carries ids, codes and a purpose; never names, ID numbers or other personal values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from repository.ledger.entry import USE, ActorRef, append, entry_row

LOOKS = frozenset(
    {
        "record.viewed",
        "file.viewed",
        "file.downloaded",
        "record.exported",
        "search.performed",
        "case.viewed",
        "page.viewed",
        "numbers.unmasked",
        "page.printed",
        "list.exported",
        "register.viewed",
        "register.exported",
        "request.viewed",
        "access.refused",
    }
)
_LONG_NUMBER = re.compile(r"\d{7,}[\dXx]?")


def looked(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    act: str,
    reason: str,
    form: str,
    record_id: str | None = None,
    case_file_id: str | None = None,
    file_id: str | None = None,
    request_id: str | None = None,
    roles: Sequence[str] = (),
    count: int | None = None,
    page: int | None = None,
    call_id: str | None = None,
    permission: str | None = None,
) -> str:
    """Somebody looked, or was refused: stream ``use``. Called by ``access.use_register`` only.

    ``count``: how many things one look took, for a list that was taken out whole. ``request_id``: the request for
    access under whose grant she looked; ``call_id``: the number of the HTTP call, as in the log; ``permission``: the
    right that was lacking.

    Digit runs long enough to be an ID, bank or telephone number are struck out of ``reason``.
    """
    if act not in LOOKS:
        raise ValueError(f"not a look: {act}")
    facts: dict[str, Any] = {"reason": _LONG_NUMBER.sub("…", reason), "form": form}
    told = {
        "file_id": file_id,
        "request_id": request_id,
        "call_id": call_id,
        "page": page,
        "permission": permission,
    }
    facts.update({name: value for name, value in told.items() if value})
    if roles:
        facts["roles"] = list(roles)
    if count is not None:
        facts["count"] = count
    row = entry_row(
        stream=USE, at=at, act=act, actor=actor, record_id=record_id, case_file_id=case_file_id, facts=facts
    )
    append(session, [row])
    return str(row["id"])
