"""Use: the register, as far as the person may read it; her own looks always."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from access import gate, use_register
from access.use_register import UseEntry
from lantai import i18n
from lantai.web import views_history
from lantai.web.display import masked
from lantai.web.rendering import page, query
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import NotFound
from metadata.rights import Permission

router = APIRouter()
_PAGE = 50


@router.get("/use")
def show(visit: SignedVisit, all: bool = False, record: str = "", before: int = 0) -> Response:  # noqa: A002 - the word in the address
    """The use register: own entries, those of one record, or all that the role may read."""
    _ = i18n.translations(visit.language).gettext
    person, profile = visit.person, visit.site.archive.profile
    wide = visit.may(Permission.USE_REGISTER_READ) and (all or bool(record))
    with visit.reading() as session:
        if wide:
            found = use_register.register(
                session, person, profile, record_id=record or None, after=before or None, limit=_PAGE + 1
            )
        else:
            found = use_register.entries(session, actor_id=person.id, after=before or None, limit=_PAGE + 1)
        lines = views_history.lines(found[:_PAGE], titles(session, visit, found[:_PAGE]), visit.language)
    tabs = [(_("My looks"), "/use", not wide)]
    if visit.may(Permission.USE_REGISTER_READ):
        tabs.append((_("All that I may read"), "/use?all=1", wide and not record))
    given = {"all": "1" if all else "", "record": record}
    return page(
        visit,
        "use.html",
        room="use",
        subtitle=_("Nobody types this register: it is written as files are opened."),
        trail=(),
        tabs=tabs,
        entries=lines,
        show_who=wide,
        first="/use" + query(given) if before else "",
        following="/use" + query(given, before=lines[-1].seq) if len(found) > _PAGE else "",
    )


def titles(session: Session, visit: Visit, entries: list[UseEntry]) -> dict[str, tuple[str, str]]:
    """Names and addresses of what entries are about, for what the person may still see."""
    person, profile = visit.person, visit.site.archive.profile
    ids = list({one.record_id for one in entries if one.record_id})
    found = {
        record_id: (masked(record.title), f"/records/{record_id}")
        for record_id, record in gate.records_by_id(session, person, ids, profile).items()
    }
    for case_file_id in {one.case_file_id for one in entries if one.case_file_id}:
        try:
            case = gate.get_case(session, person, case_file_id, profile)
        except NotFound:
            continue
        found[case_file_id] = (masked(case.title), f"/case-files/{case_file_id}")
    return found
