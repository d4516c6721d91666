"""Read models of the holdings: lists narrowed by what an address names, columns a person chose, the tree.

Every list is read by keyset from an index, whatever its depth, and nothing is counted that is not on the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from access import gate
from access.scope import placed_in
from lantai import i18n
from lantai.i18n import N_
from lantai.web import display, labels
from lantai.web.rendering import query
from lantai.web.views_cases import CaseRow, case_rows
from lantai.web.views_records import VOLUME, RecordRow, rows
from lantai.web.visit import Visit
from metadata.rights import Permission
from repository.tables import Account, CaseRecord, Incident, Record

MOST_EXPORTED = 10_000
"""Rows of a list taken out at once; who needs more takes out the parts."""
_BATCH = 500
_TREE = 40

COLUMNS: dict[str, dict[str, str]] = {
    "records": {
        "type": N_("Document type"),
        "dated": N_("Dated"),
        "division": N_("Division"),
        "level": N_("Access level"),
        "files": N_("Files"),
        "size": N_("Size"),
        "fixity": N_("Copies"),
        "taken_in": N_("Taken in"),
    },
    "cases": {
        "household_no": N_("Household number"),
        "programme": N_("Programme"),
        "division": N_("Division"),
        "opened": N_("Opened"),
        "stopped": N_("Benefit stopped"),
        "records": N_("Records"),
    },
}
"""Columns of the lists, which a person may choose from; the title always stands."""
_USUAL = {"records": ("type", "dated", "division", "files", "size", "taken_in"), "cases": tuple(COLUMNS["cases"])}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records a list shows, as its address says: empty fields narrow nothing.

    ``state``: ``unconfirmed`` or ``damaged``; ``filed``: ``no`` for records in no household file, ``tray`` for those of
    them that could stand in one; ``sort``: ``newest`` or as they were taken in; ``after``: the ``seq`` of the last row
    seen.
    """

    division: str = ""
    programme: str = ""
    document_type: str = ""
    year: str = ""
    level: str = ""
    state: str = ""
    filed: str = ""
    submission: str = ""
    sort: str = ""
    after: int = 0

    @classmethod
    def read(cls, given: QueryParams, **fixed: str) -> Wanted:
        """From the fields of an address; what cannot be meant narrows to nothing found, never to everything."""
        told = {one.name: given.get(one.name, "").strip()[:64] for one in fields(cls) if one.name != "after"}
        after = given.get("after", "")
        number = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
        return cls(**{**told, **fixed}, after=number)

    def given(self) -> dict[str, str]:
        """What narrows and orders, without the place in the list."""
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name != "after" and getattr(self, one.name)
        }

    def address(self, path: str, **changed: str | int) -> str:
        """The address of this list with fields changed, from its beginning unless ``after`` is named."""
        told = {name: value for name, value in {**self.given(), **changed}.items() if value}
        return path + ("?" + urlencode(told) if told else "")


def _criteria(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.division:
        plain = wanted.division if wanted.division.isascii() and wanted.division.isdigit() else "-"
        yield placed_in(Record, plain)
    if wanted.programme:
        yield Record.programme == wanted.programme
    if wanted.document_type:
        yield Record.document_type == wanted.document_type
    if wanted.year:
        plain = wanted.year if wanted.year.isascii() and wanted.year.isdigit() and len(wanted.year) == 4 else "-1"
        yield Record.year == int(plain)
    if wanted.level:
        yield Record.access_level == wanted.level
    if wanted.state == "damaged":
        yield Record.id.in_(select(Incident.record_id).where(Incident.state == "open"))
    elif wanted.state == "unconfirmed":
        yield Record.confirmed.is_(False)
    if wanted.filed in {"no", "tray"}:
        yield Record.filed.is_(False)
        yield ~exists().where(CaseRecord.record_id == Record.id)
    if wanted.submission:
        yield Record.submission_id == wanted.submission


def records(session: Session, visit: Visit, wanted: Wanted, limit: int) -> list[Record]:
    """Records of the list that may be listed, from ``wanted.after`` on."""
    person, profile = visit.person, visit.site.archive.profile
    listed = gate.select_records(person, profile, Permission.RECORD_LIST).where(*_criteria(wanted)).limit(limit)
    if wanted.filed == "tray":
        types = visit.site.archive.profile.document_types.values()
        volumes = [one.code for one in types if one.level == VOLUME]
        listed = listed.where(or_(Record.document_type.is_(None), Record.document_type.not_in(volumes)))
    if not (wanted.division or wanted.state or wanted.filed or wanted.submission):
        listed = listed.where(gate.all_lies_in(Record, person, profile, Permission.RECORD_LIST))
    if wanted.sort == "newest":
        listed = listed.order_by(Record.seq.desc())
        listed = listed.where(Record.seq < wanted.after) if wanted.after else listed
    else:
        listed = listed.where(Record.seq > wanted.after).order_by(Record.seq)
    return list(session.scalars(listed))


def every_record(session: Session, visit: Visit, wanted: Wanted) -> list[Record]:
    """The list from its beginning, at most ``MOST_EXPORTED`` and one more."""
    found: list[Record] = []
    after = 0
    while len(found) <= MOST_EXPORTED:
        some = records(session, visit, Wanted(**wanted.given(), after=after), _BATCH)
        found += some
        if len(some) < _BATCH:
            break
        after = some[-1].seq
    return found[: MOST_EXPORTED + 1]


# --- columns ----------------------------------------------------------------------------------------------------------


def columns(session: Session, visit: Visit, which: str) -> list[str]:
    """Columns that the person chose for a list, in the list's order; the usual ones when she chose none."""
    preferences = session.scalar(select(Account.preferences).where(Account.id == visit.person.id)) or {}
    kept = preferences.get("columns", {})
    chosen = kept.get(which) if isinstance(kept, dict) else None
    if not isinstance(chosen, list):
        return list(_USUAL[which])
    return [one for one in COLUMNS[which] if one in chosen]


def keep_columns(session: Session, visit: Visit, which: str, chosen: Sequence[str]) -> None:
    """Remember which columns of a list the person wants to see."""
    account = session.get(Account, visit.person.id)
    if account is not None and which in COLUMNS:
        kept = account.preferences.get("columns")
        before = kept if isinstance(kept, dict) else {}
        picked = [one for one in COLUMNS[which] if one in chosen]
        account.preferences = {**account.preferences, "columns": {**before, which: picked}}


def column_choice(visit: Visit, which: str, shown: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Every column: code, words, whether it is shown."""
    _ = i18n.translations(visit.language).gettext
    return [(code, _(words), code in shown) for code, words in COLUMNS[which].items()]


# --- lists taken out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list on its way out: headings, rows as they are shown, and a last line when it is cut."""

    heads: list[str]
    cells: list[list[str | int | None]]
    cut: str = ""

    def lines(self) -> Iterator[list[str | int | None]]:
        """Headings, rows, the line about what is missing."""
        yield list(self.heads)
        yield from self.cells
        if self.cut:
            yield [self.cut]


def record_sheet(session: Session, visit: Visit, found: Sequence[Record], shown: Sequence[str]) -> Sheet:
    """Records as a sheet of the columns ``shown``; sizes in bytes, personal numbers masked."""
    translated = i18n.translations(visit.language)
    _ = translated.gettext
    cut = len(found) > MOST_EXPORTED
    levels = {one.id: one.access_level for one in found}
    cells: list[list[str | int | None]] = []
    for start in range(0, min(len(found), MOST_EXPORTED), _BATCH):
        for one in rows(session, visit, found[start : min(start + _BATCH, MOST_EXPORTED)]):
            values: dict[str, str | int | None] = {
                "type": one.type_name,
                "dated": display.day(one.dated) if one.dated else None,
                "division": one.division_code,
                "level": labels.label(translated, levels[one.id], "access_level"),
                "files": one.files,
                "size": one.bytes,
                "fixity": labels.label(translated, one.fixity, "outcome"),
                "taken_in": display.day(one.created_at),
            }
            cells.append([one.title, *(values[name] for name in shown), one.id])
    known = COLUMNS["records"]
    heads = [_("Title"), *(_(known[name]) for name in shown), _("Number")]
    told = _("Only the first %(count)s are listed. Narrow the list to get the others.")
    return Sheet(heads, cells, told % {"count": f"{MOST_EXPORTED:,}"} if cut else "")


def case_sheet(visit: Visit, found: Sequence[CaseRow], shown: Sequence[str]) -> Sheet:
    """Case files as a sheet of the columns ``shown``."""
    _ = i18n.translations(visit.language).gettext
    cells: list[list[str | int | None]] = []
    for one in found[:MOST_EXPORTED]:
        values: dict[str, str | int | None] = {
            "household_no": one.household_no,
            "programme": one.programme,
            "division": one.division_code,
            "opened": one.opened_on.isoformat() if one.opened_on else None,
            "stopped": one.stopped_on.isoformat() if one.stopped_on else None,
            "records": one.records,
        }
        cells.append([one.title, *(values[name] for name in shown)])
    told = _("Only the first %(count)s are listed. Narrow the list to get the others.")
    cut = told % {"count": f"{MOST_EXPORTED:,}"} if len(found) > MOST_EXPORTED else ""
    known = COLUMNS["cases"]
    return Sheet([_("Case file"), *(_(known[name]) for name in shown)], cells, cut)


# --- the tree ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """A branch of the tree: fonds, series (programme), household, document; the children of a branch are read when it is opened."""

    name: str
    href: str = ""
    note: str = ""
    here: bool = False
    branch: bool = False
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """Which branches stand open: a programme, a household file in it, and where its list goes on."""

    programme: str = ""
    case_id: str = ""
    after: int = 0


def tree(session: Session, visit: Visit, opened: Opened) -> list[Node]:
    """The tree with the branches that the address opens."""
    _ = i18n.translations(visit.language).gettext
    fonds = Node(visit.site.settings.site_name, "/holdings/tree", branch=True)
    for one in visit.site.archive.profile.programmes.values():
        here = one.code == opened.programme
        node = Node(
            labels.term(visit.language, one),
            "/holdings/tree" if here else "/holdings/tree" + query({}, programme=one.code),
            one.code,
            here and not opened.case_id,
            visit.may(Permission.CASE_READ),
        )
        if here and visit.may(Permission.CASE_READ):
            node.children = _households(session, visit, opened)
        fonds.children.append(node)
    if visit.may(Permission.RECORD_LIST):
        fonds.children.append(Node(_("Tray: not yet in a case file"), "/holdings/tray"))
    return [fonds]


def _households(session: Session, visit: Visit, opened: Opened) -> list[Node]:
    _ = i18n.translations(visit.language).gettext
    found = gate.list_cases(
        session,
        visit.person,
        visit.site.archive.profile,
        programme=opened.programme,
        after=opened.after,
        limit=_TREE + 1,
    )
    nodes = []
    if opened.after:
        nodes.append(Node(_("To the beginning"), "/holdings/tree" + query({}, programme=opened.programme)))
    for one in case_rows(session, visit, found[:_TREE]):
        here = one.id == opened.case_id
        fields_ = {"programme": opened.programme, "after": opened.after or ""}
        node = Node(
            one.title,
            "/holdings/tree" + query(fields_, case="" if here else one.id),
            one.household_no,
            here,
            branch=True,
        )
        if here:
            node.children = _documents(session, visit, one)
        nodes.append(node)
    if len(found) > _TREE:
        after = found[_TREE - 1].seq
        nodes.append(Node(_("Next page"), "/holdings/tree" + query({}, programme=opened.programme, after=after)))
    return nodes


def _documents(session: Session, visit: Visit, case: CaseRow) -> list[Node]:
    _ = i18n.translations(visit.language).gettext
    nodes = [Node(_("Open the household file"), f"/case-files/{case.id}")]
    if not visit.may(Permission.RECORD_LIST):
        return nodes
    found = gate.list_records(session, visit.person, visit.site.archive.profile, case_file_id=case.id, limit=_BATCH)
    return nodes + [_document(case, one) for one in rows(session, visit, found)]


def _document(case: CaseRow, one: RecordRow) -> Node:
    return Node(one.title, f"/case-files/{case.id}{query({}, record=one.id)}#view", one.code)
