"""Today's read model: what waits for this person, by urgency, and what changed since she was here last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import account_lists, alarms, gate, masking, requests
from access.account_lists import AccountFilter
from access.masking import masked
from lantai import alarm_words, i18n, indexing
from lantai.web import display, labels, views_preservation, views_submissions
from lantai.web.visit import Visit
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import Account, Incident, LedgerEntry, Submission
from retention import holds
from retention.due import due_list

MOST = 100
"""Counted no further: beyond it a card says ``100+``."""

_CHANGES = 12
_LOOKED_THROUGH = 300
_ENTRIES = 2_000
_INDEX_LATE = 300


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do; ``kind`` is ``bad`` for damage and what came back, ``look`` for what runs out, else ``plain``."""

    count: int
    title: str
    hint: str
    href: str
    kind: str = "plain"

    @property
    def shown(self) -> str:
        """The count as it is written."""
        return display.number(self.count) if self.count < MOST else f"{MOST}+"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened since the visit before, as the timeline shows it."""

    at: datetime
    when: str
    what: str
    href: str = ""
    who: str = ""
    note: str = ""


def tasks(session: Session, visit: Visit) -> list[Task]:
    """What waits, the most urgent first; nothing that the person cannot act on."""
    found = [*_urgent(session, visit), *_decisions(session, visit), *_accounts(session, visit)]
    found += [*_ending(session, visit), *_due(session, visit)]
    return [one for one in found if one.count]


def first_door(visit: Visit) -> tuple[str, str, str]:
    """What to say when nothing waits, and the way to this person's daily work: words, address, name."""
    _ = i18n.translations(visit.language).gettext
    if visit.may(Permission.DEPOSIT):
        words = _("What waits for you would stand here: deposits to accept or to mend, requests to decide, damage, what falls due.")  # fmt: skip
        return words, "/deposit", _("Deposit documents")
    if visit.may(Permission.REQUEST_FILE):
        words = _("Answers to your requests and what you may read would stand here.")
        return words, "/requests/new", _("Ask for access")
    if visit.may(Permission.USE_REGISTER_EXPORT):
        return _("Alarms that somebody must look at would stand here."), "/use?all=1", _("Open the use register")
    if visit.may(Permission.GRANT_WRITE):
        words = _("Half passwords to hand over, accounts without a role and alarms would stand here.")
        return words, "/system/accounts", _("Accounts and roles")
    if visit.may(Permission.ACCOUNT_WRITE):
        return _("An index that is behind would stand here."), "/system/accounts", _("Accounts")
    return _("What waits for you to be done would stand here."), "", ""


def _urgent(session: Session, visit: Visit) -> Iterator[Task]:
    _ = i18n.translations(visit.language).gettext
    profile = visit.site.archive.profile
    if visit.may(Permission.FIXITY_READ):
        count = views_preservation.open_count(session)
        yield Task(count, _("Damage found"), _("Incidents that are not mended yet"), "/preservation#incidents", "bad")
    waiting = alarms.open_alarms(session, visit.person, profile)
    found_in = {one.area for one in waiting}
    href = (
        f"/alarms/{waiting[0].id}" if len(waiting) == 1 else "/alarms" + (f"?area={min(found_in)}" if waiting else "")
    )
    hint = ", ".join(alarm_words.title(visit.language, kind) for kind in sorted({one.kind for one in waiting}))
    yield Task(len(waiting), _("Look into an alarm"), hint, href, "bad")
    if visit.may(Permission.DEPOSIT):
        count = views_submissions.count(session, visit, "back", own=True)
        yield Task(count, _("Came back to you"), _("Deposits with something to mend"), "/submissions?state=back", "bad")
    asked = requests.questions_to(session, visit.person)
    href = f"/requests/{asked[0].id}" if len(asked) == 1 else "/requests"
    yield Task(len(asked), _("Answer a question"), _("Somebody asks about your request for access"), href, "bad")


def _decisions(session: Session, visit: Visit) -> Iterator[Task]:
    _ = i18n.translations(visit.language).gettext
    if visit.may(Permission.ACCEPT):
        count = views_submissions.count(session, visit, "waiting")
        href = "/submissions?state=waiting"
        yield Task(count, _("Accept or return"), _("Deposits that were examined and wait for you"), href)
    asked = requests.waiting_for(session, visit.person, visit.site.archive.profile, limit=MOST)
    href = f"/requests/{asked[0].id}" if len(asked) == 1 else "/requests?view=waiting"
    yield Task(len(asked), _("Decide about access"), _("Requests that wait for your decision"), href)
    if visit.may(Permission.SEARCH):
        asked = requests.unnamed(session, visit.person, visit.site.archive.profile, limit=MOST)
        href = f"/requests/{asked[0].id}" if len(asked) == 1 else "/requests?view=about"
        hint = _("Requests in words: nobody can decide before you name the records")
        yield Task(len(asked), _("Find what is asked for"), hint, href)


def _accounts(session: Session, visit: Visit) -> Iterator[Task]:
    """What the security administrator finishes: passwords in two halves, accounts without a role."""
    _ = i18n.translations(visit.language).gettext
    if not visit.may(Permission.GRANT_WRITE):
        return
    for state, title, hint in (
        ("waiting", _("Hand over a half password"), _("Accounts whose owner waits for your half")),
        ("roleless", _("Give a role"), _("Open accounts that may do nothing yet")),
    ):
        found = account_lists.accounts(
            session,
            visit.person,
            archive=visit.site.archive,
            permission=Permission.GRANT_WRITE,
            wanted=AccountFilter(state=state),
            limit=MOST,
        )
        href = f"/system/accounts/{found[0].account.username}" if len(found) == 1 else f"/system/accounts?state={state}"
        yield Task(len(found), title, hint, href)


def _ending(session: Session, visit: Visit) -> Iterator[Task]:
    _ = i18n.translations(visit.language).gettext
    archive = visit.site.archive
    since = last_visit(session, visit)
    if since is not None:
        answered = [
            one
            for one in requests.mine(session, visit.person, limit=50)
            if one.decided_at is not None and one.decided_at > since
        ]
        href = f"/requests/{answered[0].id}" if len(answered) == 1 else "/requests?view=mine"
        yield Task(len(answered), _("Your request was answered"), _("See what you may read and until when"), href)
    ending = requests.ending_soon(session, visit.person, archive)
    if ending:
        first = display.until(ending[0][1].ends_at, archive.zone)
        href = f"/requests/{ending[0][0].id}" if len(ending) == 1 else "/requests"
        hint = _("The first ends on %(when)s; renew it if you need longer") % {"when": first}
        yield Task(len(ending), _("Your access ends soon"), hint, href, "look")
    granted = sum(1 for one in visit.person.grants if not one.waiting)
    yield Task(granted, _("Read what was granted to you"), _("Grants in force"), "/reading")


def _due(session: Session, visit: Visit) -> Iterator[Task]:
    _ = i18n.translations(visit.language).gettext
    archive = visit.site.archive
    today = local_date(archive.clock.now(), archive.zone)
    if visit.may(Permission.RETENTION_READ):
        count = len(due_list(session, visit.person, before=today, profile=archive.profile, limit=MOST))
        hint = _("Records whose period has ended: they wait for appraisal, nothing is destroyed by itself")
        yield Task(count, _("Due for appraisal"), hint, f"/retention/due?until={today.isoformat()}")
    if visit.may(Permission.HOLD_READ):
        count = len(holds.to_review(session, visit.person, archive.profile, today))
        yield Task(
            count, _("Review a hold"), _("Holds whose day of review has come"), "/retention/holds?state=review", "look"
        )
    if visit.may(Permission.STATUS_READ) or visit.may(Permission.ACCOUNT_WRITE):
        late = indexing.report(session, visit.site)
        if late.oldest_seconds > _INDEX_LATE:
            hint = _("Changes that a search does not find yet")
            yield Task(late.pending, _("The index is behind"), hint, "/system", "look")


def last_visit(session: Session, visit: Visit) -> datetime | None:
    """When the visit before this one ended; nothing at the first one."""
    return session.scalar(select(Account.previous_visit_at).where(Account.id == visit.person.id))


def changes(session: Session, visit: Visit, since: datetime | None) -> list[Change]:
    """What others did since ``since`` (when the visit before ended) within what the person may see, newest first."""
    if since is None:
        return []
    found = [*_deposits(session, visit, since), *_cases(session, visit, since), *_incidents(session, visit, since)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:_CHANGES]


def _change(visit: Visit, at: datetime, what: str, href: str, note: str = "", who: str = "") -> Change:
    return Change(at, display.moment(at, visit.site.archive.zone), what, href, who, note)


def _deposits(session: Session, visit: Visit, since: datetime) -> Iterator[Change]:
    """Deposits that moved on, among the newest ones: a deposit is in the holdings within days."""
    if not (visit.may(Permission.DEPOSIT) or visit.may(Permission.ACCEPT)):
        return
    catalogue = i18n.translations(visit.language)
    newest = select(Submission.id).order_by(Submission.seq.desc()).limit(_LOOKED_THROUGH)
    wanted = (
        select(Submission)
        .where(Submission.id.in_(newest), Submission.updated_at > since, views_submissions.visible(visit))
        .order_by(Submission.seq.desc())
        .limit(_CHANGES)
    )
    for one in session.scalars(wanted):
        state = labels.label(catalogue, one.state, "submission")
        yield _change(visit, one.updated_at, masked(one.title), f"/submissions/{one.id}", note=state)


def _cases(session: Session, visit: Visit, since: datetime) -> Iterator[Change]:
    """Household files that others changed; each is told of once."""
    if not visit.may(Permission.CASE_READ):
        return
    catalogue, person = i18n.translations(visit.language), visit.person
    acts = ("case_file.revised", "description.revised", "case_file.described")
    newest_entries = (
        select(LedgerEntry.seq)
        .where(LedgerEntry.stream == "acts", LedgerEntry.at > since)
        .order_by(LedgerEntry.at.desc())
        .limit(_ENTRIES)
    )
    wanted = (
        select(LedgerEntry.at, LedgerEntry.act, LedgerEntry.case_file_id)
        .where(LedgerEntry.seq.in_(newest_entries))
        .where(LedgerEntry.actor_id != person.id, LedgerEntry.case_file_id.is_not(None), LedgerEntry.act.in_(acts))
        .order_by(LedgerEntry.at.desc())
        .limit(_LOOKED_THROUGH)
    )
    newest: dict[str, tuple[datetime, str]] = {}
    for at, act, case_file_id in session.execute(wanted).tuples():
        newest.setdefault(str(case_file_id), (at, act))
    ids = list(newest)[: 2 * _CHANGES]
    profile = visit.site.archive.profile
    seen = gate.cases_by_id(session, person, ids, profile).values()
    for case_file_id, title in masking.case_titles(session, person, seen, profile).items():
        at, act = newest[case_file_id]
        note = labels.label(catalogue, act, "act")
        yield _change(visit, at, title, f"/case-files/{case_file_id}", note=note)


def _incidents(session: Session, visit: Visit, since: datetime) -> Iterator[Change]:
    if not visit.may(Permission.FIXITY_READ):
        return
    _ = i18n.translations(visit.language).gettext
    for one in session.scalars(select(Incident).order_by(Incident.seq.desc()).limit(_CHANGES)):
        line, href = views_preservation.incident_line(visit, one), f"/preservation/incidents/{one.id}"
        if one.closed_at is not None and one.closed_at > since:
            yield _change(visit, one.closed_at, line.words, href, note=line.done)
        elif one.opened_at > since:
            yield _change(visit, one.opened_at, line.words, href, note=_("Not yet mended"))
