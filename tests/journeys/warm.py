"""Commands that need not load the program first: real processes, copies of one that has loaded it (``standby``).

They have words, environment, exit code and number of their own, and are killed like others. What they do not try is
the loading, nor the script that the installer writes: ``Commands`` does, which each module uses as well.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.journeys.commands import LANTAI, Commands
from tests.journeys.standby import MOST_BYTES

_UNWATCHED = -1000
"""The exit code of a command that nobody could tell the end of."""


class Running:
    """A command that runs, with what tests ask of a ``Popen``."""

    def __init__(self, words: list[str], answer: socket.socket, stdout: IO[str] | None = None) -> None:
        self.args, self.stdout = words, stdout
        self.returncode: int | None = None
        self._answer = answer.makefile("r")
        answer.close()
        self.pid = int(self._answer.readline())
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def _watch(self) -> None:
        with self._answer:
            told = self._answer.readline()
        self.returncode = int(told) if told else _UNWATCHED
        self._ended.set()

    def poll(self) -> int | None:
        """The exit code, or ``None`` while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self._watching.join()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 300) -> tuple[str, None]:
        """What it says until it and whoever else writes there have ended."""
        assert self.stdout is not None
        told: list[str] = []
        reading = threading.Thread(target=lambda stream: told.append(stream.read()), args=(self.stdout,), daemon=True)
        reading.start()
        reading.join(timeout)
        if reading.is_alive():
            self.kill()
            raise subprocess.TimeoutExpired(self.args, timeout)
        self.stdout.close()
        self.wait(60)
        return told[0], None


@dataclass
class Standby:
    """The process that stands by."""

    line: socket.socket

    def start(
        self, words: list[str], environment: dict[str, str], out: int, err: int
    ) -> tuple[list[str], socket.socket]:
        """Have ``lantai`` run with these words; the socket tells its number and how it ended."""
        words = [str(LANTAI), *words]
        asked = json.dumps({"words": words, "environment": environment, "folder": str(Path.cwd())}).encode()
        assert len(asked) < MOST_BYTES
        mine, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.line, [asked], [out, err, theirs.fileno()])
        return words, mine


FEW_PAPERS = {"LANTAI_CHECK_PROCESSES": "1"}
"""The environment of a site with few papers: a second process for checks loads longer than it works."""


@contextmanager
def standing_by() -> Iterator[Standby]:
    """The process, for the length of a fixture."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("standby.py"))],
            stdin=theirs.fileno(),
            env={**os.environ, "COLUMNS": "200"},  # the width of lines is asked for when the program is loaded
        )
    try:
        with mine:
            yield Standby(mine)
    finally:
        process.wait(timeout=60)


@dataclass
class WarmCommands(Commands):
    """Runs ``lantai`` on one site, in copies of the process that stands by."""

    standby: Standby = field(kw_only=True)

    @property
    def cold(self) -> Commands:
        """The same by the installed script, which loads the program."""
        return Commands(self.home, self.environment)

    def run(
        self, *arguments: object, expect: int | tuple[int, ...] | None = 0, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; fail with its words when it ends in another way than expected."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            words, answer = self.standby.start([*map(str, arguments)], self.env(), out.fileno(), err.fileno())
            running = Running(words, answer)
            try:
                code = running.wait(timeout)
            finally:
                running.kill()
            for stream in (out, err):
                stream.seek(0)
            done = subprocess.CompletedProcess(words, code, out.read(), err.read())
        return self.checked(done, expect)

    def start(self, *arguments: object) -> Running:  # type: ignore[override]
        """Start a command that stays."""
        reading, writing = os.pipe()
        words, answer = self.standby.start([*map(str, arguments)], self.env(), writing, writing)
        os.close(writing)
        return Running(words, answer, os.fdopen(reading, "r"))
