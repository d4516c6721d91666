"""A deposit over the web: what may be asked, opening it, letting it go to the workers. Pages and API share this."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from sqlalchemy import select

from access.accounts import Actor
from ingest import uploads
from ingest.submissions import finish_receiving, name_kept, open_submission, receipt, receive_stream
from lantai import i18n
from lantai.web.views_submissions import get
from lantai.web.visit import Visit
from metadata.errors import Forbidden, Invalid
from metadata.household import check_household_no
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import Submission, SubmissionFile

_KEY = 64
LONGEST_PATH = 4000
"""Characters of a file's name with its folders."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a depositor said about the files; empty strings say nothing."""

    title: str = ""
    household_no: str = ""
    programme: str = ""
    document_type: str = ""
    one_record: bool = False
    leave_out: bool = False


def faults(visit: Visit, wish: Wish, language: str = "") -> dict[str, str]:
    """Field -> what is wrong with it, in ``language`` (the person's); empty when the deposit may begin."""
    language = language or visit.language
    _ = i18n.translations(language).gettext
    profile = visit.site.archive.profile
    found: dict[str, str] = {}
    if wish.household_no:
        try:
            check_household_no(wish.household_no)
        except Invalid as error:
            found["household_no"] = error.sentence(language)
    if wish.programme and wish.programme not in profile.programmes:
        found["programme"] = _("There is no such programme; choose one from the list.")
    if wish.document_type and wish.document_type not in profile.document_types:
        found["document_type"] = _("There is no such document type; choose one from the list.")
    return found


def refuse(visit: Visit, wish: Wish) -> Invalid:
    """The error for a program whose wish has faults, in both languages."""
    zh, en = faults(visit, wish, "zh"), faults(visit, wish, "en")
    return Invalid("deposit.invalid", zh="；".join(zh.values()), en="; ".join(en.values()), fields=list(zh))


def open_deposit(visit: Visit, wish: Wish, *, channel: str, idempotency_key: str | None, exact: bool = False) -> str:
    """Open a submission for this person's organ; its id. The same key opens it once.

    ``exact``: the key stands for this very wish, and ``Invalid`` (``idempotency.other_request``) answers another one.
    """
    visit.require(Permission.DEPOSIT)
    person = visit.person
    options: dict[str, Any] = {
        "household_no": check_household_no(wish.household_no) if wish.household_no else None,
        "programme": (wish.programme or None) if wish.household_no else None,
        "document_type": wish.document_type or None,
        "one_record": True if wish.one_record else None,
        "leave_out": True if wish.leave_out else None,
    }
    asked = json.dumps({**asdict(wish), "channel": channel}, sort_keys=True, ensure_ascii=True)
    with visit.writing() as session:
        submission = open_submission(
            session,
            archive=visit.site.archive,
            actor=person,
            organ_id=person.organ_id,
            title=wish.title or _title(visit, wish),
            channel=channel,
            options=options,
            idempotency_key=_key(person, idempotency_key) if idempotency_key else None,
            request_sha256=hashlib.sha256(asked.encode()).hexdigest() if exact else None,
        )
        return submission.id


def _key(person: Actor, given: str) -> str:
    """The key as it is kept: everybody's own; a long one by its digest."""
    return f"{person.id}:{given if len(given) <= _KEY else hashlib.sha256(given.encode()).hexdigest()}"


def _title(visit: Visit, wish: Wish) -> str:
    """A title out of what is known, so that the list says something."""
    kind = visit.site.archive.profile.document_types.get(wish.document_type)
    programme = visit.site.archive.profile.programmes.get(wish.programme)
    named = kind or (programme if wish.household_no else None)
    parts = [named.zh if named else "", wish.household_no]
    return " ".join(part for part in parts if part)


def _own(visit: Visit, submission: Submission) -> None:
    visit.require(Permission.DEPOSIT)
    if submission.actor_id != visit.person.id:
        raise Forbidden(
            "submission.not_yours",
            zh="这是别人开始的移交，不能往里加文件。请另开一次移交。",
            en="Somebody else began this deposit; open one of your own.",
        )


def require_own(visit: Visit, submission_id: str) -> None:
    """``Forbidden`` unless the person began this deposit and may still deposit; ``NotFound`` when she may not know of it."""
    with visit.reading() as session:
        _own(visit, get(session, visit, submission_id))


def take_file(visit: Visit, submission_id: str, name: str, stream: BinaryIO) -> int:
    """Take one file of the person's own deposit in; its size in bytes."""
    require_own(visit, submission_id)
    size = receive_stream(visit.site.archive, submission_id, name, stream)
    _once(visit, submission_id, name)
    return size


def _once(visit: Visit, submission_id: str, name: str) -> None:
    """A file whose answer was lost on the line comes a second time: under one name the same bytes count once."""
    with visit.writing() as session:
        mine = (SubmissionFile.submission_id == submission_id, SubmissionFile.path == name_kept(name))
        wanted = (
            select(SubmissionFile).where(*mine, SubmissionFile.role != "arriving").order_by(SubmissionFile.position)
        )
        found = session.scalars(wanted).all()
        for other in found[1:]:
            if other.digests == found[0].digests:
                session.delete(other)


def standing(visit: Visit, submission_id: str) -> str:
    """``new``: opened and empty; ``begun``: files were received and the sending has not ended; ``sent``: it has."""
    with visit.reading() as session:
        submission = get(session, visit, submission_id)
        if submission.state != "receiving":
            return "sent"
        known = session.scalar(select(SubmissionFile.seq).where(SubmissionFile.submission_id == submission_id).limit(1))
    return "new" if known is None else "begun"


def receipt_of(visit: Visit, submission_id: str) -> dict[str, Any]:
    """The receipt of a deposit that the person may see."""
    with visit.reading() as session:
        return receipt(session, get(session, visit, submission_id).id)


def complete(visit: Visit, submission_id: str) -> Submission:
    """End the receiving and hand the deposit to the workers, in one transaction.

    ``Conflict`` (``submission.uploads_open``) while a file that comes by parts is not whole.
    """
    require_own(visit, submission_id)
    uploads.require_none_open(visit.site.archive, submission_id)
    with visit.writing() as session:
        submission = get(session, visit, submission_id)
        _own(visit, submission)
        receiving = submission.state == "receiving"
        submission = finish_receiving(session, archive=visit.site.archive, submission_id=submission_id)
        if receiving:
            if not submission.title or submission.title == "-":
                submission.title = _first_name(visit, submission)
            visit.site.jobs.enqueue_ingest(session, submission_id)
        return submission


def _first_name(visit: Visit, submission: Submission) -> str:
    day = local_date(submission.created_at, visit.site.archive.zone).isoformat()
    _ = i18n.translations("zh").gettext
    return _("Deposit of %(name)s, %(day)s") % {"name": visit.person.name, "day": day}
