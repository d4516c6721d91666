"""Organs, accounts, submissions and profile versions come back from their newest revisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError
from metadata.profile import load_bytes
from repository import entities
from repository.clock import Clock
from repository.rebuild.history import History
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources, highest
from repository.revisions import ENTITY_FORMAT
from repository.tables import Account, AccountRole, Organ, ProfileVersion, Submission

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
        else:
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
    """Insert organs (superior ones first), accounts without secrets, their roles, and submissions."""
    states = newest_states(sources, ("organ", "account", "submission"), report)
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
    report.counts["organs"] += len(organs)
    report.counts["accounts"] += len(states["account"])
    report.counts["submissions"] += len(states["submission"])


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
