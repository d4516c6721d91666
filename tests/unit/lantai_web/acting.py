"""What tests of the holdings share: following an act to the page that says it, taking it back, records to act upon."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from lantai.site import Site
from repository.tables import CaseFile, Household, LedgerEntry, Record
from tests.unit.lantai_web.conftest import Browser, take_in

HOSTILE = "<script>alert(1)</script>" + "題" * 100 + "😀" + "שלום" + "ＡＢＣ" + "'\"&<b>" + "长" * 60


def acted(browser: Browser, path: str, fields: dict[str, str]) -> httpx.Response:
    """Post a form as a page does, and follow to the page that says what was done."""
    answer = browser.post(path, fields)
    assert answer.status_code == 303, (answer.status_code, answer.text[-1500:])
    return browser.get(answer.headers["location"].partition("#")[0])


def undone(browser: Browser, page: httpx.Response) -> httpx.Response:
    """Press the button that takes the act back."""
    found = re.search(r'<form class="said__undo" method="post" action="([^"]+)">(.*?)</form>', page.text, re.DOTALL)
    assert found, page.text[:3000]
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', found.group(2))
    }
    return acted(browser, html.unescape(found.group(1)), fields)


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, name
    return html.unescape(found.group(1))


def deposited(site: Site, folder: Path, names: list[str], **options: Any) -> dict[str, str]:
    """Text files taken in as records of their own: name -> id of the record."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(f"合成材料 {name}\n", encoding="utf-8")
    submission = take_in(site, folder, **options)
    with site.archive.reading() as session:
        rows = session.execute(select(Record.id, Record.title).where(Record.submission_id == submission))
        return {title: record_id for record_id, title in rows}


def case_of(site: Site, number: str) -> CaseFile:
    """The household file of a number."""
    with site.archive.reading() as session:
        wanted = select(CaseFile).join(Household, Household.id == CaseFile.household_id)
        return session.scalars(wanted.where(Household.household_no == number)).one()


def record_of(site: Site, record_id: str) -> Record:
    """A record as the catalogue has it now."""
    with site.archive.reading() as session:
        return session.scalars(select(Record).where(Record.id == record_id)).one()


def acts_of(site: Site, act: str) -> list[LedgerEntry]:
    """Entries of the ledger with this act, oldest first."""
    with site.archive.reading() as session:
        return list(session.scalars(select(LedgerEntry).where(LedgerEntry.act == act).order_by(LedgerEntry.seq)))
