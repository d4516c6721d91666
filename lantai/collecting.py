"""When the interpreter looks for cycles of dead objects: seldom, and never among what lives as long as the process.

The program loads half a million objects that stay. To go over them again and again was a sixth of the time of a short
command, and a fifth of taking two thousand small files in; among the pages of a server it cost one 0.3 s now and then.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000
"""New objects after which it looks; Python's own 700 is for small programs."""
SERVING = 10_000
"""The same in a server: what pages leave is cleared away in pauses of 10 ms, and not of 80 now and then (measured)."""


def seldom() -> None:
    """Look every ``NEW_OBJECTS``, before the program is loaded."""
    gc.set_threshold(NEW_OBJECTS)


def settled(new_objects: int = NEW_OBJECTS) -> None:
    """What is loaded by now stays, and is looked at no more: for a process that serves (``SERVING``) or works on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(new_objects)
