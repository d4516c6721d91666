"""The console: every command acts as ``console:<user>``, says why it reads content, and leaves what it did in the ledger.

The table is the whole: a command that is added without a line here fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from lantai.cli.app import whole
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.household import household_no
from repository.ledger.acts import ACTS, USE
from repository.tables import AccessRequest, CaseFile, LedgerEntry, Record
from tests.unit.lantai_web.conftest import take_in

READS, CHANGES, NEITHER = "reads content", "changes", "neither"
COMMANDS = {
    "account change": CHANGES,
    "account close": CHANGES,
    "account create": CHANGES,
    "account end-role": CHANGES,
    "account grant": CHANGES,
    "account list": NEITHER,
    "account reopen": CHANGES,
    "account reset": CHANGES,
    "alarms close": CHANGES,
    "alarms list": NEITHER,
    "alarms show": NEITHER,
    "alarms take": CHANGES,
    "backup list": NEITHER,
    "backup verify": NEITHER,  # digests
    "bag create": NEITHER,  # of files that are not in the holdings
    "bag validate": NEITHER,
    "case arrange": READS,  # and changes, with records
    "case event": CHANGES,
    "database upgrade": CHANGES,
    "demo": CHANGES,
    "fixity audit": CHANGES,
    "fixity repair": CHANGES,
    "health": NEITHER,
    "hold lift": CHANGES,
    "hold list": NEITHER,
    "hold place": CHANGES,
    "index check": NEITHER,  # ids
    "index rebuild": CHANGES,
    "index status": NEITHER,
    "ingest": CHANGES,
    "init": CHANGES,
    "jobs cancel": CHANGES,
    "jobs list": NEITHER,
    "jobs resume": CHANGES,
    "jobs retry": CHANGES,
    "jobs show": NEITHER,
    "jobs workers": NEITHER,
    "ledger export": NEITHER,  # ids and codes
    "ledger seal": CHANGES,
    "ledger verify": NEITHER,
    "list check": NEITHER,
    "list template": NEITHER,
    "log": NEITHER,
    "organ close": CHANGES,
    "organ create": CHANGES,
    "organ list": NEITHER,
    "organ move": CHANGES,
    "organ rename": CHANGES,
    "organ reopen": CHANGES,
    "rebuild": CHANGES,
    "record describe": READS,  # and changes, with --set
    "record export": READS,
    "record file": CHANGES,
    "record show": READS,
    "record take-out": CHANGES,
    "replica add": CHANGES,
    "replica compare": CHANGES,  # an entry in the ledger; keys and digests
    "replica list": NEITHER,
    "replica retire": CHANGES,
    "report household": READS,
    "report record": READS,
    "report submission": NEITHER,  # a deposit is no record yet
    "request decide": CHANGES,
    "request grants": NEITHER,
    "request list": NEITHER,
    "request revoke": CHANGES,
    "request show": READS,
    "restore": CHANGES,
    "retention due": READS,
    "retention explain": READS,
    "retention reassign": CHANGES,
    "sample": NEITHER,
    "search": READS,
    "serve": NEITHER,
    "session end": CHANGES,
    "session list": NEITHER,
    "status": NEITHER,
    "token create": CHANGES,
    "token list": NEITHER,
    "token revoke": CHANGES,
    "use export": READS,
    "use list": READS,
    "watch": CHANGES,
    "worker": CHANGES,
}
READ_WITH = {  # a way to ask that reads, and the act it leaves; {0} a record, {1} a household number,
    "case arrange": (["case", "arrange", "{1}"], "case.viewed"),
    "record describe": (["record", "describe", "{0}"], "record.viewed"),
    "record export": (["record", "export", "{0}", "{out}/bag"], "record.exported"),
    "record show": (["record", "show", "{0}"], "record.viewed"),
    "report household": (["report", "household", "{1}"], "case.viewed"),
    "report record": (["report", "record", "{0}"], "record.viewed"),
    "retention due": (["retention", "due", "--before", "2099-01-01"], "list.exported"),
    "retention explain": (["retention", "explain", "{0}"], "record.viewed"),
    "search": (["search", "申请"], "search.performed"),
    "use export": (["use", "export", "{out}/use.csv"], "register.exported"),
    "use list": (["use", "list"], "register.viewed"),
}
CHANGE_WITH = (  # a change that needs nothing prepared, and the act it leaves
    (["organ", "rename", "bureau", "--name", "云岭县民政局档案室"], "organ.renamed"),
    (["account", "create", "wang", "--name", "合成", "--organ", "bureau", "--role", "archivist"], "account.created"),
    (["account", "end-role", "wang", "archivist", "--organ", "bureau"], "role.revoked"),
    (["token", "create", "wang", "--label", "x"], "token.created"),
    (["hold", "place", "{0}", "--title", "t", "--authority", "a", "--why", "w"], "hold.placed"),
    (["case", "event", "{1}", "benefit_stopped", "2026-01-31"], "case_file.revised"),
    (["record", "describe", "{0}", "--set", "note=合成"], "description.revised"),
    (["account", "close", "wang"], "account.closed"),
)
RUN = CliRunner()


def _commands() -> Iterator[tuple[str, Any]]:
    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(words), command
            return
        for name, one in inner.items():
            yield from walk(one, (*words, name))

    yield from walk(typer.main.get_command(whole()), ())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with two papers in a household file."""
    folder = tmp_path_factory.mktemp("console")
    made = initialise(load(home=folder / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    papers = folder / "papers"
    papers.mkdir()
    for name in ("申请书", "调查表"):
        (papers / f"{name}.txt").write_text(f"最低生活保障{name}")
    take_in(made, papers, household_no=household_no("990101101201", 1), programme="DB")
    yield made
    made.close()


@pytest.fixture
def run(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run a command; gives the acts that it entered, oldest first."""
    monkeypatch.setenv("LANTAI_HOME", str(site.settings.home))
    with site.archive.reading() as session:
        record = session.scalars(select(Record).order_by(Record.seq)).first()
        assert record is not None
        assert session.scalars(select(CaseFile.id)).first()
        named = [record.id, household_no("990101101201", 1)]

    def call(words: list[str]) -> list[LedgerEntry]:
        with site.archive.reading() as session:
            before = max(session.scalars(select(LedgerEntry.seq)), default=0)
        given = [one.replace("{out}", str(tmp_path)) for one in words]
        for number, value in enumerate(named):
            given = [one.replace(f"{{{number}}}", str(value)) for one in given]
        done = RUN.invoke(whole(), [*given, "--json"])
        assert done.exit_code == 0, (given, done.output, done.exception)
        with site.archive.reading() as session:
            return list(session.scalars(select(LedgerEntry).where(LedgerEntry.seq > before).order_by(LedgerEntry.seq)))

    return call


def test_every_command_is_known_for_what_it_does() -> None:
    found = {name for name, _ in _commands()}
    assert sorted(found - COMMANDS.keys()) == [], "commands without a line in this table"
    assert sorted(COMMANDS.keys() - found) == [], "lines without a command"


def test_what_reads_content_asks_why() -> None:
    asks = {name for name, one in _commands() if any("--reason" in each.opts for each in one.params)}
    reads = {name for name, kind in COMMANDS.items() if kind == READS}
    assert reads <= asks
    assert asks - reads == {"request revoke", "report submission"}  # the first says why the grant ends


@pytest.mark.parametrize("command", sorted(READ_WITH))
def test_what_is_read_stands_in_the_use_register_with_its_reason(run: Any, command: str) -> None:
    words, act = READ_WITH[command]
    entered = [one for one in run([*words, "--reason", "核对合成数据"]) if one.stream == USE]
    assert [one.act for one in entered] == [act]
    assert entered[0].actor_id.startswith("console:")
    assert "核对合成数据" in entered[0].body


def test_every_reading_command_is_tried() -> None:
    assert {name for name, kind in COMMANDS.items() if kind == READS} == READ_WITH.keys() | {"request show"}


def test_what_is_changed_stands_in_the_ledger_as_an_act_of_the_console(run: Any) -> None:
    for words, act in CHANGE_WITH:
        entered = [one for one in run(list(words)) if one.stream == ACTS]
        assert any(one.act.startswith(act) for one in entered), (words, [one.act for one in entered])
        assert {one.actor_id.partition(":")[0] for one in entered} == {"console"}, words


def test_the_console_sees_no_request_content_without_an_entry(run: Any, site: Site) -> None:
    with site.archive.reading() as session:
        assert session.scalars(select(AccessRequest.id)).first() is None
    assert not [one for one in run(["request", "list"]) if one.stream == USE]
