"""The search index on a page: how far behind it is, in words, and whether it may be made anew."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from lantai import i18n, indexing
from lantai.indexing import IndexReport
from lantai.web import display
from lantai.web.visit import Visit
from metadata.errors import Forbidden
from metadata.identifiers import new_id
from metadata.rights import Permission

_LATE = 300
"""Seconds after which a change that is not in the index deserves a look: a worker brings it there within a minute."""

_NAMED = 3


@dataclass(frozen=True, slots=True)
class IndexLine:
    """The state of the index: ``kind`` (``ok``, ``look``, ``bad``, ``run``), a sentence, and figures under it."""

    kind: str
    words: str
    facts: list[tuple[str, str]]
    done: int
    total: int
    progress: str
    may_rebuild: bool


def line(session: Session, visit: Visit) -> IndexLine:
    """What the system page says of the index."""
    found = indexing.report(session, visit.site)
    _ = i18n.translations(visit.language).gettext
    running = found.rebuilding
    facts = [
        (_("Entries"), display.number(found.documents)),
        (_("Changes the index does not show yet"), display.number(found.pending)),
        (_("Last made anew"), _built(visit, found)),
        (
            _("Engine"),
            f"Elasticsearch · {visit.site.settings.search.index}" if found.engine != "embedded" else _("embedded"),
        ),
        (_("Generation"), display.short(found.generation, 14)),
    ]
    if found.refused:
        named = ", ".join(f"{display.short(one.id, 8)} ({one.reason})" for one in found.refused[:_NAMED])
        facts.append((_("Refused by the engine, tried again"), f"{display.number(len(found.refused))}: {named}"))
    progress = ""
    if running is not None:
        told = _("Being made anew beside the live index: %(done)s of %(total)s")
        progress = told % {"done": display.number(running.done), "total": display.number(running.total)}
    return IndexLine(
        kind=_kind(found),
        words=_sentence(visit, found),
        facts=facts,
        done=running.done if running else 0,
        total=max(1, running.total) if running else 0,
        progress=progress,
        may_rebuild=may_rebuild(visit) and running is None,
    )


def _kind(found: IndexReport) -> str:
    if not found.usable:
        return "bad"
    if found.oldest_seconds > _LATE or found.refused:
        return "look"
    return "run" if found.pending else "ok"


def _sentence(visit: Visit, found: IndexReport) -> str:
    translated = i18n.translations(visit.language)
    if not found.usable:
        return translated.gettext("The index cannot be used; searching waits until it has been made anew.")
    if not found.pending:
        return translated.gettext("The index shows every change of the catalogue.")
    told = translated.ngettext(
        "%(num)s change is not in the index yet; it has waited %(time)s.",
        "%(num)s changes are not in the index yet; the oldest has waited %(time)s.",
        found.pending,
    )
    return told % {"num": display.number(found.pending), "time": span(visit, found.oldest_seconds)}


def _built(visit: Visit, found: IndexReport) -> str:
    if found.built_at is None:
        return "–"
    at = display.moment(found.built_at, visit.site.archive.zone)
    return at if found.built_seconds is None else f"{at} · {span(visit, found.built_seconds)}"


def span(visit: Visit, seconds: int) -> str:
    """A length of time in its largest unit."""
    ngettext = i18n.translations(visit.language).ngettext
    if seconds < 60:
        return ngettext("%(num)d second", "%(num)d seconds", seconds) % {"num": seconds}
    if seconds < 3600:
        return ngettext("%(num)d minute", "%(num)d minutes", seconds // 60) % {"num": seconds // 60}
    if seconds < 86_400:
        return ngettext("%(num)d hour", "%(num)d hours", seconds // 3600) % {"num": seconds // 3600}
    return ngettext("%(num)d day", "%(num)d days", seconds // 86_400) % {"num": seconds // 86_400}


def may_rebuild(visit: Visit) -> bool:
    """Whether the person may have the index made anew: who runs the site, or cares for what is kept."""
    return visit.may(Permission.ACCOUNT_WRITE) or visit.may(Permission.FIXITY_RUN)


def begin_rebuild(visit: Visit) -> str:
    """Have a worker make the index anew beside the live one; the job's id, also of one that runs already."""
    if not may_rebuild(visit):
        raise Forbidden(
            "access.forbidden",
            zh="您的角色没有这项权限。如工作需要，请向安全保密管理员申请。",
            en="None of your roles permits this. Ask the security administrator if your work needs it.",
        )
    with visit.writing() as session:
        return visit.site.jobs.enqueue_index_rebuild(session, new_id(), actor_id=visit.person.id)
