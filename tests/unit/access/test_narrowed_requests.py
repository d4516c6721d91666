"""A token narrowed to reading requests acts on none, though they are its account's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from access import grants, request_filing
from metadata.errors import NotFound
from repository.tables import AccessRequest
from tests.unit.access.borrowing import Desk


def test_a_token_that_only_reads_requests_acts_on_none_of_its_account(desk: Desk) -> None:
    record = desk.record()
    granted = desk.file(records=[record])
    desk.decide(granted, ["*"])
    waiting = desk.file(records=[record])
    with desk.archive.sessions.begin() as session:
        narrow = replace(desk.actor(session, "borrower"), only=frozenset({"request.read", "record.read"}))
        rows = {one.id: one for one in session.scalars(select(AccessRequest))}
        common: dict[str, Any] = {"session": session, "archive": desk.archive, "actor": narrow}
        with pytest.raises(NotFound):
            request_filing.withdraw(**common, request=rows[waiting])
        with pytest.raises(NotFound):
            request_filing.ask_longer(**common, request=rows[granted], days=1, said="x")
        with pytest.raises(NotFound):
            grants.give_back(**common, request=rows[granted])
    assert desk.state(waiting)[0] == "submitted"
    assert desk.state(granted)[0] == "approved"
