"""System: the tree of organs, and each of them to be changed, closed or reopened."""

from __future__ import annotations

from fastapi import Response

from lantai import i18n
from lantai.part import Part
from lantai.web import administering, saying, views_people, views_system
from lantai.web.pages.people import refused, seen
from lantai.web.rendering import page, query
from lantai.web.saying import Undo
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Conflict, Invalid, NotFound
from metadata.rights import Permission

router = Part(prefix="/system")


@router.get("/organs")
def organs(visit: SignedVisit, below: str = "", q: str = "", after: str = "") -> Response:
    """The tree of organs, folded when it is large, and the form for another."""
    visit.require(Permission.ACCOUNT_WRITE)
    return _organs(visit, below=below[:40], words=q.strip()[:100], after=after[:40])


def _organs(
    visit: Visit,
    *,
    below: str = "",
    words: str = "",
    after: str = "",
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as session:
        found = views_people.organ_page(session, visit, below=below, words=words, after=after)
        superiors = views_people.organ_choices(session, visit, Permission.ACCOUNT_WRITE)
    given = {"q": words} if words else {"below": below}
    return page(
        visit,
        "system_organs.html",
        room="system",
        status=status,
        tabs=views_system.tabs(visit),
        found=found,
        first="/system/organs" + query(given) if after else "",
        following="/system/organs" + query(given, after=found.following) if found.following else "",
        superiors=superiors,
        levels=views_people.level_choices(visit),
        typed=typed or {},
        errors=errors or {},
    )


def _organ_name(visit: Visit, code: str) -> str:
    """The name of an organ for a sentence about it, as it stands after the act."""
    with visit.reading() as session:
        return views_people.organ_line(session, visit, code).name[:60]


_ORGAN_FIELDS = ("code", "name_zh", "name_en", "level", "division", "superior")


@router.post("/organs")
def enter_organ(visit: SignedVisit, form: Form) -> Response:
    """Enter an organ."""
    typed = {name: form.text(name) for name in _ORGAN_FIELDS}
    try:
        administering.enter_organ(visit, **typed)
    except (Invalid, Conflict, NotFound) as error:
        return _organs(visit, typed=typed, errors=refused(visit, error, "code", _ORGAN_FIELDS), status=422)
    _ = i18n.translations(visit.language).gettext
    return saying.after(
        visit, "/system/organs", _("The organ “%(name)s” was entered.") % {"name": _organ_name(visit, typed["code"])}
    )


@router.get("/organs/{code}")
def organ(visit: SignedVisit, code: str) -> Response:
    """One organ, to be changed, closed or reopened."""
    visit.require(Permission.ACCOUNT_WRITE)
    return _organ(visit, code)


def _organ(
    visit: Visit, code: str, *, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    with visit.reading() as session:
        line = views_people.organ_line(session, visit, code)
        superiors = views_people.organ_choices(session, visit, Permission.ACCOUNT_WRITE, besides=code)
    stands = {
        "name_zh": line.name_zh,
        "name_en": line.name_en,
        "level": line.level,
        "division": line.division,
        "superior": line.superior,
    }
    return page(
        visit,
        "system_organ.html",
        room="system",
        status=422 if errors else 200,
        organ=line,
        superiors=superiors,
        levels=views_people.level_choices(visit),
        typed=typed or stands,
        errors=errors or {},
    )


@router.post("/organs/{code}/change")
def change_organ(visit: SignedVisit, code: str, form: Form) -> Response:
    """Another name or another place; refused when somebody changed it meanwhile."""
    fields = _ORGAN_FIELDS[1:]
    typed = {name: form.text(name) for name in fields}
    try:
        administering.change_organ(visit, code, **typed, seen=seen(form))
    except (Invalid, Conflict) as error:
        if error.code == "organ.changed_meanwhile":
            raise
        return _organ(visit, code, typed=typed, errors=refused(visit, error, "name_zh", fields))
    _ = i18n.translations(visit.language).gettext
    return saying.after(
        visit, "/system/organs", _("The organ “%(name)s” was changed.") % {"name": _organ_name(visit, code)}
    )


@router.post("/organs/{code}/close")
def close_organ(visit: SignedVisit, code: str, _form: Form) -> Response:
    """Close an organ in which nobody works."""
    administering.close_organ(visit, code)
    _ = i18n.translations(visit.language).gettext
    words = _("The organ “%(name)s” was closed.") % {"name": _organ_name(visit, code)}
    return saying.after(visit, "/system/organs", words, Undo(f"/system/organs/{code}/reopen"))


@router.post("/organs/{code}/reopen")
def reopen_organ(visit: SignedVisit, code: str, _form: Form) -> Response:
    """Take an organ into use again."""
    administering.reopen_organ(visit, code)
    _ = i18n.translations(visit.language).gettext
    words = _("The organ “%(name)s” is in use again.") % {"name": _organ_name(visit, code)}
    return saying.after(visit, "/system/organs", words, Undo(f"/system/organs/{code}/close"))
