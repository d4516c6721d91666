"""What all servers share: a folder, free ports, a user that is not root, waiting until one answers."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

_ACCOUNTS = ("postgres", "nobody")
_PORTS = range(10_100, 22_700)  # below what the system hands out by itself, also with 10,000 added (SeaweedFS' gRPC)


class NotHere(Exception):
    """This machine cannot have the server; the sentence says why."""


class NoStart(RuntimeError):
    """The server is installed and did not start: a fault, unlike ``NotHere``."""


class Server(ABC):
    """One server process. A folder that is given is kept; an own one goes with ``close``."""

    name: str

    def __init__(self, folder: Path | None = None) -> None:
        self._own = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"lantai-{self.name}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # a server that runs as somebody else must reach what is its own below
        self.pid: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> Self:
        """Start it, or start it again on its data and ports; returns when it answers."""

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        if self.pid is None:
            return False
        if self._process is not None:  # our child: asking also takes the dead one off the list of processes
            return self._process.poll() is None
        return _lives(self.pid)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as when the power goes; the data stay."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It accepts connections and never answers."""
        assert self.pid is not None
        freeze(self.pid)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it for good and remove what was made for it."""
        self.kill()
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """The end of what it wrote."""
        with suppress(OSError):
            return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
        return ""

    def _end(self, how: signal.Signals) -> None:
        if self.pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self.pid, how)
            os.kill(self.pid, signal.SIGCONT)
        until = time.monotonic() + 30
        while self.alive:
            if time.monotonic() > until:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.02)
        self.pid = self._process = None

    def _spawn(
        self, command: Sequence[str | Path], *, account: str | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` in a session of its own, so that it outlives who started it; its words go to ``log``."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(one) for one in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, **(env or {})},
                start_new_session=True,
                user=account,
                group=None if account is None else pwd.getpwnam(account).pw_gid,
                extra_groups=None if account is None else [],
            )
        self.pid = self._process.pid
        return self._process

    def _await(self, answers: Callable[[], object], *, seconds: float = 60.0) -> None:
        """Wait until ``answers`` raises nothing; ``NoStart`` with its last words otherwise."""
        until = time.monotonic() + seconds
        while True:
            try:
                answers()
            except Exception as error:
                if not self.alive or time.monotonic() > until:
                    self.kill()
                    raise NoStart(f"{self.name} did not start: {error}\n{self.log()}") from error
                time.sleep(0.05)
            else:
                return


def freeze(pid: int) -> None:
    """SIGSTOP, and back when every thread stands still: a moment longer one of many may still answer."""
    os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + 10
    while any(_state(thread) not in {"T", "Z", ""} for thread in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < until, f"process {pid} does not stand still"
        time.sleep(0.001)


def _lives(pid: int) -> bool:
    return _state(Path(f"/proc/{pid}/stat")) not in {"Z", ""}


def _state(stat: Path) -> str:
    """The letter of proc(5) for what a process or thread does; empty when there is none."""
    try:
        return stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def account_for_servers() -> str | None:
    """Who runs servers that refuse root; ``None`` when we are not root and need nobody else."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise NotHere(f"none of the accounts {', '.join(_ACCOUNTS)} exists to run it as")


def free_ports(count: int, *, twins: bool = False) -> list[int]:
    """Ports that nothing listens on now; with ``twins`` each one 10,000 above is free too."""
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, 2000):
        if all(_is_free(one) for one in ((port, port + 10_000) if twins else (port,))):
            found.append(port)
            if len(found) == count:
                return found
    raise NotHere("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def program(name: str, *folders: str | Path) -> Path | None:
    """Where ``name`` is: beside this Python, on PATH, or in one of ``folders``."""
    beside = Path(sys.executable).with_name(name)
    if beside.exists():
        return beside
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)]))
    return None if found is None else Path(found).resolve()


def kept_for_all() -> Path:
    """A folder for what is fetched once and used by every start, readable by the accounts that servers run as."""
    folder = Path(os.environ.get("TESTS_SERVICES_CACHE", f"/var/tmp/lantai-services-{os.geteuid()}"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    return folder


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """``server`` for the length of a block."""
    try:
        yield server.start()
    finally:
        server.close()
