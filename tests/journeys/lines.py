"""A line between a sender and a site that a test can slow down, cut and mend."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class Line:
    """Passes bytes to ``site`` (``http://host:port``) from ``address``; sockets on loopback, nothing feigned.

    ``cuts``: after so many bytes from the sender every connection that passes them ends. ``down``: nothing gets through.
    ``bytes_a_second`` slows what the sender sends.
    """

    def __init__(self, site: str, *, bytes_a_second: float = 0.0) -> None:
        host, port = site.removeprefix("http://").split(":")
        self._site = (host, int(port))
        self._pace = bytes_a_second
        self._ears = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._passed = 0
        self.cuts: list[int] = []
        self.down = False
        self.address = f"http://127.0.0.1:{self._ears.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Pull the plug."""
        self.down = True
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Put it back."""
        self.down = False

    def close(self) -> None:
        """End everything."""
        self.cut()
        self._ears.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._ears.accept()
            except OSError:
                return
            if self.down:
                near.close()
                continue
            far = socket.create_connection(self._site)
            self._open |= {near, far}
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if counted and self._ends(len(data)):
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._open.discard(end)
            end.close()

    def _ends(self, count: int) -> bool:
        self._passed += count
        if self._pace:
            time.sleep(count / self._pace)
        if self.cuts and self._passed >= self.cuts[0]:
            self.cuts.pop(0)
            return True
        return self.down
