"""A picture that begins like a page."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import saved


def make(folder: Path) -> Path:
    return one(folder, "图.gif", saved(Image.new("P", (4, 4)), "GIF", comment=b"<html><script>x</script>"))
