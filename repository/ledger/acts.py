"""What the ledger records: one keyword-only function per act, so that no detail can be forgotten.

Each function inserts its entry in the caller's transaction: the act and its entry are there together or not at all.
Entries are ordered, chained and signed later (``seal``). Stream ``acts`` holds what changed, stream ``use`` who looked.
An entry carries ids, codes, counts and digests; never names, ID numbers or other personal values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from repository.ledger.entry import ACTS, STREAMS, USE, ActorRef, append, entry_row
from repository.ledger.looks import LOOKS, looked

__all__ = ["ACTS", "LOOKS", "STREAMS", "USE", "AccessionedRecord", "ActorRef", "looked"]

_FOUND = frozenset(
    {
        "sha256",
        "size",
        "recorded_size",
        "structure",
        "first_difference",
        "compared_with",
        "error",
        "not_examined",
        "checkpoint_sha256",
        "catalogue_sha256",
    }
)


@dataclass(frozen=True, slots=True)
class AccessionedRecord:
    """A record version whose object every required replica has confirmed."""

    record_id: str
    version: int
    object_sha256: str
    object_size: int
    files: int
    case_file_ids: Sequence[str] = ()


def act(session: Session, name: str, at: datetime, actor: ActorRef, /, **subject_and_facts: Any) -> str:
    """Insert one act; for the functions here and in ``access_acts`` only. Returns the entry's id."""
    subjects = {name: subject_and_facts.pop(name, None) for name in ("record_id", "case_file_id", "submission_id")}
    row = entry_row(stream=ACTS, at=at, act=name, actor=actor, facts=subject_and_facts, **subjects)
    append(session, [row])
    return str(row["id"])


def key_created(session: Session, *, at: datetime, actor: ActorRef, key_id: str, signed_by: str) -> str:
    """A ledger key was made; ``signed_by`` is the key that vouches for it (its own id for the first)."""
    return act(session, "key.created", at, actor, key_id=key_id, signed_by=signed_by)


def replica_added(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    replica: str,
    kind: str,
    required: bool = True,
    to_fill: bool = False,
) -> str:
    """A store joined the holding as a replica; ``to_fill``: later than its first objects, so that it must be filled."""
    return act(session, "replica.added", at, actor, replica=replica, kind=kind, required=required, to_fill=to_fill)


def replica_filled(
    session: Session, *, at: datetime, actor: ActorRef, replica: str, objects: int, size: int, lacking: int
) -> str:
    """A replica that joined holds, read back, what the holding had; ``lacking`` objects are lost on every replica."""
    return act(session, "replica.filled", at, actor, replica=replica, objects=objects, size=size, lacking=lacking)


def replica_retired(session: Session, *, at: datetime, actor: ActorRef, replica: str, objects: int) -> str:
    """A replica was taken out of use with the ``objects`` it holds; nothing on it was touched."""
    return act(session, "replica.retired", at, actor, replica=replica, objects=objects)


def replicas_compared(
    session: Session, *, at: datetime, actor: ActorRef, first: str, second: str, deep: bool, counts: Mapping[str, int]
) -> str:
    """The listings of two replicas were held against each other; ``counts`` by kind of difference."""
    return act(session, "replica.compared", at, actor, first=first, second=second, deep=deep, counts=dict(counts))


def profile_adopted(session: Session, *, at: datetime, actor: ActorRef, name: str, version: str, digest: str) -> str:
    """A profile version became the governing one; its files are preserved under ``p/profiles``."""
    return act(session, "profile.adopted", at, actor, name=name, version=version, digest=digest)


def organ_created(session: Session, *, at: datetime, actor: ActorRef, organ_id: str) -> str:
    """An organ was entered."""
    return act(session, "organ.created", at, actor, organ_id=organ_id)


def account_created(session: Session, *, at: datetime, actor: ActorRef, account_id: str, organ_id: str) -> str:
    """A person got an account."""
    return act(session, "account.created", at, actor, account_id=account_id, organ_id=organ_id)


def account_password_reset(session: Session, *, at: datetime, actor: ActorRef, account_id: str) -> str:
    """An account got a new password."""
    return act(session, "account.password_reset", at, actor, account_id=account_id)


def role_granted(session: Session, *, at: datetime, actor: ActorRef, account_id: str, role: str, organ_id: str) -> str:
    """An account holds a role in an organ from now on."""
    return act(session, "role.granted", at, actor, account_id=account_id, role=role, organ_id=organ_id)


def role_revoked(session: Session, *, at: datetime, actor: ActorRef, account_id: str, role: str, organ_id: str) -> str:
    """An account holds a role in an organ no longer."""
    return act(session, "role.revoked", at, actor, account_id=account_id, role=role, organ_id=organ_id)


def account_closed(session: Session, *, at: datetime, actor: ActorRef, account_id: str) -> str:
    """An account was closed: nobody signs in with it any more; its history stays."""
    return act(session, "account.closed", at, actor, account_id=account_id)


def token_created(
    session: Session, *, at: datetime, actor: ActorRef, token_id: str, account_id: str, permissions: Sequence[str]
) -> str:
    """A program may act as an account from now on, at most with ``permissions`` (none named: all of the account's)."""
    return act(
        session, "token.created", at, actor, token_id=token_id, account_id=account_id, permissions=list(permissions)
    )


def token_revoked(session: Session, *, at: datetime, actor: ActorRef, token_id: str, account_id: str) -> str:
    """A token is worth nothing any more."""
    return act(session, "token.revoked", at, actor, token_id=token_id, account_id=account_id)


def submission_opened(
    session: Session, *, at: datetime, actor: ActorRef, submission_id: str, channel: str, organ_id: str, profile: str
) -> str:
    """A deposit began."""
    return act(
        session,
        "submission.opened",
        at,
        actor,
        submission_id=submission_id,
        channel=channel,
        organ_id=organ_id,
        profile=profile,
    )


def submission_accepted(session: Session, *, at: datetime, actor: ActorRef, submission_id: str, basis: str) -> str:
    """A deposit was accepted; ``basis`` is ``person`` or ``agreement``."""
    return act(session, "submission.accepted", at, actor, submission_id=submission_id, basis=basis)


def submission_returned(
    session: Session, *, at: datetime, actor: ActorRef, submission_id: str, findings: Mapping[str, int]
) -> str:
    """A deposit went back to the depositor; ``findings`` counts finding codes."""
    return act(session, "submission.returned", at, actor, submission_id=submission_id, findings=dict(findings))


def submission_withdrawn(session: Session, *, at: datetime, actor: ActorRef, submission_id: str, files: int) -> str:
    """A deposit whose sending never ended was given up; ``files`` had arrived and were removed from quarantine."""
    return act(session, "submission.withdrawn", at, actor, submission_id=submission_id, files=files)


def submission_failed(session: Session, *, at: datetime, actor: ActorRef, submission_id: str, code: str) -> str:
    """A deposit could not be carried on; ``code`` is the error's stable code."""
    return act(session, "submission.failed", at, actor, submission_id=submission_id, code=code)


def records_accessioned(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    submission_id: str | None,
    records: Iterable[AccessionedRecord],
) -> None:
    """A batch of record versions entered the holding, one entry each.

    The entry stands in the history of the first case file; ``case_file_ids`` in its body names them all.
    """
    rows = [
        entry_row(
            stream=ACTS,
            at=at,
            act="record.accessioned",
            actor=actor,
            record_id=one.record_id,
            case_file_id=one.case_file_ids[0] if one.case_file_ids else None,
            submission_id=submission_id,
            facts={
                "version": one.version,
                "object_sha256": one.object_sha256,
                "object_size": one.object_size,
                "files": one.files,
                "case_file_ids": list(one.case_file_ids),
            },
        )
        for one in records
    ]
    append(session, rows)


def description_revised(
    session: Session, *, at: datetime, actor: ActorRef, record_id: str, revision: int, sha256: str
) -> str:
    """A record's description was corrected; the revision's bytes have this digest."""
    return act(session, "description.revised", at, actor, record_id=record_id, revision=revision, sha256=sha256)


def case_files_revised(
    session: Session, *, at: datetime, actor: ActorRef, revisions: Iterable[tuple[str, int, str]]
) -> None:
    """Case files got a new state: ``(case file id, revision, sha256)`` each."""
    rows = [
        entry_row(
            stream=ACTS,
            at=at,
            act="case_file.revised",
            actor=actor,
            case_file_id=case_file_id,
            facts={"revision": revision, "sha256": sha256},
        )
        for case_file_id, revision, sha256 in revisions
    ]
    append(session, rows)


def case_file_revised(
    session: Session, *, at: datetime, actor: ActorRef, case_file_id: str, revision: int, sha256: str
) -> None:
    """One case file got a new state."""
    case_files_revised(session, at=at, actor=actor, revisions=[(case_file_id, revision, sha256)])


def entity_revised(
    session: Session, *, at: datetime, actor: ActorRef, kind: str, entity_id: str, revision: int, sha256: str
) -> str:
    """Another thing that must survive (organ, account, submission …) got a new state."""
    submission_id = entity_id if kind == "submission" else None
    return act(
        session,
        "entity.revised",
        at,
        actor,
        submission_id=submission_id,
        kind=kind,
        entity_id=entity_id,
        revision=revision,
        sha256=sha256,
    )


def fixity_run_finished(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    run_id: str,
    kind: str,
    replica: str,
    objects: int,
    outcomes: Mapping[str, int],
) -> str:
    """An audit or inventory of one replica ended; ``outcomes`` counts objects by outcome."""
    return act(
        session,
        "fixity.run_finished",
        at,
        actor,
        run_id=run_id,
        kind=kind,
        replica=replica,
        objects=objects,
        outcomes=dict(outcomes),
    )


def incident_opened(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    incident_id: str,
    replica: str,
    key: str,
    fault: str,
    record_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """An object on a replica was found at fault.

    Of ``detail`` the ledger keeps digests, sizes and codes; the paths of damaged files, which may name persons, only
    as their number.
    """
    found = {name: value for name, value in (detail or {}).items() if name in _FOUND and value is not None}
    if detail and "members" in detail:
        found["members_damaged"] = len(detail["members"])
    return act(
        session,
        "incident.opened",
        at,
        actor,
        record_id=record_id,
        incident_id=incident_id,
        replica=replica,
        key=key,
        fault=fault,
        **({"found": found} if found else {}),
    )


def incident_repaired(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    incident_id: str,
    replica: str,
    key: str,
    sha256: str,
    source: str,
    evidence_key: str | None = None,
    evidence: str | None = None,
    record_id: str | None = None,
) -> str:
    """An object was written again from bytes that match its digest; ``source`` says which replica gave them."""
    return act(
        session,
        "incident.repaired",
        at,
        actor,
        record_id=record_id,
        incident_id=incident_id,
        replica=replica,
        key=key,
        sha256=sha256,
        source=source,
        evidence_key=evidence_key,
        **({"evidence": evidence} if evidence is not None else {}),
    )


def checkpoint_made(session: Session, *, at: datetime, actor: ActorRef) -> str:
    """A signed inventory is about to be written; it bears the number of the block that seals this entry."""
    return act(session, "checkpoint.made", at, actor)


def rebuild_finished(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    replica: str,
    as_of: Mapping[str, int],
    records: int,
    unconfirmed: int,
    forward: bool,
) -> str:
    """The catalogue was made anew from one replica, as of the last block of each stream."""
    return act(
        session,
        "rebuild.finished",
        at,
        actor,
        replica=replica,
        as_of=dict(as_of),
        records=records,
        unconfirmed=unconfirmed,
        forward=forward,
    )


def index_rebuilt(session: Session, *, at: datetime, actor: ActorRef, generation: str, documents: int) -> str:
    """The search index was made anew and swapped in."""
    return act(session, "index.rebuilt", at, actor, generation=generation, documents=documents)
