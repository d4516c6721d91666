"""The command line: a thin layer over the same functions that pages and the API call.

A command runs as ``console:<system user>`` with the rights of archivist and preservation officer; each act is in the
ledger, and reading content asks for a reason (``--reason``, default "console").
"""

import gc

_NEW_OBJECTS = 50_000


def main() -> None:
    """Run a command; see ``lantai.cli.app.main``.

    Cycles are looked for every 50,000 new objects, not every 700: loading the program makes hundreds of thousands that
    stay, and going over them again and again was a sixth of the time of a short command (measured).
    """
    gc.set_threshold(_NEW_OBJECTS)
    from lantai.cli.app import main as run

    run()
