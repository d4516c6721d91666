"""Commands about the database itself: bring it up to date, as its owner."""

from __future__ import annotations

import typer

from lantai.alone import alone
from lantai.cli.output import Json, emit, say, warn
from lantai.database import bring_up_to_date, open_database
from lantai.site import load_initialised
from repository.db import reading_sessions
from repository.rights import ledger_protected

database = typer.Typer(help="The database: bring it up to date, as its owner.", no_args_is_help=True)


@database.command()
def upgrade(*, json: Json = False) -> None:
    """Give the database this version's tables, and the program's role its rights; may be repeated at any time.

    On PostgreSQL with `database_owner_url`. Stop servers and workers of the older version first.
    """
    settings = load_initialised()
    with alone(settings.home):
        bring_up_to_date(settings)
    engine = open_database(settings)
    try:
        with reading_sessions(engine)() as session:
            protected = ledger_protected(session)
    finally:
        engine.dispose()
    if json:
        emit({"database": engine.dialect.name, "ledger_protected": protected})
        return
    say("数据库已是本版本的结构，权限已重新设置。", "The database has the tables of this version; rights are set anew.")
    if engine.dialect.name == "postgresql" and not protected:
        warn(
            "程序的帐号可以改动台账的行：请为程序另设一个帐号（docs/howto/postgresql.md）。",
            "The program's role can change rows of the ledger: give the program a role of its own (docs/howto/postgresql.md).",
        )


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(database, name="database")
