"""Words for codes: states, outcomes, acts, severities. Every word goes through the catalogue; codes never show alone."""

from __future__ import annotations

from dataclasses import dataclass
from gettext import NullTranslations
from typing import TYPE_CHECKING, Any

from lantai.i18n import N_
from lantai.web.job_words import JOBS
from lantai.web.people_words import PEOPLE
from lantai.web.replica_words import REPLICAS
from lantai.web.request_words import REQUESTS

if TYPE_CHECKING:
    from lantai.web.visit import Visit
    from metadata.profile import Profile

WORDS: dict[str, dict[str, str]] = {
    "submission": {
        "receiving": N_("Receiving"),
        "received": N_("Received"),
        "examining": N_("Examining"),
        "waiting": N_("Waiting for a decision"),
        "accepted": N_("Accepted"),
        "storing": N_("Storing"),
        "done": N_("In the holdings"),
        "rejected": N_("To be mended"),
        "returned": N_("Returned"),
        "withdrawn": N_("Withdrawn"),
        "failed": N_("Failed"),
    },
    "step": {
        "receive": N_("Receive"),
        "examine": N_("Examine"),
        "accept": N_("Accept"),
        "package": N_("Package"),
        "store": N_("Store"),
        "accession": N_("Register"),
    },
    "severity": {
        "error": N_("Must be mended"),
        "warning": N_("Look at"),
        "notice": N_("For information"),
    },
    "outcome": {
        "intact": N_("Intact"),
        "damaged": N_("Damaged"),
        "missing": N_("Missing"),
        "unreadable": N_("Unreadable"),
        "unexpected": N_("Unexpected"),
        "stale": N_("Not re-read in time"),
        "not_checked": N_("Not yet re-read"),
        "pending": N_("Being written"),
    },
    "check_result": {
        "pass": N_("Passed"),
        "warn": N_("Look at it"),
        "fail": N_("Did not pass"),
        "not_applicable": N_("Does not apply"),
        "not_checked": N_("Not checked"),
        "manual": N_("By a person"),
    },
    "incident": {
        "open": N_("Not yet mended"),
        "repaired": N_("Repaired"),
        "closed": N_("Closed"),
    },
    "retention": {
        "due": N_("Ends on a fixed day"),
        "waiting": N_("Waiting for an event"),
        "permanent": N_("Permanent"),
    },
    "access_level": {
        "open": N_("Open"),
        "internal": N_("Internal"),
        "restricted": N_("Restricted"),
    },
    "text_state": {
        "pending": N_("Text is being read"),
        "done": N_("Text is searchable"),
        "none": N_("Holds no text"),
        "failed": N_("Text could not be read"),
        "not_applicable": N_("No text expected"),
    },
    "channel": {
        "web": N_("Browser"),
        "api": N_("Program"),
        "console": N_("Console"),
        "cli": N_("Console"),
        "watched": N_("Watched folder"),
        "sample": N_("Sample"),
        "report": N_("Filed report"),
    },
    "purpose": {
        "casework": N_("Casework"),
        "arrangement": N_("Arrangement"),
        "verification": N_("Verification"),
        "inspection": N_("Inspection"),
        "reply": N_("Reply to an enquiry"),
        "console": N_("Console"),
        "export.slowed": N_("Taken out too much today"),
    },
    "form": {
        "screen": N_("on screen"),
        "print": N_("print"),
        "download": N_("download"),
        "export": N_("export"),
        "api": N_("by program"),
        "report": N_("report"),
    },
    "stream": {
        "acts": N_("Acts: what changed"),
        "use": N_("Looks: the use register"),
    },
    "act": {
        "job.stopped": N_("Job stopped"),
        "job.resumed": N_("Job resumed"),
        "job.retried": N_("Job tried again"),
        "folder.taken": N_("Another shared folder taken"),
        "submission.opened": N_("Deposit opened"),
        "submission.returned": N_("Deposit returned"),
        "submission.accepted": N_("Deposit accepted"),
        "submission.withdrawn": N_("Deposit withdrawn"),
        "submission.failed": N_("Deposit failed"),
        "record.accessioned": N_("Taken into the holdings"),
        "records.accessioned": N_("Taken into the holdings, many at once"),
        "description.revised": N_("Description changed"),
        "case_file.revised": N_("Case file changed"),
        "entity.revised": N_("State kept"),
        "request.submitted": N_("Request filed"),
        "request.named": N_("Records of a request named"),
        "request.questioned": N_("Question on a request"),
        "request.answered": N_("Question answered"),
        "request.decided": N_("Request decided"),
        "request.reminded": N_("Reminded of the end of a grant"),
        "request.withdrawn": N_("Request withdrawn"),
        "request.closed": N_("Request closed"),
        "request.revoked": N_("Grant of a request revoked"),
        "hold.placed": N_("Put on hold"),
        "hold.reviewed": N_("Hold looked at again"),
        "hold.lifted": N_("Hold lifted"),
        "grant.made": N_("Grant made"),
        "grant.renewed": N_("Grant renewed"),
        "grant.revoked": N_("Grant revoked"),
        "grant.ended": N_("Grant ended"),
        "account.created": N_("Account opened"),
        "account.password_reset": N_("Password reset"),
        "account.closed": N_("Account closed"),
        "account.changed": N_("Account changed"),
        "account.reopened": N_("Account open again"),
        "account.password_handed": N_("Second half of a password handed over"),
        "session.in": N_("Signed in"),
        "session.out": N_("Signed out"),
        "session.ended": N_("Session ended"),
        "session.refused": N_("Sign-in refused"),
        "token.created": N_("Access token created"),
        "token.revoked": N_("Access token revoked"),
        "role.granted": N_("Role granted"),
        "role.revoked": N_("Role ended"),
        "organ.created": N_("Organ entered"),
        "organ.renamed": N_("Organ renamed"),
        "organ.moved": N_("Organ moved"),
        "organ.closed": N_("Organ closed"),
        "organ.reopened": N_("Organ in use again"),
        "fixity.run_finished": N_("Audit finished"),
        "incident.opened": N_("Damage found"),
        "incident.repaired": N_("Damage repaired"),
        "profile.adopted": N_("Profile adopted"),
        "replica.added": N_("Replica added"),
        "replica.filled": N_("Replica filled and in use"),
        "replica.retired": N_("Replica taken out of use"),
        "replica.compared": N_("Replicas compared"),
        "key.created": N_("Key made"),
        "checkpoint.made": N_("Inventory signed"),
        "rebuild.finished": N_("Catalogue rebuilt"),
        "backup.begun": N_("Backup begun"),
        "backup.failed": N_("Backup failed"),
        "backup.restored": N_("Catalogue restored from a backup"),
        "index.rebuilt": N_("Index rebuilt"),
        "record.viewed": N_("Record looked at"),
        "file.viewed": N_("File looked at"),
        "file.downloaded": N_("File downloaded"),
        "record.exported": N_("Record exported"),
        "search.performed": N_("Search made"),
        "case.viewed": N_("Case file looked at"),
        "access.refused": N_("Refused"),
        "page.viewed": N_("Page looked at"),
        "page.printed": N_("Printed"),
        "numbers.unmasked": N_("Numbers shown in clear"),
        "list.exported": N_("List taken out"),
        "register.viewed": N_("Use register looked at"),
        "register.exported": N_("Use register taken out"),
        "request.viewed": N_("Request looked at"),
        "alarm.raised": N_("Alarm raised"),
        "alarm.taken": N_("Alarm taken in hand"),
        "alarm.noted": N_("Alarm: remark added"),
        "alarm.over": N_("Alarm: over by itself"),
        "alarm.again": N_("Alarm: found again"),
        "alarm.closed": N_("Alarm closed"),
    },
    "alarm_state": {
        "open": N_("Waits for somebody"),
        "handling": N_("Being dealt with"),
        "closed": N_("Closed"),
    },
    "alarm_step": {
        "raised": N_("Raised"),
        "taken": N_("Taken in hand"),
        "noted": N_("Remark"),
        "over": N_("Over by itself"),
        "again": N_("Found again"),
        "closed": N_("Closed"),
    },
    "request_detail": {
        "legal_basis": N_("Legal basis"),
        "case_reference": N_("Case reference"),
        "officer_1": N_("First officer and work card"),
        "officer_2": N_("Second officer and work card"),
        "identity": N_("Identity and assistance papers"),
        "mandate": N_("Mandate"),
        "plan_number": N_("Number of the inspection plan"),
        "sighted": N_("Sighted by the approver"),
    },
    "request_bar": {
        "level": N_("Cannot be granted: its access level or a mark is above the asker's role."),
        "redacted": N_("Cannot be granted: this kind of paper is kept from households."),
        "others": N_("Cannot be granted: it tells of other households too."),
        "gone": N_("Cannot be granted: it is no longer in the holdings."),
    },
    "sighted": {
        "id_card_sighted": N_("ID card sighted"),
        "dibao_papers_sighted": N_("Assistance papers sighted"),
        "face_compare": N_("Face compared with the ID card"),
    },
    **PEOPLE,
    **JOBS,
    **REPLICAS,
    **REQUESTS,
    "object_kind": {
        "bag": N_("Record"),
        "description": N_("Description"),
        "case_file": N_("Case file"),
        "entity": N_("State of an entity"),
        "profile": N_("Profile"),
        "block": N_("Ledger block"),
        "checkpoint": N_("Checkpoint"),
        "tombstone": N_("Tombstone"),
        "marker": N_("Marker of the holding"),
        "document": N_("Format description"),
        "evidence": N_("Evidence"),
    },
}

SHAPES = {
    "ok": {"intact", "done", "repaired", "approved", "whole"},
    "bad": {
        "damaged",
        "missing",
        "unreadable",
        "failed",
        "rejected",
        "returned",
        "error",
        "fail",
        "open_incident",
        "refused",
        "revoked",
    },
    "look": {
        "questioned",
        "part",
        "unexpected",
        "stale",
        "warn",
        "warning",
        "waiting",
        "open",
        "due",
    },
    "run": {
        "submitted",
        "receiving",
        "received",
        "examining",
        "accepted",
        "storing",
        "pending",
    },
}


def label(catalogue: NullTranslations, code: str | None, kind: str) -> str:
    """The word for ``code`` among words of ``kind``; a code that has none yet is shown as it is."""
    if not code:
        return "–"
    message = WORDS[kind].get(str(code))
    return str(code) if message is None else catalogue.gettext(message)


def purpose(catalogue: NullTranslations, profile: Profile, language: str, code: str) -> str:
    """Why somebody looked: in the profile's words, those of earlier versions of the program, or her own."""
    known = next((one for one in profile.borrowing.purposes if one.code == code), None)
    return term(language, known) if known is not None else label(catalogue, code, "purpose")


def actor(catalogue: NullTranslations, actor_id: str, name: str) -> str:
    """Who acted: a person by name, the console by its user, the program by its own."""
    if name and name != actor_id:
        return name
    if actor_id.startswith("console:"):
        return catalogue.gettext("Console (%s)") % actor_id[8:]
    return catalogue.gettext("Lantai") if actor_id.startswith("system") or not actor_id else actor_id


def shape(code: str | None) -> str:
    """Which shape goes with a state: ``ok``, ``bad``, ``look``, ``run`` or ``plain``; never colour alone."""
    return next((name for name, codes in SHAPES.items() if code in codes), "plain")


def term(language: str, thing: Any) -> str:
    """The name of something that carries ``zh`` and ``en`` (document type, programme, role, organ)."""
    if thing is None:
        return "–"
    for zh, en in (("zh", "en"), ("name_zh", "name_en")):
        first, second = (zh, en) if language == "zh" else (en, zh)
        found = getattr(thing, first, None) or getattr(thing, second, None)
        if found:
            return str(found)
    return str(thing)


@dataclass(frozen=True)
class Room:
    """A room of the navigation; a person sees those that a permission opens."""

    code: str
    path: str
    name: str
    permissions: tuple[str, ...]


ROOMS = (
    Room("today", "/", N_("Today"), ()),
    Room("deposit", "/deposit", N_("Deposit"), ("deposit", "accept")),
    Room("holdings", "/holdings", N_("Holdings"), ("record.list", "case.read")),
    Room("search", "/search", N_("Search"), ("search",)),
    Room("use", "/use", N_("Use"), ()),
    Room("preservation", "/preservation", N_("Preservation"), ("fixity.read",)),
    Room("retention", "/retention", N_("Retention"), ("retention.read",)),
    Room("system", "/system", N_("System"), ("account.write", "grant.write", "ledger.read", "status.read")),
)


def rooms(visit: Visit) -> list[Room]:
    """The rooms open to whoever is signed in; nothing before sign-in."""
    if visit.actor is None:
        return []
    return [room for room in ROOMS if not room.permissions or any(visit.may(one) for one in room.permissions)]
