"""ClamAV's daemon with one signature of our own: the test file that every scanner knows."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from ingest.clamd import Clamd as Client
from ingest.limits import VirusScanner
from tests.services.base import NotHere, Server, free_ports, program

EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-" + "FILE!$H+H*"
"""In two parts, so that no scanner takes this source for it."""


class Clamd(Server):
    """clamd on a loopback port; ``settings`` as a site would write them."""

    name = "clamd"

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.port = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def settings(self) -> VirusScanner:
        """The scanner's settings of a site."""
        return VirusScanner(address=self.address, seconds=10)

    def start(self) -> Self:
        """See ``Server.start``."""
        found = program("clamd", "/usr/sbin")
        if found is None:
            raise NotHere("clamd is not installed (Debian's package is `clamav-daemon`)")
        signatures = self.folder / "db"
        signatures.mkdir(exist_ok=True)
        (signatures / "local.ndb").write_text(f"Local.Eicar.Test:0:*:{EICAR.encode().hex()}\n", encoding="ascii")
        self.port = self.port or free_ports(1)[0]
        lines = [
            f"DatabaseDirectory {signatures}",
            f"TCPSocket {self.port}",
            "TCPAddr 127.0.0.1",
            "Foreground yes",
            "StreamMaxLength 4M",
        ]
        config = self.folder / "clamd.conf"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._spawn([found, "-c", config])
        self._await(lambda: Client(self.address, 10).ping(), seconds=30)
        return self
