"""The parts of the site on pages: all of them for who runs it, what concerns her work for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lantai import i18n
from lantai.parts import Part, Parts, State
from lantai.web import display
from lantai.web.visit import Visit
from metadata.rights import Permission

_KINDS = {State.OK: "ok", State.DEGRADED: "look", State.DOWN: "bad", State.NOT_CHECKED: "plain"}
_DEPOSITS_WAIT_FOR = ("replica", "workers", "database")


@dataclass(frozen=True, slots=True)
class PartLine:
    """A part as a page shows it; ``kind``: the badge."""

    name: str
    kind: str
    words: str


def lines(visit: Visit) -> list[PartLine]:
    """Every part as it is now."""
    return [_line(visit, one) for one in _parts(visit).look()]


def troubles(visit: Visit) -> list[PartLine]:
    """What does not work as it should, for the first page: whole sentences for who may see the state of the site."""
    wrong = [one for one in _parts(visit).glance() if not one.ok]
    if visit.may(Permission.STATUS_READ):
        return [_line(visit, one) for one in wrong]
    return [*_deposits(visit, wrong), *of_searching(visit)]


def of_searching(visit: Visit) -> list[PartLine]:
    """That a search does not find everything, or cannot be done, while it is so.

    Why, and what to do about it, is for who may see the state of the site.
    """
    if not visit.may(Permission.SEARCH):
        return []
    found = [one for one in _parts(visit).glance() if one.name == "index" and (one.late or not one.ok)]
    if visit.may(Permission.STATUS_READ):
        return [_line(visit, one) for one in found]
    return [line for one in found for line in _plainly(visit, one)]


def _plainly(visit: Visit, index: Part) -> Iterator[PartLine]:
    _ = i18n.translations(visit.language).gettext
    if index.state is State.DOWN:
        words = _("Search cannot be used now. Nothing is lost; it comes back by itself when the fault is mended.")
        yield PartLine(_("Search"), "bad", words)
    elif index.ok:
        words = _(
            "The text of many papers is still being read: until then a search finds them by their descriptions only."
        )
        yield PartLine(_("Search"), "run", words)
    elif index.late:
        words = _("Search is behind: new papers may be missing. Nothing is lost.")
        yield PartLine(_("Search"), "look", words)


def _deposits(visit: Visit, wrong: list[Part]) -> Iterator[PartLine]:
    if not (visit.may(Permission.DEPOSIT) or visit.may(Permission.ACCEPT)):
        return
    _ = i18n.translations(visit.language).gettext
    kinds = {*_DEPOSITS_WAIT_FOR, *(("scanner",) if visit.site.settings.virus.when_away == "wait" else ())}
    waited_for = [one for one in wrong if one.name.partition(" ")[0] in kinds]
    if waited_for:
        words = _("Deposits are kept and wait; they go on by themselves when the fault is mended.")
        yield PartLine(_("Deposit"), _KINDS[max(waited_for, key=_weight).state], words)
    if any(one.name == "quarantine" for one in wrong):
        yield PartLine(_("Deposit"), "bad", _("Nothing new can be received now. Keep the papers and come back later."))


def _weight(part: Part) -> bool:
    return part.state is State.DOWN


def _parts(visit: Visit) -> Parts:
    found: Parts = visit.request.app.state.parts
    return found


def _line(visit: Visit, part: Part) -> PartLine:
    _ = i18n.translations(visit.language).gettext
    kind, _space, which = part.name.partition(" ")
    names = {
        "database": _("Database"),
        "replica": _("Replica %(name)s"),
        "settings": _("Settings"),
        "index": _("Search index"),
        "scanner": _("Virus scanner"),
        "workers": _("Workers"),
        "quarantine": _("Quarantine"),
        "derivatives": _("Text and pictures"),
        "sealing": _("Sealing of the ledger"),
        "clock": _("Clock"),
        "watched": _("Watched folder %(name)s"),
        "backup": _("Backups in %(name)s"),
    }
    words = part.sentence(visit.language)
    if part.since is not None:
        told = _("Since %(when)s.") % {"when": display.moment(part.since, visit.site.archive.zone)}
        words = f"{words} {told}" if visit.language == "en" else f"{words}{told}"
    return PartLine(names.get(kind, part.name) % {"name": which}, _KINDS[part.state], words)
