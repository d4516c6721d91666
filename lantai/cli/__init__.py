"""The command line: a thin layer over the same functions that pages and the API call.

A command runs as ``console:<system user>`` with the rights of archivist and preservation officer; each act is in the
ledger, and reading content asks for a reason (``--reason``, default "console").
"""

from lantai import collecting


def main() -> None:
    """Run a command; see ``lantai.cli.app.main``."""
    collecting.seldom()
    from lantai.cli.app import main as run

    run()
