"""A client of clamd, ClamAV's scanning daemon: one command a connection, over a Unix socket or TCP.

The commands used are ``zPING``, ``zVERSION`` and ``zINSTREAM`` (clamd(8)); bytes are streamed, so that the daemon needs no
access to quarantine. Whatever does not end in ``OK`` or ``FOUND`` is no answer and raises ``ScanFailed``.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

_CHUNK = 256 << 10
_PATIENCE = 5.0  # seconds for a connection, and for commands that read no file
_LONGEST_ANSWER = 64 << 10
_FOUND = re.compile(r"stream: (?P<name>.+) FOUND\Z", re.DOTALL)
_NOT_LOOKED_INTO = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
"""What clamd, told to, answers for a file that it could not look into: no malware, and no pass either."""
_BUILT = "%a %b %d %H:%M:%S %Y"


class ScanFailed(Exception):
    """A file was not scanned. ``reason``: unreachable, time, too_large, encrypted, limits, unreadable, refused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Version:
    """What scans: the engine, the number of the daily database and when it was built (naive, as the daemon says it).

    A daemon that has only signatures of its own, as in a test, names neither number nor day.
    """

    engine: str
    database: str = ""
    built: datetime | None = None

    def __str__(self) -> str:
        day = self.built.date().isoformat() if self.built else ""
        return "/".join(part for part in (self.engine.removeprefix("ClamAV "), self.database, day) if part)


@dataclass(frozen=True, slots=True)
class Clamd:
    """Where the daemon listens: ``unix:/path`` or ``host:port``; ``seconds`` for one file."""

    address: str
    seconds: float = 60.0

    def ping(self) -> None:
        """``ScanFailed`` unless the daemon answers."""
        if self._ask(b"zPING\0") != "PONG":
            raise ScanFailed("refused")

    def version(self) -> Version:
        """Engine and signatures; ``ScanFailed`` when the daemon does not answer."""
        engine, _, rest = self._ask(b"zVERSION\0").partition("/")
        database, _, told = rest.partition("/")
        try:
            built = datetime.strptime(told, _BUILT) if told else None  # noqa: DTZ007 - clamd names no zone
        except ValueError:
            built = None
        return Version(engine, database, built)

    def scan(self, source: BinaryIO) -> str | None:
        """The name of the malware in ``source``, None when it is clean. ``ScanFailed`` when it was not scanned."""
        until = time.monotonic() + self.seconds
        with self._connect(self.seconds) as connection:
            try:
                connection.sendall(b"zINSTREAM\0")
                while chunk := _read(source):
                    connection.settimeout(_left(until))
                    connection.sendall(struct.pack(">I", len(chunk)) + chunk)
                connection.sendall(struct.pack(">I", 0))
            except TimeoutError as error:
                raise ScanFailed("time") from error
            except OSError:
                pass  # it closes the stream at its size limit, and says so in the answer
            return _judged(_answer(connection, until))

    def _ask(self, command: bytes) -> str:
        patience = min(_PATIENCE, self.seconds)
        until = time.monotonic() + patience
        with self._connect(patience) as connection:
            try:
                connection.sendall(command)
            except OSError as error:
                raise ScanFailed("unreachable") from error
            return _answer(connection, until)

    def _connect(self, seconds: float) -> socket.socket:
        patience = min(seconds, _PATIENCE)
        try:
            if self.address.startswith("unix:"):
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.settimeout(patience)
                try:
                    connection.connect(self.address.removeprefix("unix:"))
                except OSError:
                    connection.close()
                    raise
            else:
                host, _, port = self.address.rpartition(":")
                connection = socket.create_connection((host.strip("[]"), int(port)), patience)
        except (OSError, ValueError) as error:
            raise ScanFailed("unreachable") from error
        connection.settimeout(seconds)
        return connection


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:
        raise ScanFailed("unreadable") from error


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise ScanFailed("time")
    return left


def _answer(connection: socket.socket, until: float) -> str:
    """Everything the daemon says before it closes the connection."""
    said = bytearray()
    while not said.endswith(b"\0") and len(said) < _LONGEST_ANSWER:
        try:
            connection.settimeout(_left(until))
            part = connection.recv(4096)
        except TimeoutError as error:
            raise ScanFailed("time") from error
        except OSError as error:
            raise ScanFailed("unreachable") from error
        if not part:
            break
        said += part
    if not said:
        raise ScanFailed("unreachable")
    return said.rstrip(b"\0\n").decode("utf-8", "replace")


def _judged(answer: str) -> str | None:
    if answer == "stream: OK":
        return None
    found = _FOUND.match(answer)
    if found is None:
        raise ScanFailed("too_large" if "size limit exceeded" in answer else "refused")
    name = found["name"]
    if name.startswith(_NOT_LOOKED_INTO):
        raise ScanFailed("encrypted" if "Encrypted" in name else "limits")
    return name
