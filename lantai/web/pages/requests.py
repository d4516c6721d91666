"""Requests for access: ask, follow, answer, renew; decide, revoke; what may be read now."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from access import requests
from access.letters import MOST_BYTES, Letter
from access.request_decisions import Decision
from access.request_rules import Asking, RequestFaults, Wanted
from lantai import i18n
from lantai.part import Part
from lantai.problems import BadToken
from lantai.web import requesting, saying, views_reading, views_requests
from lantai.web.pages.files import disposition
from lantai.web.rendering import page, query
from lantai.web.searching import Asked, find
from lantai.web.security import CSRF_FIELD, FILE_POLICY, PDF_POLICY, same_token
from lantai.web.uploads import Field, FormStream
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Invalid, LantaiError
from metadata.profile import Requester
from metadata.rights import Permission

router = Part()
_PAGE = 50
_MOST_FOUND = 30
_MOST_FIELDS = 60
VIEWS = ("mine", "waiting", "about", "grants")


def tabs(visit: Visit, here: str) -> list[tuple[str, str, bool]]:
    """The lists of the room, as far as the person's roles open them."""
    _ = i18n.translations(visit.language).gettext
    found = [
        (_("My requests"), "/requests", here == "mine"),
        (_("Available to read"), "/reading", here == "reading"),
    ]
    if visit.may(Permission.REQUEST_DECIDE):
        found.append((_("Waiting for you"), "/requests?view=waiting", here == "waiting"))
    if visit.may(Permission.REQUEST_READ) or visit.may(Permission.REQUEST_DECIDE):
        found.append((_("About our files"), "/requests?view=about", here == "about"))
        found.append((_("Grants in force"), "/requests?view=grants", here == "grants"))
    return [*found, (_("Use register"), "/use", False)]


@router.get("/requests")
def index(visit: SignedVisit, view: str = "mine", before: int = 0) -> Response:
    """One's own requests; with ``view`` those to decide, those about files one holds, grants in force."""
    here = view if view in VIEWS else "mine"
    profile = visit.site.archive.profile
    given: list[views_reading.Reading] = []
    rows = []
    with visit.reading() as session:
        if here == "mine":
            rows = requests.mine(session, visit.person, before=before, limit=_PAGE + 1)
        elif here == "waiting":
            rows = requests.waiting_for(session, visit.person, profile, limit=_PAGE)
        elif here == "about":
            rows = requests.about(session, visit.person, profile, before=before, limit=_PAGE + 1)
        else:
            given = views_reading.given_by(session, visit)
        lines = views_requests.lines(session, visit, rows[:_PAGE])
    following = {"view": here if here != "mine" else "", "before": lines[-1].seq if lines else 0}
    return page(
        visit,
        "requests.html",
        room="use",
        tabs=tabs(visit, here),
        listed=here,
        lines=lines,
        given=given,
        may_ask=visit.may(Permission.REQUEST_FILE) and bool(views_requests.kinds(visit)),
        first="/requests" + query({"view": following["view"]}) if before else "",
        following="/requests" + query(following) if len(rows) > _PAGE else "",
    )


@router.get("/reading")
def reading(visit: SignedVisit) -> Response:
    """What the person may read now under grants, with its end."""
    with visit.reading() as session:
        held = views_reading.readable_now(session, visit)
    return page(visit, "reading.html", room="use", tabs=tabs(visit, "reading"), held=held)


@router.get("/requests/new")
def new(visit: SignedVisit, record: str = "", household_no: str = "", q: str = "", kind: str = "") -> Response:
    """The form, with what was asked for elsewhere filled in; ``kind``: as which kind of requester."""
    visit.require(Permission.REQUEST_FILE)
    return _form(visit, {"record_ids": record, "household_no": household_no, "q": q, "requester": kind})


def _form(visit: Visit, typed: Mapping[str, str], faults: Mapping[str, LantaiError] | None = None) -> Response:
    """The form with what was typed and everything that is wrong with it."""
    found = views_requests.kinds(visit)
    chosen = next((one for one in found if one.code == typed.get("requester")), found[0] if found else None)
    borrowing = visit.site.archive.profile.borrowing
    return page(
        visit,
        "request_new.html",
        room="use",
        status=422 if faults else 200,
        kinds=found,
        kind=chosen,
        needed=views_requests.needed(chosen) if chosen else [],
        purposes_known=[one for one in borrowing.purposes if _fits(one.code, chosen)],
        most=borrowing.max_files_per_grant,
        most_days=borrowing.max_days,
        typed={"days": str(borrowing.default_days.screen), **{name: value for name, value in typed.items() if value}},
        errors={name: one.sentence(visit.language) for name, one in (faults or {}).items()},
        once=typed.get("once") or secrets.token_urlsafe(16),
        same=query({name: typed.get(source, "") for name, source in _CARRIED.items()}),
    )


_CARRIED = {"record": "record_ids", "household_no": "household_no", "q": "q"}


def _fits(purpose: str, kind: Requester | None) -> bool:
    """Whether the form of this kind of requester offers the purpose."""
    return kind is None or not kind.purposes or purpose in kind.purposes


@router.post("/requests")
async def create(request: Request, visit: SignedVisit) -> Response:
    """File a request with its letter."""
    visit.require(Permission.REQUEST_FILE)
    form, token = FormStream(request), ""
    typed: dict[str, str] = {}
    name, data = "", bytearray()
    async for part in form.parts():
        if isinstance(part, Field):
            if part.name == CSRF_FIELD:
                token = part.value
            elif len(typed) < _MOST_FIELDS:
                typed[part.name] = part.value.strip()
            continue
        if not same_token(visit.csrf, token):
            raise BadToken
        name = part.filename or name
        async for chunk in part.chunks:
            if len(data) <= MOST_BYTES:
                data += chunk
    if not same_token(visit.csrf, token):
        raise BadToken
    return await run_in_threadpool(_created, visit, typed, name, bytes(data))


def _created(visit: Visit, typed: dict[str, str], name: str, data: bytes) -> Response:
    _ = i18n.translations(visit.language).gettext
    faults: dict[str, LantaiError] = {}
    letter: Letter | None = None
    if name:
        try:
            letter = requesting.letter_of(visit, name, data)
        except Invalid as error:
            faults["letter"] = error
    asking = _asking(typed, Wanted("search", words=typed.get("q", "")))
    try:
        asking = _asking(typed, requesting.wanted_of(*_named_in(typed)))
        faults = {**requesting.faults_of(visit, asking, with_letter=bool(name)), **faults}
    except Invalid as error:  # not one of the three: the other fields are looked at all the same
        faults = {**requesting.faults_of(visit, asking, with_letter=bool(name)), "q": error, **faults}
    if faults:
        return _form(visit, typed, faults)
    made = requesting.file(visit, asking, letter, typed.get("once", ""))
    return saying.after(visit, f"/requests/{made}", _("The request was filed. You will see every step here."))


def _named_in(typed: Mapping[str, str]) -> tuple[list[str], str, str]:
    return typed.get("record_ids", "").split(), typed.get("household_no", ""), typed.get("q", "")


def _asking(typed: Mapping[str, str], wanted: Wanted) -> Asking:
    days = typed.get("days", "")
    return Asking(
        requester=typed.get("requester", ""),
        wanted=wanted,
        purpose=typed.get("purpose", ""),
        purpose_text=typed.get("purpose_text", ""),
        form=typed.get("form", "screen"),
        numbers=typed.get("numbers", "masked"),
        days=_whole(days, -1) if days else 0,
        details=typed,
    )


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else otherwise


@router.get("/requests/{request_id}")
def show(visit: SignedVisit, request_id: str, words: str = "") -> Response:
    """One request; for who decides, with what it means. ``words``: search for the records that are meant."""
    return _page(visit, request_id, words=words)


def _page(
    visit: Visit,
    request_id: str,
    *,
    words: str = "",
    typed: Mapping[str, str] | None = None,
    error: LantaiError | None = None,
    at: str = "said",
) -> Response:
    with visit.writing() as session:  # others' looks at a request are entered
        shown = views_requests.shown(session, visit, request_id)
    hits: list[dict[str, Any]] = []
    if words and shown.may_name and visit.may(Permission.SEARCH):
        known = {one.id for one in shown.things}
        result = find(visit, Asked(words), limit=_MOST_FOUND)
        hits = [one for one in result.hits if one["kind"] == "record" and one["record_id"] not in known]
    borrowing = visit.site.archive.profile.borrowing
    return page(
        visit,
        "request.html",
        room="use",
        status=422 if error else 200,
        request=shown,
        reasons=[one for one in borrowing.refuse_reasons if one.formal or not shown.must_grant or not shown.things],
        words=words,
        hits=hits,
        may_search=visit.may(Permission.SEARCH),
        typed=dict(typed or {}),
        preticked=shown.wanted.kind != "household"
        or bool(shown.sighting),  # a household is chosen from, not given whole
        errors={at: error.sentence(visit.language)} if error else {},
        once=secrets.token_urlsafe(16),
        most_days=borrowing.max_days,
        tabs=tabs(visit, "mine" if shown.mine else "about"),
    )


@router.get("/requests/{request_id}/letter")
def letter(visit: SignedVisit, request_id: str) -> Response:
    """The letter's bytes, shown in place: a picture, or a PDF under a policy of its own."""
    with visit.writing() as session:
        found = views_requests.letter(session, visit, request_id)
    policy = PDF_POLICY if found.media_type == "application/pdf" else FILE_POLICY
    headers = {
        "Content-Disposition": disposition("inline", found.name),
        "Content-Security-Policy": policy,
        "X-Frame-Options": "SAMEORIGIN",
    }
    return Response(found.data, media_type=found.media_type, headers=headers)


@router.post("/requests/{request_id}/answer")
def answer(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Answer the approver's question."""
    _ = i18n.translations(visit.language).gettext
    try:
        requesting.answer(visit, request_id, form.text("said"), _version(form.text("row_version")))
    except Invalid as error:
        return _page(visit, request_id, typed=form.fields, error=error)
    return saying.after(visit, f"/requests/{request_id}", _("The answer was sent to who decides."))


@router.post("/requests/{request_id}/withdraw")
def withdraw(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Take an undecided request back."""
    _ = i18n.translations(visit.language).gettext
    requesting.withdraw(visit, request_id, _version(form.text("row_version")))
    return saying.after(visit, f"/requests/{request_id}", _("The request was withdrawn."))


@router.post("/requests/{request_id}/renew")
def renew(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Ask for the grant to last longer."""
    _ = i18n.translations(visit.language).gettext
    try:
        made = requesting.ask_longer(
            visit,
            request_id,
            days=_whole(form.text("days"), -1),
            said=form.text("said"),
            key=form.text("once"),
        )
    except RequestFaults as error:
        first, fault = next(iter(error.faults.items()))
        return _page(visit, request_id, typed=form.fields, error=fault, at="days" if first == "days" else "said")
    return saying.after(visit, f"/requests/{made}", _("You asked for longer; the approver decides."))


@router.post("/requests/{request_id}/give-back")
def give_back(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """End one's own grant before its time."""
    _ = i18n.translations(visit.language).gettext
    requesting.give_back(visit, request_id, _version(form.text("row_version")))
    return saying.after(visit, f"/requests/{request_id}", _("Given back; the grant has ended."))


@router.post("/requests/{request_id}/question")
def question(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Put a question to the asker."""
    _ = i18n.translations(visit.language).gettext
    try:
        requesting.ask_back(visit, request_id, form.text("question"), _version(form.text("row_version")))
    except Invalid as error:
        return _page(visit, request_id, typed=form.fields, error=error, at="question")
    return saying.after(visit, f"/requests/{request_id}", _("The question was sent to the asker."))


@router.post("/requests/{request_id}/named")
def named(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Say which records a request means."""
    catalogue = i18n.translations(visit.language)
    chosen = [one for kind, one in requesting.chosen_of(form.fields) if kind == "record"]
    added = requesting.name_records(visit, request_id, chosen)
    said = catalogue.ngettext("%(num)d record was put before the approver.", "%(num)d records were put before the approver.", added)  # fmt: skip
    return saying.after(visit, f"/requests/{request_id}", said % {"num": added})


@router.post("/requests/{request_id}/decide")
def decide(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Grant what is ticked, or refuse with a reason; the button pressed says which."""
    _ = i18n.translations(visit.language).gettext
    refuses = form.text("outcome") == "refuse"
    chosen = frozenset() if refuses else requesting.chosen_of(form.fields)
    decision = Decision(
        granted=chosen,
        reason=form.text("reason") if refuses else "",
        said=form.text("said"),
        form=form.text("form"),
        numbers=form.text("numbers"),
        days=_whole(form.text("days"), -1) if form.text("days") else 0,
        sighted=frozenset(name.removeprefix("sighted_") for name in form.fields if name.startswith("sighted_")),
    )
    if not refuses and not chosen:
        return _page(visit, request_id, typed=form.fields, error=_nothing_chosen(), at="things")
    try:
        requesting.decide(visit, request_id, decision, _version(form.text("row_version")))
    except Invalid as error:
        at = "said" if error.code == "request.reason_words" else "reason" if refuses else "things"
        at = "days" if error.code == "request.days_wider" else at
        return _page(visit, request_id, typed=form.fields, error=error, at=at)
    said = (
        _("The request was refused; the asker sees the reason.") if refuses else _("Granted; the asker may read now.")
    )
    return saying.after(visit, f"/requests/{request_id}", said)


def _nothing_chosen() -> Invalid:
    return Invalid(
        "request.nothing_chosen",
        zh="没有选择任何档案。请勾选准许提供的档案；如不同意，请选择理由后点“不予同意”。",
        en="Nothing is ticked. Tick what is granted, or choose a reason and refuse.",
    )


@router.post("/requests/{request_id}/revoke")
def revoke(visit: SignedVisit, request_id: str, form: Form) -> Response:
    """Take a grant back at once."""
    _ = i18n.translations(visit.language).gettext
    try:
        requesting.revoke(visit, request_id, form.text("said"))
    except Invalid as error:
        return _page(visit, request_id, typed=form.fields, error=error)
    return saying.after(visit, f"/requests/{request_id}", _("The grant was revoked; it works nowhere any more."))


def _version(text: str) -> int:
    """The version of the request that the page showed; a form without one never fits."""
    return _whole(text, -1)
