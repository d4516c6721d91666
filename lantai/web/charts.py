"""Small charts as inline SVG, drawn on the server: columns over time, a line over time, bars by kind.

No chart stands without its numbers: a ``Figure`` carries the table that the macro ``ui.chart`` shows under the drawing.
Positions are percentages and letters keep their size, so that a chart is readable on a telephone as on a desk; there is
no style in the drawing, only classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from unicodedata import east_asian_width

from markupsafe import Markup, escape

HEIGHT = 200
_TOP, _FLOOR = 22, 160
_ROW = 42
_LABELS = 48
_CELL = 20
_NAME = 30


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a chart: its name, its size, the value as written, ``bad`` or ``look``, what stands on the axis.

    ``under``: a second line below the axis, such as the year that begins there.
    """

    name: str
    value: float
    shown: str
    kind: str = ""
    tick: str = ""
    under: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its table; ``empty`` is said when there is nothing to draw."""

    code: str
    title: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    drawing: Markup | None = None
    empty: str = ""
    notes: Sequence[str] = field(default_factory=tuple)


def ceiling(value: float) -> float:
    """The first round number (1, 2, 5 times a power of ten) that is at least ``value``; 1 for nothing."""
    if value <= 0:
        return 1
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def columns(code: str, title: str, description: str, points: Sequence[Point], *, top: str) -> Markup:
    """Upright columns in the order of time; ``top`` is the round number of ``ceiling`` as it is written."""
    most = ceiling(max((one.value for one in points), default=0))
    slot = 100 / max(len(points), 1)
    drawn = []
    for place, one in enumerate(points):
        height = (_FLOOR - _TOP) * one.value / most
        if one.value > 0:
            height = max(height, 2)
        drawn.append(
            Markup(
                '<rect class="chart__bar{}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"><title>{}</title></rect>'
            ).format(
                f" chart__bar--{one.kind}" if one.kind else "",
                slot * place + slot * 0.15,
                _FLOOR - height,
                slot * 0.7,
                height,
                f"{one.name}: {one.shown}",
            )
        )
    return _framed(code, title, description, HEIGHT, [*_scale(top), *drawn, *_names(points)])


def line(code: str, title: str, description: str, points: Sequence[Point], *, top: str) -> Markup:
    """A line over time, with the newest value written at its end."""
    most = ceiling(max((one.value for one in points), default=0))
    count = max(len(points), 1)
    at = [((place + 0.5) * 100 / count, 100 - 100 * one.value / most) for place, one in enumerate(points)]
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in at)
    area = f"{at[0][0]:.2f},100 {path} {at[-1][0]:.2f},100" if at else ""
    drawn = [
        Markup(
            '<svg x="0" y="{}" width="100%" height="{}" viewBox="0 0 100 100" preserveAspectRatio="none">'
            '<polygon class="chart__area" points="{}"/><polyline class="chart__line" points="{}" vector-effect="non-scaling-stroke"/></svg>'
        ).format(_TOP, _FLOOR - _TOP, area, path)
    ]
    drawn += [
        Markup('<circle class="chart__dot" cx="{:.2f}%" cy="{:.1f}" r="3"><title>{}</title></circle>').format(
            x, _TOP + (_FLOOR - _TOP) * y / 100, f"{one.name}: {one.shown}"
        )
        for (x, y), one in zip(at, points, strict=True)
    ]
    return _framed(code, title, description, HEIGHT, [*_scale(top), *drawn, *_names(points)])


def bars(code: str, title: str, description: str, points: Sequence[Point]) -> Markup:
    """Lying bars, one row a kind: its name and value stand above the bar and need no axis."""
    most = max((one.value for one in points), default=0) or 1
    drawn = []
    for place, one in enumerate(points):
        y = place * _ROW
        drawn.append(
            Markup(
                '<text class="chart__name" x="0" y="{}">{}</text><text class="chart__value" x="100%" y="{}">{}</text>'
                '<rect class="chart__track" x="0" y="{}" width="100%" height="8"/><rect class="chart__bar{}" x="0" y="{}" width="{:.2f}%" height="8"><title>{}</title></rect>'
            ).format(
                y + 16,
                _clipped(one.name),
                y + 16,
                one.shown,
                y + 23,
                f" chart__bar--{one.kind}" if one.kind else "",
                y + 23,
                100 * one.value / most,
                f"{one.name}: {one.shown}",
            )
        )
    return _framed(code, title, description, max(len(points) * _ROW - 6, 20), drawn)


def _clipped(text: str) -> str:
    """As much of a name as stands beside its value on a telephone; the table has it whole."""
    room, kept = _NAME, 0
    for kept, char in enumerate(text):
        room -= 2 if east_asian_width(char) in "WFA" else 1
        if room < 0:
            return text[:kept] + "…"
    return text


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a calendar: ``kind`` is ``read``, ``bad`` or nothing; ``words`` say what happened."""

    day: date
    kind: str
    words: str


def calendar(code: str, title: str, description: str, days: Sequence[Day]) -> Markup:
    """Weeks as columns from Monday down; done is full, a fault carries a cross, nothing is hollow."""
    first = days[0].day
    drawn = []
    for one in days:
        week, weekday = divmod((one.day - first).days, 7)
        x, y = week * _CELL, 18 + weekday * _CELL
        drawn.append(
            Markup('<rect class="day{}" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>').format(
                f" day--{one.kind}" if one.kind else "", x + 1, y + 1, _CELL - 4, _CELL - 4, one.words
            )
        )
        if one.kind == "bad":
            drawn.append(
                Markup('<path class="day__cross" d="M{} {}l8 8m0 -8l-8 8"/>').format(
                    x + (_CELL - 10) // 2, y + (_CELL - 10) // 2
                )
            )
        if weekday == 0 and one.day.day <= 7:
            drawn.append(
                Markup('<text class="chart__tick" x="{}" y="11">{}</text>').format(x, one.day.strftime("%Y-%m"))
            )
    weeks = (days[-1].day - first).days // 7 + 1
    return Markup('<div class="calendar">{}</div>').format(
        _framed(code, title, description, 18 + 7 * _CELL, drawn, width=str(max(weeks * _CELL, 60)))
    )


def _framed(
    code: str, title: str, description: str, height: int, parts: Sequence[Markup], *, width: str = "100%"
) -> Markup:
    return Markup(
        '<svg class="chart__svg" width="{width}" height="{height}" role="img" aria-labelledby="{code}-t {code}-d">'
        '<title id="{code}-t">{title}</title><desc id="{code}-d">{description}</desc>{parts}</svg>'
    ).format(
        width=width,
        height=height,
        code=escape(code),
        title=title,
        description=description,
        parts=Markup("").join(parts),
    )


def _scale(top: str) -> list[Markup]:
    middle = (_TOP + _FLOOR) / 2
    lines = [
        Markup('<line class="chart__grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(y=y) for y in (_TOP, middle)
    ]
    return [
        *lines,
        Markup('<line class="chart__floor" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(y=_FLOOR),
        Markup('<text class="chart__tick" x="0" y="{}">{}</text>').format(_TOP - 6, top),
    ]


def _names(points: Sequence[Point]) -> list[Markup]:
    """Names under the axis, as many as have room: about ``_LABELS`` letters."""
    letters = max((len(one.tick or one.name) for one in points), default=1)
    every = max(1, -(-len(points) * letters // _LABELS))
    last = len(points) - 1
    made = []
    for place, one in enumerate(points):
        at = (place + 0.5) * 100 / len(points)
        if (last - place) % every == 0:
            made.append(_axis(at, _FLOOR + 18, one.tick or one.name))
        if one.under:
            made.append(_axis(at, _FLOOR + 34, one.under))
    return made


def _axis(at: float, y: int, words: str) -> Markup:
    return Markup('<text class="chart__month" x="{:.2f}%" y="{}">{}</text>').format(at, y, words)
