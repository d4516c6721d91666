"""A deposit whose sending never ended can be given up, by whoever may; an incident can be repaired by itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from ingest import quarantine
from ingest.pipeline import Context, advance
from ingest.releasing import release_quarantine
from ingest.submissions import receive_stream
from lantai import care
from lantai.site import Site
from lantai.web import depositing
from lantai.web.visit import Visit as WebVisit
from metadata.errors import Conflict
from metadata.identifiers import new_id
from repository.fixity import audit
from repository.ledger.acts import ActorRef
from repository.storage.layout import bag_key
from repository.tables import Incident, LedgerEntry, StoredFile, Submission, SubmissionFile
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]


def _begun(browser: Browser) -> str:
    submission_id = str(browser.api("POST", "/submissions", json={"title": "没有送完"}).json()["id"])
    sent = browser.http.put(
        f"/api/v1/submissions/{submission_id}/files",
        params={"path": "一.txt"},
        content="一".encode(),
        headers={"X-CSRF-Token": browser.csrf},
    )
    assert sent.status_code == 201
    return submission_id


def test_the_depositor_withdraws_what_she_never_finished(visit: Visit, site: Site) -> None:
    clerk = visit("clerk")
    submission_id = _begun(clerk)
    folder = quarantine.folder(site.archive.quarantine, submission_id)
    assert folder.exists()
    page = clerk.get(f"/submissions/{submission_id}").text
    assert f'action="/submissions/{submission_id}/withdraw"' in page
    assert "已到达 1 个文件" in page
    assert visit("other").post(f"/submissions/{submission_id}/withdraw").status_code == 404
    assert folder.exists()
    assert clerk.post(f"/submissions/{submission_id}/withdraw").status_code == 303
    assert not folder.exists()
    after = clerk.get(f"/submissions/{submission_id}").text
    assert "已撤回" in after
    assert "/withdraw" not in after
    again = clerk.api("POST", f"/submissions/{submission_id}/withdraw")
    assert (again.status_code, again.json()["code"]) == (409, "submission.not_withdrawable")
    with site.archive.reading() as session:
        acts = list(session.scalars(select(LedgerEntry.act).where(LedgerEntry.submission_id == submission_id)))
        assert "submission.withdrawn" in acts
        assert session.scalar(select(SubmissionFile.seq).where(SubmissionFile.submission_id == submission_id)) is None
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        assert advance(context, submission_id) == "withdrawn"
    finally:
        context.close()


def test_an_archivist_withdraws_for_others_but_nothing_that_was_sent(visit: Visit) -> None:
    clerk, archivist = visit("clerk"), visit("archivist")
    submission_id = _begun(clerk)
    answer = archivist.api("POST", f"/submissions/{submission_id}/withdraw")
    assert (answer.status_code, answer.json()["state"], answer.json()["files"]) == (200, "withdrawn", 1)
    sent = _begun(clerk)
    clerk.api("POST", f"/submissions/{sent}/complete")
    assert archivist.api("POST", f"/submissions/{sent}/withdraw").status_code == 409


def test_bytes_that_arrive_after_the_withdrawal_are_not_kept(visit: Visit, site: Site) -> None:
    clerk = visit("clerk")
    submission_id = _begun(clerk)

    class Slow(io.BytesIO):
        """Bytes on a slow line: the deposit is withdrawn while they arrive."""

        def readinto(self, buffer: object) -> int:
            clerk.api("POST", f"/submissions/{submission_id}/withdraw")
            return super().readinto(buffer)  # type: ignore[arg-type]  # whatever buffer the reader brings

    with pytest.raises(Conflict):
        receive_stream(site.archive, submission_id, "二.txt", Slow(b"late"))
    folder = quarantine.folder(site.archive.quarantine, submission_id)
    assert not [one for one in folder.rglob("*") if one.is_file()]
    release_quarantine(site.archive)
    assert not folder.exists()


def test_a_deposit_without_a_title_bears_the_day_of_the_bureau(site: Site) -> None:
    class Person:
        """Whoever deposits."""

        name = "周静"

    class Asked(WebVisit):
        """A visit of which only the site and the name are asked."""

        person = Person()  # type: ignore[assignment]  # read only for its name

    asked = Asked(site, None, None, "", "", "zh", False, "casework")  # type: ignore[arg-type]  # no request is read
    late = Submission(created_at=datetime(2026, 11, 23, 17, 30, tzinfo=UTC))
    assert "2026-11-24" in depositing._first_name(asked, late)


def test_an_incident_is_repaired_by_itself(visit: Visit, papers: Papers, site: Site) -> None:
    with site.archive.reading() as session:
        wanted = select(StoredFile.record_id).order_by(StoredFile.record_id)
        record_ids = sorted(set(session.scalars(wanted)))[:2]
    store = site.archive.replicas.store("b")
    for record_id in record_ids:
        path = store.root / bag_key(record_id, 1)  # type: ignore[attr-defined]  # a local folder in this test
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(bytes(content))
    actor = ActorRef("test", "account")
    audit(site.archive, actor=actor, keys=[bag_key(one, 1) for one in record_ids])
    with site.archive.reading() as session:
        first, second = session.scalars(select(Incident.id).where(Incident.state == "open").limit(2))
    officer = visit("officer")
    officer.get(f"/preservation/incidents/{first}")
    answer = officer.post("/preservation/repair", {"incident": first})
    assert answer.headers["location"] == f"/preservation/incidents/{first}?asked=repair"
    assert officer.post("/preservation/repair", {"incident": new_id()}).status_code == 404
    assert officer.api("POST", "/preservation/repair", json={"incident_ids": [first]}).status_code == 202
    assert care.repair_incidents(site, actor_id="test", incident_ids=[first]) == 1
    with site.archive.reading() as session:
        states = dict(session.execute(select(Incident.id, Incident.state)).tuples().all())
    assert (states[first], states[second]) == ("repaired", "open")
    assert care.repair_incidents(site, actor_id="test") == 1
