"""Organs, accounts, submissions, requests, grants and profile versions come back from their newest revisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from metadata.profile import load_bytes
from repository import entities
from repository.clock import Clock
from repository.rebuild.history import History
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources, highest
from repository.revisions import ENTITY_FORMAT
from repository.storage import layout
from repository.tables import (
    AccessGrant,
    AccessRequest,
    Account,
    AccountRole,
    GrantSubject,
    Organ,
    ProfileVersion,
    RequestSubject,
    Submission,
)

RESTORED = frozenset({"organ", "account", "submission", "request", "grant", "hold", "alarm"})
"""Kinds of entities that a rebuild brings back, here, in ``holds`` or in ``alarms``; others are counted and left alone."""

States = dict[str, dict[str, Any]]


def restore_profiles(session: Session, sources: Sources, history: History, clock: Clock, report: RebuildReport) -> None:
    """Every profile version whose files are all there is known again, since when it was adopted."""
    versions: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for key, info in sources.of_kind("profile"):
        name, version, file = str(info.name).split("/", 2)
        versions[name, version][file] = key
    for (name, version), files in sorted(versions.items()):
        try:
            profile = load_bytes({file: sources.read(key) for file, key in files.items()})
        except LantaiError as error:
            report.fault(next(iter(files.values())), error)
            continue
        since = history.profiles.get((name, version)) or clock.now()
        session.add(ProfileVersion(name=name, version=version, digest=profile.digest, first_used_at=since))
        report.counts["profiles"] += 1
    session.flush()


def newest_states(sources: Sources, kinds: Iterable[str], report: RebuildReport) -> dict[str, States]:
    """Kind -> id -> the newest state that can be read, with its number under ``revision``."""
    wanted = set(kinds)
    revisions: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for key, info in sources.of_kind("entity"):
        kind = str(info.name)
        if kind in wanted:
            revisions[kind, str(info.subject_id)][int(info.number or 0)] = key
        elif kind not in RESTORED:
            report.counts[f"other_{kind}"] += 1
    states: dict[str, States] = {kind: {} for kind in wanted}
    for (kind, entity_id), keys in revisions.items():
        for number in highest(keys):
            try:
                found = sources.read_json(keys[number], ENTITY_FORMAT)
                states[kind][entity_id] = {
                    **found["state"],
                    "revision": sources.last_number(keys[number].rpartition("/")[0]),
                }
                break
            except LantaiError as error:
                report.fault(keys[number], error)
    return states


def restore_people(session: Session, sources: Sources, report: RebuildReport) -> None:
    """Insert organs (superior ones first), accounts without secrets, their roles, submissions, requests and grants."""
    states = newest_states(sources, ("organ", "account", "submission", "request", "grant"), report)
    organs = states["organ"]
    for organ_id in _superior_first(organs):
        state = organs[organ_id]
        known_parent = state.get("parent_id") if state.get("parent_id") in organs else None
        session.execute(
            insert(Organ).values(
                **{**entities.values(Organ, state), "parent_id": known_parent, "revision": state["revision"]}
            )
        )
    known = KnownOrgans(session, report)
    for account_id, state in sorted(states["account"].items()):
        known.require(session, str(state.get("organ_id")))
        session.execute(
            insert(Account).values(**entities.values(Account, state), revision=state["revision"], password_hash=None)
        )
        for role in state.get("roles", []):
            known.require(session, str(role.get("organ_id")))
            session.execute(insert(AccountRole).values(**entities.values(AccountRole, role), account_id=account_id))
    for _, state in sorted(states["submission"].items(), key=lambda item: (str(item[1].get("created_at")), item[0])):
        known.require(session, str(state.get("organ_id")))
        session.execute(
            insert(Submission).values(
                **entities.values(Submission, state),
                revision=state["revision"],
                options=_options(state),
                error=_rows_lost() if state.get("state") == "failed" else None,
                attempts=0,
            )
        )
    _restore_requests(session, known, states["request"], states["grant"], report)
    report.counts["organs"] += len(organs)
    report.counts["accounts"] += len(states["account"])
    report.counts["submissions"] += len(states["submission"])


def _restore_requests(
    session: Session, known: KnownOrgans, requests: States, grants: States, report: RebuildReport
) -> None:
    """Requests and what they mean, then the grants that came of them, each in the order in which it was made.

    A grant comes back with its end: one that was over, or revoked, permits nothing afterwards either.
    """
    accounts = set(session.scalars(select(Account.id)))
    restored: set[str] = set()
    for request_id, state in _in_order(requests):
        if state.get("account_id") not in accounts:
            report.fault(layout.entity_key("request", request_id, state["revision"]), _nobody())
            continue
        known.require(session, str(state.get("organ_id")))
        session.execute(
            insert(AccessRequest).values(**entities.values(AccessRequest, state), revision=state["revision"])
        )
        for one in state.get("subjects", []):
            session.execute(insert(RequestSubject).values(**entities.named(one), request_id=request_id))
        restored.add(request_id)
    for grant_id, state in _in_order(grants):
        if state.get("request_id") not in restored:
            report.fault(layout.entity_key("grant", grant_id, state["revision"]), _nobody())
            continue
        session.execute(insert(AccessGrant).values(**entities.values(AccessGrant, state), revision=state["revision"]))
        for one in state.get("subjects", []):
            session.execute(insert(GrantSubject).values(**entities.named(one), grant_id=grant_id))
        report.counts["grants"] += 1
    report.counts["requests"] += len(restored)


def _in_order(states: States) -> list[tuple[str, dict[str, Any]]]:
    return sorted(
        states.items(), key=lambda item: (str(item[1].get("created_at")), str(item[1].get("number")), item[0])
    )


def _nobody() -> NotFound:
    return NotFound(
        "rebuild.nobody_asked",
        zh="找不到提出这件申请的帐号或所依据的申请，没有恢复；副本中的内容没有改动。",
        en="The account that asked, or the request behind the grant, was not found; it was left out, and the replica's object is untouched.",
    )


def _options(state: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the state kept; who deposited is always among them."""
    actor = str(state.get("actor_id"))
    kind = actor.partition(":")[0] if actor.startswith(("console:", "system")) else "account"
    return {"actor": {"id": actor, "kind": kind, "organ_id": state.get("organ_id")}, **state.get("options", {})}


def _rows_lost() -> dict[str, str]:
    """Why a submission that was set aside cannot go on: the list of its files lay in the lost database."""
    return {
        "code": "rebuild.submission_rows_lost",
        "zh": "该移交的文件清单随原数据库丢失，不能继续；文件仍在隔离区，请从隔离区重新移交。",
        "en": "The list of this deposit's files was lost with the database, so it cannot go on; its bytes are still in quarantine: deposit them again from there.",
        "step": "",
    }


def _superior_first(organs: States) -> list[str]:
    ordered: list[str] = []
    seen: set[str] = set()
    for organ_id in sorted(organs):
        line: list[str] = []
        one: str | None = organ_id
        while one in organs and one not in seen:
            seen.add(one)
            line.append(one)
            one = organs[one].get("parent_id")
        ordered.extend(reversed(line))
    return ordered


class KnownOrgans:
    """The organs of the rebuilt catalogue; one that only something else names is made up, for a person to complete."""

    def __init__(self, session: Session, report: RebuildReport) -> None:
        self._ids = set(session.scalars(select(Organ.id)))
        self._report = report

    def require(self, session: Session, organ_id: str, *, code: str = "", division_code: str = "") -> None:
        """See to it that ``organ_id`` is there."""
        if organ_id in self._ids:
            return
        code = (code or organ_id)[:32]
        session.execute(
            insert(Organ).values(
                id=organ_id, code=code, name_zh=code, name_en="", level="", division_prefix=division_code
            )
        )
        self._ids.add(organ_id)
        self._report.made_up.append(organ_id)
