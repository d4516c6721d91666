"""How values look on a page: sizes, days, moments, short digests. Dates, numbers and names are never translated."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from access import masking

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def size(count: int | None) -> str:
    """A number of bytes as people read it: ``12.4 MB`` (powers of 1,000)."""
    if count is None:
        return "–"
    amount = float(count)
    for unit in _UNITS:
        if amount < 999.95 or unit == _UNITS[-1]:
            return f"{int(amount)} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


def number(value: int | None) -> str:
    """A whole number with thousands apart."""
    return "–" if value is None else f"{value:,}"


def day(value: date | datetime | str | None) -> str:
    """A day as ``2026-11-23``."""
    if value is None or value == "":
        return "–"
    return value[:10] if isinstance(value, str) else value.strftime("%Y-%m-%d")


def moment(value: datetime | str | None, zone: str) -> str:
    """A moment in the bureau's zone as ``2026-11-23 14:05``."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def until(value: datetime | None, zone: str) -> str:
    """When something ends: midnight as ``2026-11-23 24:00`` (GB/T 7408.1), the end of the last day that counts."""
    if value is None:
        return moment(value, zone)
    local = value.astimezone(ZoneInfo(zone))
    if local.time() == time():
        return f"{local.date() - timedelta(days=1)} 24:00"
    return moment(value, zone)


def iso(value: date | datetime | str | None) -> str:
    """What a machine reads in ``<time datetime>``."""
    if value is None:
        return ""
    return value if isinstance(value, str) else value.isoformat()


def short(value: str | None, length: int = 12) -> str:
    """The beginning of a digest or identifier."""
    if not value:
        return "–"
    return value if len(value) <= length else value[:length] + "…"


def masked(text: str) -> str:
    """``text`` with ID, bank and telephone numbers masked."""
    return masking.masked(text)
