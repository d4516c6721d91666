"""``make test``: runs every test and says plainly what was left out and why.

The tests start the servers that they need (``tests/services``). With ``TESTS_NEED_SERVERS=1`` a run that left tests out
for want of one fails: that is how CI runs.
"""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.services.counting import ServerCounts

_OWN_RUNS = "not chaos and not fuzz and not large"

# A process for each core, two to four: each starts servers of its own. A third on two cores saved little and
# made servers answer too late for their clients. A module's tests stay together, for they share sites; modules go in the
# order of the folders, so that the long journeys do not come last.
_PROCESSES = min(max(os.cpu_count() or 2, 2), 4)
_SIDE_BY_SIDE = ("-n", str(_PROCESSES), "--dist", "loadscope", "--no-loadscope-reorder")


def main() -> int:
    """Run pytest with what this machine has; the closing lines name what it lacks."""
    counts = ServerCounts()
    arguments = ["-m", _OWN_RUNS, *_SIDE_BY_SIDE, *sys.argv[1:]]
    code = int(pytest.main(arguments, plugins=[counts]))
    for line in counts.lines():
        print(line)
    if shutil.which("chromium") is None:
        print("Left out: browser journeys (no chromium on this machine; Debian's package is `chromium`).")
    print(
        "Left out: ten thousand damaged files and ten thousand calls of the API (run them with `make fuzz`); 300 and 500 of them were run."
    )
    print("Left out: the chaos runs of 200 and 300 households (`make chaos`); short seeded forms were run.")
    print("Left out: objects of 10 GiB (`make large`).")
    if os.environ.get("TESTS_NEED_SERVERS") and counts.missing():
        print(f"Failed: tests were left out for want of {', '.join(counts.missing())}.")
        return code or 1
    return code


if __name__ == "__main__":
    raise SystemExit(main())
