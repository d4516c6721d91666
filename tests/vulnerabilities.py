"""``make audit``: asks an advisory source about every pinned dependency, and never claims what it was not told.

Ends with 0 only when the source answered for every file and knows of nothing, with 1 when it knows of something, and
with 3 and the words "not run" when no source answered: a machine without a network is not a clean one.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
CLEAN, FOUND, NOT_RUN = 0, 1, 3
_SECONDS = 300


@dataclass(frozen=True)
class Told:
    """What the source said of one file: how many packages it was asked about, what it knows, why it did not answer."""

    asked: int = 0
    known: tuple[str, ...] = ()
    silent: str = ""
    skipped: tuple[str, ...] = field(default=())


def command(file: Path) -> list[str]:
    """The auditor over one pinned file; nothing is installed or resolved."""
    program = [sys.executable, "-m", "pip_audit"]
    return [*program, "-r", str(file), "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off"]


def told(output: str, errors: str) -> Told:
    """What the auditor printed, read strictly: whatever is no whole report counts as no answer."""
    try:
        packages = json.loads(output)["dependencies"]
        asked = [one for one in packages if "skip_reason" not in one]
        skipped = tuple(one["name"] for one in packages if "skip_reason" in one)
        known = tuple(f"{one['name']} {one['version']}: {two['id']}" for one in asked for two in one.get("vulns", ()))
    except (ValueError, KeyError, TypeError):
        last = [line for line in errors.strip().splitlines() if line.strip()]
        return Told(silent=last[-1][:200] if last else "no answer")
    return Told(len(asked), known, "" if asked else "the source knows none of these packages", skipped)


def ask(file: Path) -> Told:
    """Ask about one file."""
    try:
        done = subprocess.run(command(file), capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Told(silent=f"no answer in {_SECONDS} seconds")
    return told(done.stdout, done.stderr)


def conclusion(answers: Sequence[Told]) -> int:
    """The exit code: what is known counts first, then silence; clean is only what was asked and answered for whole."""
    if any(one.known for one in answers):
        return FOUND
    if not answers or any(one.silent or one.skipped for one in answers):
        return NOT_RUN
    return CLEAN


def main() -> int:
    """Ask about every pinned file and say what came of it."""
    if importlib.util.find_spec("pip_audit") is None:
        print("not run: pip-audit is not installed (`make lint` installs what development needs)")
        return NOT_RUN
    answers = []
    for file in sorted(FOLDER.glob("*.txt")):
        answer = ask(file)
        answers.append(answer)
        if answer.silent:
            print(f"{file.name}: not run ({answer.silent})")
            continue
        print(f"{file.name}: {answer.asked} packages asked about, {len(answer.known)} known vulnerabilities")
        for one in answer.known:
            print(f"  {one}")
        for one in answer.skipped:
            print(f"  not asked about: {one}")
    code = conclusion(answers)
    print(
        {CLEAN: "no known vulnerability", FOUND: "known vulnerabilities: see above"}.get(
            code, "not run: nothing is claimed"
        )
    )
    return code


if __name__ == "__main__":
    raise SystemExit(main())
