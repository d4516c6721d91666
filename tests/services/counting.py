"""How many tests ran on each real server, and how many were left out for want of one: the closing lines of a run."""

from __future__ import annotations

from collections import Counter

import pytest

SERVERS = {
    "postgres": "PostgreSQL",
    "seaweed": "SeaweedFS (S3)",
    "elastic": "Elasticsearch",
    "clamd": "ClamAV",
}

_PROPERTY = "server"


def note_servers(item: pytest.Item, report: pytest.TestReport) -> None:
    """Write into a report which servers its test asked for, by fixture: ``own_postgres`` is PostgreSQL too."""
    request = getattr(item, "_request", None)
    names = set(getattr(item, "fixturenames", ())) | set(request.fixturenames if request is not None else ())
    report.user_properties += [(_PROPERTY, one) for one in SERVERS if one in names or f"own_{one}" in names]


class ServerCounts:
    """A pytest plugin that counts the reports of all test processes, as ``note_servers`` marked them."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.why: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: where its own body ran, or where it was skipped before."""
        for kind, one in report.user_properties:
            if kind != _PROPERTY or not isinstance(one, str):
                continue
            if report.when == "call" and not report.skipped:
                self.ran[one] += 1
            elif report.skipped and isinstance(report.longrepr, tuple):
                words = str(report.longrepr[2])
                if words.startswith(("Skipped: no ", "no ")) and SERVERS[one].split()[0] in _said(words):
                    self.left_out[one] += 1
                    self.why.setdefault(one, words.partition(": ")[2])

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
