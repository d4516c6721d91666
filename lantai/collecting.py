"""When the interpreter looks for cycles of dead objects: seldom, and never among what lives as long as the process.

The program loads half a million objects that stay. To go over them again and again was a sixth of the time of a short
command, and a fifth of taking two thousand small files in; among the pages of a server it cost one 0.3 s now and then.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000
"""New objects after which it looks; Python's own 700 is for small programs."""


def seldom() -> None:
    """Look every ``NEW_OBJECTS``, before the program is loaded."""
    gc.set_threshold(NEW_OBJECTS)


def settled() -> None:
    """What is loaded by now stays, and is looked at no more: for a process that serves or works on."""
    gc.collect()
    gc.freeze()
