"""What every route asks of whoever comes: the rights it needs, and the thing it speaks of.

A rule names rights, never roles: who gets through follows from the roles of the profile (``expected``). A route without
a rule fails ``test_routes.py``; so does a rule without a route.

Situations say where a record lies as seen from the organ of the person, and whether a grant names it:

    own, below, above, other          no grant; the record lies in the organ's own division, below, above, elsewhere
    granted, expired, withdrawn       it lies elsewhere, and a grant in force, ended or revoked names it

Kinds of record: plain (internal), restricted, marked (names an informant). A cell is left out where it makes no sense:
what lies below a village, or around an organ that stands in no division; kinds of what is no record, or is out of reach
whatever its kind; where a thing lies for a route that speaks of no record or case file (there a grant still counts, for
what may be done at all), and an ended grant there for a role that no grant gives anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metadata.profile import Profile, Role
from metadata.rights import Permission

P = Permission

SITUATIONS = ("own", "below", "above", "other", "granted", "expired", "withdrawn")
KINDS = ("plain", "restricted", "marked")
MARK = "informant"
NOBODY = ""
_SLOWED = 429  # whoever takes out very much waits; she has passed the gate

RECORD, CASE = "record", "case"


@dataclass(frozen=True)
class Rule:
    """``all_of`` and ``any_of``: rights needed, on the ``thing`` or, without one, at all; neither: whoever is signed in.

    ``of_holder``: rights needed at all besides. ``ok``: what is answered who gets through. ``public``: nobody needs to
    sign in. ``names``: ids of what one may not see stand in the answer by right (the use register, incidents).
    ``refused``: further answers to who may not, of a form that is read before anybody is asked who she is.
    """

    all_of: tuple[P, ...] = ()
    any_of: tuple[P, ...] = ()
    thing: str = ""
    of_holder: tuple[P, ...] = ()
    ok: tuple[int, ...] = (200,)
    public: bool = False
    names: bool = False
    refused: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One person in one situation before one kind of thing; ``prefix``: the divisions of her organ."""

    role: str
    situation: str
    kind: str


def cells(rule: Rule, profile: Profile, prefixes: dict[str, str]) -> Iterator[Cell]:
    """Every cell of a route that makes sense."""
    yield Cell(NOBODY, "own", "plain")
    for role in profile.roles:
        prefix = prefixes[role]
        for situation in SITUATIONS:
            if situation in {"own", "below", "above"} and rule.thing and not prefix:
                continue
            if situation == "below" and len(prefix) == 12:
                continue
            if situation in {"below", "above", "other"} and not rule.thing:
                continue
            if situation in {"expired", "withdrawn"} and not rule.thing and not profile.roles[role].on_grant:
                continue
            for kind in KINDS if rule.thing == RECORD and situation in {"own", "granted"} else KINDS[:1]:
                yield Cell(role, situation, kind)


def holds(role: Role, permission: P, situation: str) -> bool:
    """Whether the matrix permits it at all."""
    return permission in role.permissions or (permission in role.on_grant and situation == "granted")


def reaches(role: Role, permission: P, rule: Rule, cell: Cell) -> bool:
    """Whether the matrix permits it on the thing."""
    standing = permission in role.permissions and cell.situation in {"own", "below"}
    if not standing and not (permission in role.on_grant and cell.situation == "granted"):
        return False
    if rule.thing != RECORD:
        return True
    cleared = cell.kind != "restricted" or "restricted" in role.access_levels
    return cleared and (cell.kind != "marked" or MARK in role.marks)


def opens(rule: Rule, profile: Profile, cell: Cell) -> bool:
    """Whether a person who is signed in gets through."""
    role = profile.roles[cell.role]
    if rule.thing:
        on_thing = [reaches(role, one, rule, cell) for one in rule.all_of]
        at_all = [holds(role, one, cell.situation) for one in rule.of_holder]
        return all((*on_thing, *at_all))
    may_all = all(holds(role, one, cell.situation) for one in rule.all_of)
    return may_all and (not rule.any_of or any(holds(role, one, cell.situation) for one in rule.any_of))


def expected(method: str, path: str, rule: Rule, profile: Profile, cell: Cell) -> set[int]:
    """The answers that are right.

    Where a thing is asked for, 403 may stand for 404 only if it tells nothing: to who lacks the right altogether, and to
    who sees the thing and may do no more with it.
    """
    if rule.public:
        return set(rule.ok)
    if cell.role == NOBODY:
        return {401, 303} if method == "GET" else {401, 303, 400, 403, 412, 422}
    if opens(rule, profile, cell):
        return {*rule.ok, _SLOWED}
    if not rule.thing:
        return {403, *rule.refused}
    role = profile.roles[cell.role]
    lacks = not all(holds(role, one, cell.situation) for one in (*rule.all_of, *rule.of_holder))
    sees = reaches(role, P.CASE_READ if rule.thing == CASE else P.RECORD_READ, rule, cell)
    return {403, 404, *rule.refused} if lacks or sees else {404, *rule.refused}


def _all(*needed: P, ok: int | tuple[int, ...] = 200, names: bool = False) -> Rule:
    return Rule(all_of=needed, ok=(ok,) if isinstance(ok, int) else ok, names=names)


def _any(*needed: P, ok: int | tuple[int, ...] = 200, names: bool = False) -> Rule:
    return Rule(any_of=needed, ok=(ok,) if isinstance(ok, int) else ok, names=names)


def _record(*needed: P, ok: int | tuple[int, ...] = 200, of_holder: tuple[P, ...] = ()) -> Rule:
    return Rule(needed, thing=RECORD, of_holder=of_holder, ok=(ok,) if isinstance(ok, int) else ok)


def _case(*needed: P, ok: int | tuple[int, ...] = 200, of_holder: tuple[P, ...] = ()) -> Rule:
    return Rule((P.CASE_READ, *needed), thing=CASE, of_holder=of_holder, ok=(ok,) if isinstance(ok, int) else ok)


PUBLIC = Rule(public=True)
EVERYBODY = Rule()
DEPOSITS = _all(P.DEPOSIT)
OWN_DEPOSIT = _any(P.DEPOSIT, P.ACCEPT, ok=404)  # the tests name a deposit that is not there
READS = _record(P.RECORD_READ)
TAKES = _record(P.RECORD_READ, P.RECORD_DOWNLOAD)
LISTS = _all(P.RECORD_LIST)
SEES = _case()
FIXITY = _all(P.FIXITY_READ)
REGISTER = _any(P.USE_REGISTER_OWN, P.USE_REGISTER_READ, names=True)

RULES: dict[str, Rule] = {
    # signing in, one's own things
    "GET /": EVERYBODY,
    "GET /help": EVERYBODY,
    "GET /help/{code}": Rule(ok=(404,)),
    "GET /sign-in": Rule(public=True, ok=(200, 303)),
    "POST /sign-in": Rule(public=True, ok=(400, 403, 422)),
    "POST /sign-out": EVERYBODY,
    "GET /password": EVERYBODY,
    "POST /password": EVERYBODY,
    "POST /preferences": EVERYBODY,
    "GET /tokens": EVERYBODY,
    "POST /tokens": EVERYBODY,
    "POST /tokens/{token_id}/revoke": EVERYBODY,
    "POST /api/v1/session": Rule(public=True, ok=(400, 403, 422)),
    "GET /api/v1/session": EVERYBODY,
    "DELETE /api/v1/session": Rule(public=True, ok=(204,)),
    "GET /api/v1/tokens": EVERYBODY,
    "POST /api/v1/tokens": EVERYBODY,
    "DELETE /api/v1/tokens/{token_id}": EVERYBODY,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /api/v1/openapi.json": PUBLIC,
    # deposits
    "GET /deposit": DEPOSITS,
    "POST /deposit": Rule((P.DEPOSIT,), refused=(400,)),
    "GET /deposit/list": DEPOSITS,
    "POST /deposit/list": DEPOSITS,
    "GET /deposit/list/template.xlsx": DEPOSITS,
    "GET /submissions": _any(P.DEPOSIT, P.ACCEPT),
    "GET /submissions/{submission_id}": OWN_DEPOSIT,
    "GET /submissions/{submission_id}/progress": OWN_DEPOSIT,
    "GET /submissions/{submission_id}/describe": Rule(ok=(404,)),
    "POST /submissions/{submission_id}/describe": Rule(ok=(404,)),
    "GET /submissions/{submission_id}/report": OWN_DEPOSIT,
    "GET /submissions/{submission_id}/report.json": OWN_DEPOSIT,
    "GET /submissions/{submission_id}/report.pdf": OWN_DEPOSIT,
    "POST /submissions/{submission_id}/report": _all(P.ACCEPT, ok=404),
    "POST /submissions/{submission_id}/accept": _all(P.ACCEPT, ok=404),
    "POST /submissions/{submission_id}/return": _all(P.ACCEPT, ok=404),
    "POST /submissions/{submission_id}/withdraw": Rule(ok=(404,)),
    "POST /submissions/{submission_id}/resume": _all(P.ACCEPT, ok=404),
    "GET /api/v1/submissions": EVERYBODY,  # one's own; empty for who deposits nothing
    "POST /api/v1/submissions": DEPOSITS,
    "POST /api/v1/deposit-lists/check": Rule((P.DEPOSIT,), refused=(422,)),
    "GET /api/v1/submissions/{submission_id}": Rule(ok=(404,)),
    "GET /api/v1/submissions/{submission_id}/findings": Rule(ok=(404,)),
    "GET /api/v1/submissions/{submission_id}/receipt": Rule(ok=(404,)),
    "GET /api/v1/submissions/{submission_id}/records": Rule(ok=(404,)),
    "GET /api/v1/submissions/{submission_id}/report": OWN_DEPOSIT,
    "POST /api/v1/submissions/{submission_id}/accept": _all(P.ACCEPT, ok=404),
    "POST /api/v1/submissions/{submission_id}/return": _all(P.ACCEPT, ok=404),
    "POST /api/v1/submissions/{submission_id}/resume": _all(P.ACCEPT, ok=404),
    "POST /api/v1/submissions/{submission_id}/withdraw": Rule(ok=(404,)),
    "POST /api/v1/submissions/{submission_id}/complete": Rule(ok=(404,)),
    "PUT /api/v1/submissions/{submission_id}/files": Rule(ok=(404,)),
    "PUT /api/v1/submissions/{submission_id}/records": Rule(ok=(404,)),
    "POST /api/v1/submissions/{submission_id}/uploads": Rule(ok=(404,)),
    "POST /api/v1/submissions/{submission_id}/uploads/{upload_id}": Rule(ok=(404,)),
    "PATCH /api/v1/submissions/{submission_id}/uploads/{upload_id}": Rule(ok=(404,)),
    "DELETE /api/v1/submissions/{submission_id}/uploads/{upload_id}": Rule(ok=(404,)),
    # holdings
    "GET /holdings": _any(P.CASE_READ, P.RECORD_LIST, ok=(200, 303)),
    "GET /holdings/tree": _all(P.CASE_READ),
    "GET /holdings.csv": _all(P.CASE_READ),
    "GET /holdings.xlsx": _all(P.CASE_READ),
    "GET /holdings/tray": LISTS,
    "GET /holdings/records": LISTS,
    "GET /holdings/records.csv": LISTS,
    "GET /holdings/records.xlsx": LISTS,
    "POST /holdings/columns": EVERYBODY,
    "POST /holdings/records/describe": Rule((P.DESCRIBE,), thing=RECORD, refused=(303,)),
    "POST /holdings/records/file": Rule((P.DESCRIBE,), thing=RECORD, refused=(303,)),
    "POST /holdings/records/undo": Rule((P.DESCRIBE,), refused=(303,)),
    "POST /holdings/records/export": LISTS,
    "GET /case-files/{case_file_id}": SEES,
    "GET /case-files/{case_file_id}/tray": _case(P.DESCRIBE),
    "GET /case-files/{case_file_id}/numbers": _case(P.UNMASK),
    "POST /case-files/{case_file_id}/numbers": _case(P.UNMASK),
    "POST /case-files/{case_file_id}/arrange": _case(P.DESCRIBE),
    "POST /case-files/{case_file_id}/file": _case(P.DESCRIBE),
    "POST /case-files/{case_file_id}/take-out": _case(P.DESCRIBE),
    "GET /households/{household_no}": _case(ok=303),
    "GET /households/{household_no}/report": SEES,
    "GET /households/{household_no}/report.json": SEES,
    "GET /households/{household_no}/report.pdf": SEES,
    "POST /households/{household_no}/report": _case(of_holder=(P.ACCEPT,)),
    "GET /api/v1/case-files": _all(P.CASE_READ),
    "GET /api/v1/case-files/{number}": SEES,
    "GET /api/v1/households/{household_no}/report": SEES,
    # records and files
    "GET /records/{record_id}": READS,
    "GET /records/{record_id}/report": READS,
    "GET /records/{record_id}/report.json": READS,
    "GET /records/{record_id}/report.pdf": READS,
    "POST /records/{record_id}/report": _record(P.RECORD_READ, of_holder=(P.ACCEPT,)),
    "GET /records/{record_id}/versions/{number}/package": _record(
        P.RECORD_DOWNLOAD, P.PACKAGE_READ, P.UNMASK, of_holder=(P.PACKAGE_READ,)
    ),
    "GET /records/{record_id}/describe": _record(P.DESCRIBE),
    "POST /records/{record_id}/describe": _record(P.DESCRIBE),
    "GET /records/{record_id}/revisions": READS,
    "POST /records/{record_id}/revisions/{number}/restore": _record(P.DESCRIBE),
    "GET /records/{record_id}/still": READS,
    "GET /records/{record_id}/watermark.svg": READS,
    "GET /records/{record_id}/numbers": _record(P.UNMASK),
    "POST /records/{record_id}/numbers": _record(P.UNMASK),
    "GET /files/{file_id}": _record(P.RECORD_READ, ok=303),
    "GET /files/{file_id}/content": _record(P.RECORD_READ, P.UNMASK, ok=422),
    "GET /files/{file_id}/find": READS,
    "GET /files/{file_id}/print": READS,
    "GET /files/{file_id}/pages/{leaf}.webp": _record(P.RECORD_READ, P.UNMASK, ok=404),
    "GET /files/{file_id}/download": _record(P.RECORD_READ, P.RECORD_DOWNLOAD, P.UNMASK),
    "GET /api/v1/records": LISTS,
    "GET /api/v1/records/{record_id}": READS,
    "GET /api/v1/records/{record_id}/files": READS,
    "GET /api/v1/records/{record_id}/report": READS,
    "GET /api/v1/records/{record_id}/timeline": READS,
    "GET /api/v1/files/{file_id}/content": _record(P.RECORD_READ, P.RECORD_DOWNLOAD, P.UNMASK),
    "GET /api/v1/files/{file_id}/text": READS,
    # search
    "GET /search": _all(P.SEARCH),
    "GET /search.csv": _all(P.SEARCH),
    "GET /search.xlsx": _all(P.SEARCH),
    "GET /api/v1/search": _all(P.SEARCH),
    "GET /api/v1/search/export": _all(P.SEARCH),
    # the use register
    "GET /use": Rule(names=True),
    "GET /use.csv": _all(P.USE_REGISTER_EXPORT, names=True),
    "GET /use.xlsx": _all(P.USE_REGISTER_EXPORT, names=True),
    "GET /use/print": _all(P.USE_REGISTER_EXPORT, names=True),
    "POST /use/printed": Rule(names=True, ok=(404,)),
    "GET /use/alarms": _all(P.ALARM_READ, names=True),
    "POST /use/alarms/{alarm_id}/close": _all(P.ALARM_READ, ok=404),
    "GET /api/v1/use-register": REGISTER,
    "GET /api/v1/use-register/export": _all(P.USE_REGISTER_EXPORT, names=True),
    "GET /api/v1/alarms": _all(P.ALARM_READ, names=True),
    "POST /api/v1/alarms/{alarm_id}/close": _all(P.ALARM_READ, ok=(404, 422)),
    # requests and grants: nobody knows of a request that is not there
    "GET /requests": Rule(),
    "POST /requests": _all(P.REQUEST_FILE, ok=400),
    "GET /requests/new": _all(P.REQUEST_FILE),
    "GET /reading": Rule(),
    **{
        route: Rule(ok=(404,))
        for route in (
            "GET /requests/{request_id}",
            "GET /requests/{request_id}/letter",
            "POST /requests/{request_id}/answer",
            "POST /requests/{request_id}/withdraw",
            "POST /requests/{request_id}/renew",
            "POST /requests/{request_id}/give-back",
            "POST /requests/{request_id}/question",
            "POST /requests/{request_id}/named",
            "POST /requests/{request_id}/revoke",
            "GET /api/v1/requests/{request_id}",
            "GET /api/v1/requests/{request_id}/letter",
            "POST /api/v1/requests/{request_id}/answer",
            "POST /api/v1/requests/{request_id}/withdrawal",
            "POST /api/v1/requests/{request_id}/renewal",
            "POST /api/v1/requests/{request_id}/question",
            "POST /api/v1/requests/{request_id}/records",
            "POST /api/v1/requests/{request_id}/decision",
            "POST /api/v1/grants/{request_id}/return",
            "POST /api/v1/grants/{request_id}/revocation",
        )
    },
    "POST /requests/{request_id}/decide": Rule(ok=(404, 422)),
    "GET /api/v1/requests": Rule(),
    "POST /api/v1/requests": _all(P.REQUEST_FILE, ok=(201, 422)),
    "GET /api/v1/grants": Rule(),
    # preservation, retention
    "GET /preservation": FIXITY,
    "GET /preservation/incidents/{incident_id}": _all(P.FIXITY_READ, ok=404),
    "POST /preservation/audit": _all(P.FIXITY_RUN),
    "POST /preservation/repair": _all(P.REPAIR),
    "GET /api/v1/preservation": FIXITY,
    "GET /api/v1/preservation/incidents": FIXITY,
    "POST /api/v1/preservation/audit": _all(P.FIXITY_RUN),
    "POST /api/v1/preservation/repair": _all(P.REPAIR),
    "GET /retention": _all(P.RETENTION_READ),
    "GET /retention/due": _all(P.RETENTION_READ),
    "GET /retention/due.csv": _all(P.RETENTION_READ),
    "GET /retention/due.xlsx": _all(P.RETENTION_READ),
    "GET /retention/cases/{case_file_id}": SEES,
    "POST /retention/cases/{case_file_id}/events": _case(P.DESCRIBE),
    "POST /retention/cases/{case_file_id}/events/withdraw": _case(P.DESCRIBE),
    "GET /retention/holds": _all(P.HOLD_READ),
    "GET /retention/holds/new": _all(P.HOLD_PLACE),
    "POST /retention/holds": _all(P.HOLD_PLACE),
    "GET /retention/holds/{hold_id}": _all(P.HOLD_READ, ok=404),
    "POST /retention/holds/{hold_id}/review": _all(P.HOLD_PLACE),
    "POST /retention/holds/{hold_id}/lift": _all(P.HOLD_LIFT),
    "GET /api/v1/retention/due": _all(P.RETENTION_READ),
    "GET /api/v1/retention/due/export": _all(P.RETENTION_READ),
    "GET /api/v1/retention/totals": _all(P.RETENTION_READ),
    "GET /api/v1/retention/cases/{number}/events": SEES,
    "POST /api/v1/retention/cases/{number}/events": _case(P.DESCRIBE),
    "POST /api/v1/retention/cases/{number}/events/withdraw": _case(P.DESCRIBE),
    "GET /api/v1/holds": _all(P.HOLD_READ),
    "POST /api/v1/holds": _all(P.HOLD_PLACE),
    "GET /api/v1/holds/{hold_id}": _all(P.HOLD_READ, ok=404),
    "POST /api/v1/holds/{hold_id}/review": _all(P.HOLD_PLACE),
    "POST /api/v1/holds/{hold_id}/lift": _all(P.HOLD_LIFT),
    "GET /api/v1/retention/rules": _all(P.RETENTION_READ),
    "GET /api/v1/retention/records/{record_id}": READS,
    # the system
    "GET /system": _any(P.STATUS_READ, P.ACCOUNT_WRITE, P.GRANT_WRITE, P.LEDGER_READ),
    "POST /system/index/rebuild": _any(P.ACCOUNT_WRITE, P.FIXITY_RUN),
    "GET /system/log": _all(P.LEDGER_READ, names=True),
    "GET /system/profile": _any(P.STATUS_READ, P.ACCOUNT_WRITE, P.GRANT_WRITE, P.LEDGER_READ),
    "GET /api/v1/log": _all(P.LEDGER_READ, names=True),
    "GET /api/v1/profile": _any(P.STATUS_READ, P.ACCOUNT_WRITE, P.GRANT_WRITE, P.LEDGER_READ),
    # people: the system administrator's part
    "GET /system/organs": _all(P.ACCOUNT_WRITE),
    "POST /system/organs": _all(P.ACCOUNT_WRITE),
    "GET /system/organs/{code}": _all(P.ACCOUNT_WRITE, ok=404),
    "POST /system/organs/{code}/change": _all(P.ACCOUNT_WRITE),
    "POST /system/organs/{code}/close": _all(P.ACCOUNT_WRITE),
    "POST /system/organs/{code}/reopen": _all(P.ACCOUNT_WRITE),
    "POST /system/accounts": _all(P.ACCOUNT_WRITE),
    "POST /system/accounts/{account_id}/change": _all(P.ACCOUNT_WRITE),
    "POST /system/accounts/{account_id}/close": _all(P.ACCOUNT_WRITE),
    "POST /system/accounts/{account_id}/reopen": _all(P.ACCOUNT_WRITE),
    "POST /system/accounts/{account_id}/reset": _all(P.ACCOUNT_WRITE),
    "GET /system/sessions": _all(P.ACCOUNT_WRITE),
    "POST /system/sessions/{session_id}/end": _all(P.ACCOUNT_WRITE),
    "GET /api/v1/organs": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/organs": _all(P.ACCOUNT_WRITE),
    "GET /api/v1/organs/{code}": _all(P.ACCOUNT_WRITE, ok=404),
    "PUT /api/v1/organs/{code}": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/organs/{code}/close": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/organs/{code}/reopen": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/accounts": _all(P.ACCOUNT_WRITE),
    "PATCH /api/v1/accounts/{username}": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/accounts/{username}/close": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/accounts/{username}/reopen": _all(P.ACCOUNT_WRITE),
    "POST /api/v1/accounts/{username}/reset-password": _all(P.ACCOUNT_WRITE),
    # the security administrator's
    "POST /system/accounts/{account_id}/hand-over": _all(P.GRANT_WRITE),
    "POST /system/accounts/{account_id}/roles": _all(P.GRANT_WRITE),
    "POST /system/accounts/{account_id}/roles/end": _all(P.GRANT_WRITE),
    "GET /system/roles": _all(P.GRANT_WRITE),
    "POST /api/v1/accounts/{username}/hand-over": _all(P.GRANT_WRITE),
    "POST /api/v1/accounts/{username}/roles": _all(P.GRANT_WRITE),
    "POST /api/v1/accounts/{username}/roles/end": _all(P.GRANT_WRITE),
    "GET /api/v1/roles": _all(P.GRANT_WRITE),
    "GET /api/v1/roles/rules": _all(P.GRANT_WRITE),
    # of both, and everybody's own
    "GET /system/accounts": _any(P.ACCOUNT_WRITE, P.GRANT_WRITE),
    "GET /system/accounts/{account_id}": _any(P.ACCOUNT_WRITE, P.GRANT_WRITE, ok=404),
    "GET /api/v1/accounts": _any(P.ACCOUNT_WRITE, P.GRANT_WRITE),
    "GET /api/v1/accounts/{username}": _any(P.ACCOUNT_WRITE, P.GRANT_WRITE, ok=404),
    "GET /account": EVERYBODY,
    "POST /account/sessions/{session_id}/end": EVERYBODY,
    "GET /api/v1/sessions": EVERYBODY,
    "DELETE /api/v1/sessions/{session_id}": EVERYBODY,
    "GET /api/v1/system/index": _all(P.STATUS_READ),
    "GET /api/v1/system/jobs": _all(P.STATUS_READ),
    "GET /api/v1/system/status": _all(P.STATUS_READ),
    "POST /api/v1/system/index/rebuild": _any(P.ACCOUNT_WRITE, P.FIXITY_RUN),
    # descriptions, numbers, saved searches, help
    "POST /api/v1/case-files/{case_file_id}/numbers": _case(P.UNMASK),
    "PUT /api/v1/case-files/{number}/order": _case(P.DESCRIBE),
    "POST /api/v1/case-files/{number}/records": _case(P.DESCRIBE),
    "POST /api/v1/case-files/{number}/records/take-out": _case(P.DESCRIBE),
    "GET /api/v1/holdings/tree": _all(P.CASE_READ),
    "GET /api/v1/records/{record_id}/description": READS,
    "PATCH /api/v1/records/{record_id}/description": _record(P.DESCRIBE),
    "GET /api/v1/records/{record_id}/description/revisions": READS,
    "POST /api/v1/records/{record_id}/description/revisions/{number}/restore": _record(P.DESCRIBE),
    "POST /api/v1/records/{record_id}/numbers": _record(P.UNMASK),
    "GET /api/v1/saved-searches": _all(P.SEARCH),
    "POST /api/v1/saved-searches": _all(P.SEARCH),
    "PATCH /api/v1/saved-searches/{search_id}": Rule(ok=(404,)),
    "DELETE /api/v1/saved-searches/{search_id}": Rule(ok=(404,)),
    "POST /search/density": EVERYBODY,
    "POST /search/saved": _all(P.SEARCH),
    "POST /search/saved/{search_id}": Rule(ok=(404,)),
    "POST /search/saved/{search_id}/delete": Rule(ok=(404,)),
}
