"""How many tests ran on each real server, and how many were left out for want of one: the closing lines of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

SERVERS = {
    "postgres": "PostgreSQL",
    "seaweed": "SeaweedFS (S3)",
    "elastic": "Elasticsearch",
    "clamd": "ClamAV",
}


class ServerCounts:
    """A pytest plugin that counts by fixture: ``postgres`` and ``own_postgres`` are both PostgreSQL."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.why: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        """Count a test once: where its own body ran, or where it was skipped before."""
        report = yield
        used = self._used(item)
        if report.when == "call" and not report.skipped:
            self.ran.update(used)
        elif report.skipped and isinstance(report.longrepr, tuple):
            for one in used:
                words = str(report.longrepr[2])
                if words.startswith(("Skipped: no ", "no ")) and SERVERS[one].split()[0] in _said(words):
                    self.left_out[one] += 1
                    self.why.setdefault(one, words.partition(": ")[2])
        return report

    @staticmethod
    def _used(item: pytest.Item) -> set[str]:
        request = getattr(item, "_request", None)
        names = set(getattr(item, "fixturenames", ())) | set(request.fixturenames if request is not None else ())
        return {one for one in SERVERS if one in names or f"own_{one}" in names}

    def lines(self) -> list[str]:
        """A line a server."""
        found = []
        for one, words in SERVERS.items():
            if self.left_out[one]:
                found.append(f"{words}: {self.ran[one]} tests ran, {self.left_out[one]} left out ({self.why[one]}).")
            else:
                found.append(f"{words}: {self.ran[one]} tests ran on a real server, none left out.")
        return found

    def missing(self) -> list[str]:
        """Servers for want of which tests were left out."""
        return [words for one, words in SERVERS.items() if self.left_out[one]]


def _said(words: str) -> str:
    return words.replace("clamd", "ClamAV")
