"""People who ask and decide, and what they ask for, for the tests of requests and grants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import request_decisions, request_filing, requests
from access.actors import Actor, actor_of
from access.letters import Letter
from access.request_decisions import Decision
from access.request_rules import Asking, Wanted
from metadata.household import household_no
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.clock import FixedClock, local_date
from repository.tables import (
    AccessGrant,
    AccessRequest,
    Account,
    AccountRole,
    CaseFile,
    CaseRecord,
    Household,
    LedgerEntry,
    Organ,
)

LETTER = Letter("公函.pdf", "application/pdf", b"%PDF-1.7\nletter\n")
HOUSEHOLD = household_no("990101001001", 7)


@dataclass
class Desk:
    """A borrowing desk: an archive with accounts by name."""

    archive: Archive
    clock: FixedClock
    put: Callable[..., str]
    ids: dict[str, str] = field(default_factory=dict)

    def person(self, name: str, role: str, organ: str, *more: tuple[str, str]) -> None:
        """An account that holds ``role`` in ``organ``."""
        with self.archive.sessions.begin() as session:
            organs = {one.code: one.id for one in session.scalars(select(Organ))}
            account = Account(
                id=new_id(), username=name, display_name=name, organ_id=organs[organ], created_at=self.clock.now()
            )
            session.add(account)
            session.flush()
            session.add_all(
                AccountRole(account_id=account.id, organ_id=organs[where], role=one)
                for one, where in ((role, organ), *more)
            )
            self.ids[name] = account.id

    def actor(self, session: Session, name: str) -> Actor:
        """The person with roles and grants as they are now."""
        now = self.clock.now()
        account = session.get(Account, self.ids[name])
        assert account is not None
        return actor_of(session, account, self.archive.profile, local_date(now, self.archive.zone), now)

    def record(self, **given: Any) -> str:
        """A record in the village; its id."""
        with self.archive.sessions.begin() as session:
            return self.put(session, **given)

    def household(self, *record_ids: str, number: str = HOUSEHOLD) -> str:
        """A household's case file with these records; its id."""
        with self.archive.sessions.begin() as session:
            household = Household(
                id=new_id(),
                household_no=number,
                division_code=number[:12],
                created_at=self.clock.now(),
            )
            session.add(household)
            session.flush()
            case = CaseFile(
                id=new_id(),
                household_id=household.id,
                programme="DB",
                title="王秀英 最低生活保障",
                organ_id=session.get(Account, next(iter(self.ids.values()))).organ_id,  # type: ignore[union-attr]
                division_code=number[:12],
                state={},
                created_at=self.clock.now(),
            )
            session.add(case)
            session.flush()
            session.add_all(
                CaseRecord(case_file_id=case.id, record_id=one, position=place)
                for place, one in enumerate(record_ids, start=1)
            )
            return case.id

    def file(
        self, name: str = "borrower", *, key: str | None = None, letter: Letter | None = LETTER, **given: Any
    ) -> str:
        """File a request; its id."""
        with self.archive.sessions.begin() as session:
            made = request_filing.file(
                session,
                archive=self.archive,
                actor=self.actor(session, name),
                asking=asking(**given),
                letter=letter,
                key=key,
            )
            return made.id

    def decide(self, request_id: str, granted: Iterable[str] = (), name: str = "head", **given: Any) -> None:
        """Grant these records (and case files), or refuse."""
        with self.archive.sessions.begin() as session:
            actor = self.actor(session, name)
            request = requests.get(session, actor, request_id, self.archive.profile)
            chosen = set(granted)
            keys = frozenset(
                (one.kind, one.subject_id)
                for one in requests.subjects(session, request_id)
                if one.subject_id in chosen or "*" in chosen
            )
            request_decisions.decide(
                session,
                archive=self.archive,
                actor=actor,
                request=request,
                decision=Decision(granted=keys, **given),
            )

    def state(self, request_id: str) -> tuple[str, str | None]:
        """State and decision."""
        with self.archive.reading() as session:
            row = session.scalars(select(AccessRequest).where(AccessRequest.id == request_id)).one()
            return row.state, row.decision

    def acts(self, request_id: str) -> list[str]:
        """What the conversation tells."""
        with self.archive.reading() as session:
            row = session.scalars(select(AccessRequest).where(AccessRequest.id == request_id)).one()
            return [str(one["act"]) for one in row.told]

    def ledger(self) -> list[str]:
        """Acts of requests and grants in the ledger, in order."""
        with self.archive.reading() as session:
            acts = session.scalars(select(LedgerEntry.act).order_by(LedgerEntry.seq))
            return [one for one in acts if one.startswith(("request.", "grant."))]

    def grant(self, request_id: str) -> AccessGrant:
        """The grant of a request."""
        with self.archive.reading() as session:
            return session.scalars(select(AccessGrant).where(AccessGrant.request_id == request_id)).one()

    def later(self, **by: float) -> None:
        """Move the clock."""
        self.clock.moment += timedelta(**by)


def asking(**given: Any) -> Asking:
    """A whole request of another department."""
    records, household, words = given.pop("records", ()), given.pop("household", ""), given.pop("words", "")
    wanted = Wanted("search", words=words)
    if records:
        wanted = Wanted("records", record_ids=tuple(records))
    elif household:
        wanted = Wanted("household", household_no=household)
    whole: dict[str, Any] = {
        "requester": "other_department",
        "wanted": wanted,
        "purpose": "inter_agency_verification",
        "purpose_text": "核对医疗救助待遇",
        "days": 3,
        "details": {"legal_basis": "社会救助暂行办法第十七条"},
        **given,
    }
    return Asking(**whole)
