"""The stores that keep a full copy each: how they stand, and adding, filling, comparing and retiring by button."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from lantai import i18n, replicas
from lantai.part import Part
from lantai.web import views_replicas
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.identifiers import new_id
from metadata.rights import Permission

router = Part()


@router.get("/preservation/replicas")
def show(visit: SignedVisit, asked: str = "", name: str = "") -> Response:
    """Every replica, what they share, and the last comparisons; ``asked`` for what was just asked."""
    visit.require(Permission.FIXITY_READ)
    with visit.reading() as session:
        found = views_replicas.replicas(session, visit)
    return page(visit, "replicas.html", room="preservation", found=found, said=_said(visit, asked, name))


def _said(visit: Visit, asked: str, name: str) -> str:
    _ = i18n.translations(visit.language).gettext
    words = {
        "add": _("Replica %s is added and being filled; reload this page to see how far it is."),
        "fill": _("The filling of replica %s goes on; reload this page to see how far it is."),
        "retire": _("Replica %s is out of use; nothing on it was touched."),
        "compare": _("The comparison of %s has begun; reload this page to see how it ends."),
    }
    return words[asked] % name if asked in words else ""


def add(visit: Visit, name: str) -> bool:
    """Make a store of the settings a replica; False when it is one already."""
    visit.require(Permission.REPAIR)
    return replicas.add(visit.site, name, actor=visit.person)


def begin_fill(visit: Visit, name: str) -> str:
    """Have a worker go on filling a replica; the job's id."""
    visit.require(Permission.REPAIR)
    return replicas.begin_fill(visit.site, name)


def retire(visit: Visit, name: str) -> bool:
    """Take a replica out of use; False when it is already."""
    visit.require(Permission.REPAIR)
    return replicas.retire(visit.site, name, actor=visit.person)


def begin_comparison(visit: Visit, first: str, second: str, *, deep: bool = False) -> str:
    """Have a worker hold two replicas against each other; the job's id."""
    visit.require(Permission.FIXITY_RUN)
    replicas.confirm_pair(visit.site, first, second)
    with visit.writing() as session:
        return visit.site.jobs.enqueue_comparison(
            session, new_id(), actor_id=visit.person.id, first=first, second=second, deep=deep
        )


def _back(asked: str, name: str) -> Response:
    return RedirectResponse("/preservation/replicas" + query({}, asked=asked, name=name), 303)


@router.post("/preservation/replicas/add")
def add_by_form(visit: SignedVisit, form: Form) -> Response:
    """Add the store named."""
    add(visit, form.text("name"))
    return _back("add", form.text("name"))


@router.post("/preservation/replicas/fill")
def fill_by_form(visit: SignedVisit, form: Form) -> Response:
    """Go on filling the replica named."""
    begin_fill(visit, form.text("name"))
    return _back("fill", form.text("name"))


@router.post("/preservation/replicas/retire")
def retire_by_form(visit: SignedVisit, form: Form) -> Response:
    """Retire the replica named."""
    retire(visit, form.text("name"))
    return _back("retire", form.text("name"))


@router.post("/preservation/replicas/compare")
def compare_by_form(visit: SignedVisit, form: Form) -> Response:
    """Compare the two replicas named."""
    first, second = form.text("first"), form.text("second")
    begin_comparison(visit, first, second, deep=form.flag("deep"))
    return _back("compare", f"{first} / {second}")
