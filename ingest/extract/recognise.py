"""Words on pictures of pages, by rapidocr (PP-OCRv4 models, in its wheel). Runs in a process of its own.

Loaded only there: models and runtime take about 1 GB. The direction classifier is off, because it drops whole lines of
upright scans. The process steps back behind everything else (``nice``) and uses one core.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from repository.derivatives import FULL, Line, PageText

_PACKAGE = "rapidocr_onnxruntime"
_FLAT = 24
"""A page whose greys lie closer together than this is blank."""


def installed() -> bool:
    """Whether the recogniser is there; asking does not load it."""
    return find_spec(_PACKAGE) is not None


@cache
def engine_name() -> str:
    """Program, version and models, as kept beside the text."""
    try:
        return f"rapidocr-onnxruntime {version('rapidocr-onnxruntime')}, PP-OCRv4"
    except PackageNotFoundError:
        return ""


def recognise(items: Sequence[str]) -> list[PageText]:
    """The words on each picture (a path), line by line, each with its place and the mean confidence of the page."""
    return [_page(Path(path)) for path in items]


@cache
def _engine() -> Any:
    os.nice(10)
    from rapidocr_onnxruntime import RapidOCR  # 1 s and hundreds of megabytes: only where pages are read

    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)


def _page(path: Path) -> PageText:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    lowest, highest = picture.convert("L").getextrema()
    if float(highest) - float(lowest) < _FLAT:  # type: ignore[arg-type]  # of one band they are numbers
        return PageText("", recognised=True)
    import numpy as np

    found, _ = _engine()(np.asarray(picture)[:, :, ::-1], use_cls=False)
    text, lines = "", []
    certain = counted = 0.0
    for corners, words, confidence in found or []:
        if not words.strip():
            continue
        text += "\n" if text else ""
        lines.append(_line(corners, len(text), len(text) + len(words), picture.size))
        text += words
        certain += float(confidence) * len(words)
        counted += len(words)
    return PageText(text, tuple(lines), recognised=True, confidence=round(certain / counted, 4) if counted else None)


def _line(corners: Sequence[Sequence[float]], begin: int, end: int, size: tuple[int, int]) -> Line:
    across = [max(0, min(FULL, round(float(x) / size[0] * FULL))) for x, _ in corners]
    down = [max(0, min(FULL, round(float(y) / size[1] * FULL))) for _, y in corners]
    return begin, end, min(across), min(down), max(across), max(down)
