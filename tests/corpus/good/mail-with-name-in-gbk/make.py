"""An attachment named in GBK without saying so."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.mail import raw_mail
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "材料.eml", raw_mail('Content-Disposition: attachment; filename="说明.txt"'.encode("gbk")))
