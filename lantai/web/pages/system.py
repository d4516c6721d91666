"""System: state of the site, the log of acts and the rules in force; each to those whom it concerns."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from access.ledger_reading import LogFilter
from lantai import i18n
from lantai.part import Part
from lantai.web import administering, views_index, views_jobs, views_parts, views_people, views_retention, views_system
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit
from metadata.errors import Invalid
from metadata.rights import Permission

router = Part()
_PAGE = 50


@router.get("/system")
def show(visit: SignedVisit, asked: str = "") -> Response:
    """State: parts, figures, index, jobs for whom they concern; the ledger's streams; to everybody here what is hers."""
    views_system.require_room(visit)
    sees_status = visit.may(Permission.STATUS_READ)
    with visit.reading() as session:
        figures = views_system.figures(session, visit) if sees_status else []
        index = views_index.line(session, visit) if sees_status else None
        ledger = views_system.ledger(session) if sees_status or visit.may(Permission.LEDGER_READ) else None
        jobs = views_jobs.newest(session, visit) if sees_status else None
    return page(
        visit,
        "system.html",
        room="system",
        tabs=views_system.tabs(visit),
        health=views_parts.lines(visit) if sees_status else [],
        figures=figures,
        index=index,
        ledger=ledger,
        jobs=jobs,
        said=i18n.translations(visit.language).gettext(
            "A worker makes the index anew; reload this page to see how far it is."
        )
        if asked == "rebuild"
        else "",
    )


@router.post("/system/index/rebuild")
def rebuild_index(visit: SignedVisit, _form: Form) -> Response:
    """Have the index made anew beside the live one."""
    views_index.begin_rebuild(visit)
    return RedirectResponse("/system?asked=rebuild#index", 303)


@router.get("/system/log")
def log(
    visit: SignedVisit,
    act: str = "",
    person: str = "",
    organ: str = "",
    since: str = "",
    until: str = "",
    before: int = 0,
) -> Response:
    """Acts newest first, by act, person, organ and period; how far the ledger is sealed."""
    visit.require(Permission.LEDGER_READ)
    given = {"act": act[:48], "person": person[:80], "organ": organ[:40], "since": since[:10], "until": until[:10]}
    errors: dict[str, str] = {}
    try:
        wanted = LogFilter(
            given["act"],
            given["person"],
            given["organ"],
            administering.day(given["since"]),
            administering.day(given["until"]),
        )
    except Invalid as error:
        wanted, errors = LogFilter(), {"since": error.sentence(visit.language)}
    with visit.reading() as session:
        found = views_people.log_lines(session, visit, wanted, before=before, limit=_PAGE + 1)
        streams = views_system.ledger(session)
    return page(
        visit,
        "system_log.html",
        room="system",
        status=422 if errors else 200,
        tabs=views_system.tabs(visit),
        entries=found[:_PAGE],
        acts=views_people.act_choices(visit),
        ledger=streams,
        asked=given,
        errors=errors,
        first="/system/log" + query(given) if before else "",
        following="/system/log" + query(given, before=found[_PAGE - 1].seq) if len(found) > _PAGE else "",
    )


@router.get("/system/profile")
def rules(visit: SignedVisit) -> Response:
    """The rules in force with their citations, which of them nobody has verified, and the versions before."""
    views_system.require_room(visit)
    lines = views_retention.rules(visit)
    with visit.reading() as session:
        versions = views_system.profile_versions(session)
    return page(
        visit,
        "system_profile.html",
        room="system",
        tabs=views_system.tabs(visit),
        versions=versions,
        rules=lines,
        rule_states=views_retention.rule_states(visit, lines),
    )
