"""System: parts of the site, figures, ledger, accounts, jobs and the rules in force; each to those whom it concerns."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from lantai import i18n
from lantai.web import tokening, views_index, views_retention, views_system
from lantai.web.rendering import page
from lantai.web.visit import Form, SignedVisit
from metadata.errors import Forbidden
from metadata.rights import Permission

router = APIRouter()


@router.get("/system")
def show(visit: SignedVisit, asked: str = "") -> Response:
    """What the person's roles open of the system room."""
    sees_status = visit.may(Permission.STATUS_READ) or visit.may(Permission.ACCOUNT_WRITE)
    sees_ledger = visit.may(Permission.LEDGER_READ) or visit.may(Permission.STATUS_READ)
    sees_accounts = visit.may(Permission.ACCOUNT_WRITE) or visit.may(Permission.GRANT_WRITE)
    if not (sees_status or sees_ledger or sees_accounts):
        raise Forbidden(
            "access.forbidden",
            zh="您的角色没有这项权限。如工作需要，请向安全保密管理员申请。",
            en="None of your roles permits this. Ask the security administrator if your work needs it.",
        )
    with visit.reading() as session:
        figures = views_system.figures(session, visit) if sees_status else []
        index = views_index.line(session, visit) if sees_status else None
        ledger = views_system.ledger(session) if sees_ledger else None
        accounts = views_system.accounts(session, visit) if sees_accounts else None
    return page(
        visit,
        "system.html",
        room="system",
        health=views_system.health_lines(visit) if sees_status else [],
        figures=figures,
        index=index,
        ledger=ledger,
        accounts=accounts,
        tokens=tokening.listed(visit, everybody=True) if visit.may(Permission.ACCOUNT_WRITE) else [],
        jobs=views_system.jobs(visit.site) if sees_status else None,
        rule_states=views_retention.rule_states(visit),
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
