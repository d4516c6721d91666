"""A drawing that runs a script."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(
        folder,
        "图.svg",
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" version="1.1"><script>x()</script></svg>',
    )
