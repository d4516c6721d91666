"""The use register as a file: XLSX and CSV for people, JSON for programs, written row by row.

Things stand in it by their ids, never by titles: who takes the register out need not be one who may read what it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from sqlalchemy import select

from access import use_register
from access.actors import Actor
from access.register_lines import Filters, UseEntry
from lantai import i18n, result_lists
from lantai.i18n import N_
from lantai.result_lists import Cell
from lantai.web import labels
from lantai.web.display import moment
from repository.archive import Archive
from repository.tables import AccessRequest

HEADINGS = (
    N_("When"),
    N_("Who"),
    N_("Organ"),
    N_("Act"),
    N_("Record"),
    N_("Case file"),
    N_("File"),
    N_("Page"),
    N_("Purpose"),
    N_("Form"),
    N_("Rows"),
    N_("Request"),
    N_("Number"),
)
WIDTHS = (18, 16, 24, 20, 38, 38, 38, 8, 24, 12, 8, 16, 38)
_CHUNK = 500


class RegisterTable:
    """The entries that ``actor`` may read under ``filters``, newest first, in the words of ``language``."""

    def __init__(self, archive: Archive, actor: Actor, filters: Filters, language: str) -> None:
        self._archive = archive
        self._actor = actor
        self._filters = filters
        self._language = language
        self._numbers: dict[str, str] = {}

    def entries(self) -> Iterator[UseEntry]:
        """One by one, a batch a transaction."""
        return use_register.walk(self._archive, self._actor, self._filters)

    def lines(self) -> Iterator[list[Cell]]:
        """Headings, rows, and a last line when the list is cut."""
        _ = i18n.translations(self._language).gettext
        yield [_(one) for one in HEADINGS]
        count = 0
        for one in self.entries():
            count += 1
            yield self._line(one)
        if count >= use_register.MOST_EXPORTED:
            yield [_("Only the newest %(count)s are listed. Narrow the period to get the others.") % {"count": count}]

    def _line(self, one: UseEntry) -> list[Cell]:
        catalogue = i18n.translations(self._language)
        return [
            moment(one.at, self._archive.zone),
            labels.actor(catalogue, one.actor_id, one.actor_name),
            one.organ_name,
            labels.label(catalogue, one.act, "act"),
            one.record_id,
            one.case_file_id,
            one.file_id,
            one.page,
            labels.purpose(catalogue, self._archive.profile, self._language, one.reason),
            labels.label(catalogue, one.form, "form") if one.form else "",
            one.count,
            self._number(one.request_id),
            one.id,
        ]

    def _number(self, request_id: str | None) -> str:
        if not request_id:
            return ""
        if request_id not in self._numbers:
            with self._archive.reading() as session:
                found = session.scalar(select(AccessRequest.number).where(AccessRequest.id == request_id))
            self._numbers[request_id] = found or ""
        return self._numbers[request_id]


def row(one: UseEntry) -> dict[str, Any]:
    """An entry for programs: codes and ids as they are."""
    return {
        "id": one.id,
        "at": one.at.isoformat(),
        "act": one.act,
        "actor_id": one.actor_id,
        "actor_name": one.actor_name,
        "organ_id": one.organ_id,
        "organ_name": one.organ_name,
        "record_id": one.record_id,
        "case_file_id": one.case_file_id,
        "file_id": one.file_id,
        "page": one.page,
        "reason": one.reason,
        "form": one.form,
        "count": one.count,
        "request_id": one.request_id,
        "permission": one.permission,
    }


def write_xlsx(table: RegisterTable, out: IO[bytes]) -> None:
    """A workbook of one sheet; every text is stored as text, so that none becomes a formula."""
    result_lists.write_xlsx(table, out, widths=WIDTHS)


def chunks(table: RegisterTable, kind: str) -> Iterator[bytes]:
    """CSV (cells that a spreadsheet would compute get an apostrophe) or JSON, in pieces."""
    if kind == "csv":
        yield from result_lists.csv_chunks(table)
        return
    parts = ['{"rows": [']
    for number, one in enumerate(table.entries()):
        parts.append((",\n" if number else "\n") + json.dumps(row(one), ensure_ascii=False))
        if len(parts) >= _CHUNK:
            yield "".join(parts).encode("utf-8", "replace")
            parts = []
    parts.append("\n]}\n")
    yield "".join(parts).encode("utf-8", "replace")
