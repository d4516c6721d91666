"""The command line, as a user has it: the script that the installer wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LANTAI = Path(sys.executable).with_name("lantai")


@dataclass
class Commands:
    """Runs ``lantai`` on one site."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def env(self) -> dict[str, str]:
        """The environment of a command."""
        return {**os.environ, "LANTAI_HOME": str(self.home), "COLUMNS": "200", **self.environment}

    def run(
        self, *arguments: object, expect: int | tuple[int, ...] | None = 0, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; fail with its words when it ends in another way than expected."""
        done = subprocess.run(
            [str(LANTAI), *map(str, arguments)],
            env=self.env(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return self.checked(done, expect)

    @staticmethod
    def checked(
        done: subprocess.CompletedProcess[str], expect: int | tuple[int, ...] | None
    ) -> subprocess.CompletedProcess[str]:
        """What every command is held to: it ends as expected, and never with a traceback."""
        wanted = (expect,) if isinstance(expect, int) else expect
        assert wanted is None or done.returncode in wanted, (
            f"lantai {' '.join(done.args[1:])} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *arguments: object, expect: int | tuple[int, ...] | None = 0) -> Any:
        """Run one command with ``--json`` and read its answer."""
        return json.loads(self.run(*arguments, "--json", expect=expect).stdout.strip().splitlines()[-1])

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command that stays."""
        return subprocess.Popen(
            [str(LANTAI), *map(str, arguments)],
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
