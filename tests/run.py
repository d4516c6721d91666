"""``make test``: runs every test and says plainly what was left out and why."""

from __future__ import annotations

import os
import shutil
import sys

import pytest


def main() -> int:
    """Run pytest with what this machine has; the closing lines name what it lacks."""
    arguments = ["-m", "not chaos and not fuzz", *sys.argv[1:]]
    code = int(pytest.main(arguments))
    if shutil.which("chromium") is None:
        print("Left out: browser journeys (no chromium on this machine; Debian's package is `chromium`).")
    if shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        print("Left out: virus checks (no clamd on this machine; Debian's package is `clamav-daemon`).")
    print(
        "Left out: ten thousand damaged files and ten thousand calls of the API (run them with `make fuzz`); 300 and 500 of them were run."
    )
    print("Left out: fifty-kill chaos run (run it with `make chaos`).")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
