"""One clock for the whole program: UTC for storage, the bureau's zone for what people see and count."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where the time comes from; injected, so that tests decide it."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands until it is moved; for tests and reproducible samples."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 1, 5, 1, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment


def stamp(moment: datetime) -> str:
    """``moment`` as stored everywhere: UTC, microseconds, ``Z`` (RFC 3339)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """The moment that ``stamp`` wrote."""
    return datetime.fromisoformat(text)


def local_date(moment: datetime, zone: str) -> date:
    """The calendar day of ``moment`` in the bureau's zone (IANA name); due dates are counted in it."""
    return moment.astimezone(ZoneInfo(zone)).date()
