"""Calendar arithmetic of retention periods; dates are calendar days in the bureau's zone."""

from __future__ import annotations

from datetime import date


def add_years(day: date, years: int) -> date:
    """The same day ``years`` later; 29 February falls on 28 February where the year has none.

    >>> add_years(date(2024, 2, 29), 5)
    datetime.date(2029, 2, 28)
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        if (day.month, day.day) != (2, 29):
            raise
        return day.replace(year=day.year + years, day=28)


def year_end(year: int) -> date:
    """The trigger date of records made in ``year``: 1 January of the year after. Periods count from it.

    >>> year_end(2025)
    datetime.date(2026, 1, 1)
    """
    return date(year + 1, 1, 1)
