"""Reading of scans, with the real recogniser on rendered pages: what is read, where it stands, and what a kill costs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import noto_cjk_sans_otc
import pytest
import typst
from PIL import Image
from sqlalchemy import select

from ingest.extract import ocr
from ingest.extract.derive import derive_pending
from ingest.extract.ocr import recognise_pending
from ingest.extract.pictures import picture_pending
from ingest.extract.recognise import installed
from repository import leases, outbox
from repository.archive import Archive
from repository.clock import FixedClock
from repository.derivatives import get_pages, get_text, recognised_pages
from repository.tables import StoredFile

pytestmark = pytest.mark.skipif(not installed(), reason="the reader of scans is not installed (make ocr)")
ROOT = Path(__file__).parents[3]
Deposit = Callable[..., str]
FIRST, SECOND = "最低生活保障金申请审批表", "申请人刘三户号一七"
CHILD = """
import sys
from pathlib import Path
from typing import Any
from ingest.extract.ocr import recognise_pending
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import open_engine, open_sessions, reading_sessions
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas

if __name__ == "__main__":
    root, holding = Path(sys.argv[1]), sys.argv[2]
    engine = open_engine(f"sqlite:///{root / 'lantai.db'}")
    archive = Archive(
        holding, "Asia/Shanghai", open_sessions(engine), reading_sessions(engine),
        Replicas([LocalStore(name, root / "replicas" / name) for name in ("a", "b")]), Keys.open(root / "keys"),
        FixedClock(), builtin("social_assistance"), root / "quarantine", root / "derivatives",
    )
    recognise_pending(archive, seconds=600)
"""


def states(archive: Archive) -> list[tuple[str, str]]:
    with archive.reading() as session:
        rows = session.execute(select(StoredFile.text_state, StoredFile.ocr_state).order_by(StoredFile.position))
        return [(text, state) for text, state in rows]


def printed(*pages: str) -> list[Image.Image]:
    """Small pages with a line each, as a scanner gives them."""
    body = "#pagebreak()".join(pages)
    source = (
        f'#set page(width: 12cm, height: 4cm, margin: 1cm)\n#set text(font: "Noto Sans CJK SC", size: 18pt)\n{body}'
    )
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(noto_cjk_sans_otc.FONT_PATH).parent)],
    )
    made: Any = typst.compile(source.encode(), font_paths=fonts, format="png", ppi=150)
    leaves = made if isinstance(made, list) else [made]
    return [Image.open(io.BytesIO(one)).convert("RGB") for one in leaves]


def scan(*pages: str) -> bytes:
    first, *others = printed(*pages)
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=others, compression="tiff_deflate")
    return out.getvalue()


def prepare(archive: Archive) -> None:
    while derive_pending(archive) or picture_pending(archive):
        pass


def read_all(archive: Archive, setting: str = "auto") -> int:
    done = 0
    while made := recognise_pending(archive, setting):
        done += made
    return done


def test_scans_are_read_and_announced(archive: Archive, deposit: Deposit, pdf: bytes) -> None:
    out = io.BytesIO()
    printed(SECOND)[0].save(out, "PDF", resolution=150)  # a scan inside a PDF
    record_id = deposit(
        ("a.tif", "image/tiff", "fmt/353", scan(FIRST, "", SECOND)),
        ("b.pdf", "application/pdf", "fmt/20", out.getvalue()),
        ("c.txt", "text/plain", None, "文字".encode()),
        ("d.pdf", "application/pdf", "fmt/20", pdf),
    )
    assert read_all(archive) == 0  # pictures first
    prepare(archive)
    with archive.sessions.begin() as session:
        outbox.mark_done(session, [one.seq for one in outbox.pending(session)], archive.clock.now())
    assert read_all(archive, "off") == 1  # the text file needs no reading
    assert states(archive)[0] == ("not_applicable", "pending")
    read_all(archive)
    assert states(archive) == [("done", "done"), ("done", "done"), ("done", "not_applicable"), ("done", "done")]
    told = get_pages(archive.derivatives, record_id, 1, 1)
    assert told is not None
    assert [page.text for page in told.pages] == [FIRST, "", SECOND]
    page = told.pages[0]
    assert page.recognised
    assert page.confidence is not None
    assert page.confidence > 0.9
    assert told.recogniser.startswith("rapidocr-onnxruntime 1.")
    (left, top, right, bottom) = page.boxes(6, 9)[0]
    assert 3000 < left < right < 8500
    assert top < 5000 < bottom or top < bottom < 6000
    assert get_text(archive.derivatives, record_id, 1, 2) == [SECOND]
    own = get_text(archive.derivatives, record_id, 1, 4)
    assert own is not None
    assert "劉三" in own[1]  # typed text stays; a page of six characters is read from its picture
    with archive.reading() as session:
        assert {one.subject_id for one in outbox.pending(session)} == {record_id}


def test_without_the_recogniser_scans_wait(archive: Archive, deposit: Deposit, monkeypatch: pytest.MonkeyPatch) -> None:
    deposit(("a.tif", "image/tiff", "fmt/353", scan(FIRST)))
    prepare(archive)
    monkeypatch.setattr(ocr, "installed", lambda: False)
    assert recognise_pending(archive) == recognise_pending(archive, "on") == 0
    assert states(archive) == [("not_applicable", "pending")]


def test_one_process_at_a_time(archive: Archive, deposit: Deposit) -> None:
    deposit(("a.tif", "image/tiff", "fmt/353", scan(FIRST)))
    prepare(archive)
    assert leases.take(archive.sessions, "ocr", "another", 60, archive.clock)
    assert recognise_pending(archive) == 0


def test_a_kill_costs_a_page_at_most(archive: Archive, deposit: Deposit, clock: FixedClock, tmp_path: Path) -> None:
    pages = 12
    record_id = deposit(("a.tif", "image/tiff", "fmt/353", scan(*(f"{FIRST}{n}" for n in range(pages)))))
    prepare(archive)
    kept: set[int] = set()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), archive.holding_id],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        until = time.monotonic() + 60
        while len(kept) < 2 and time.monotonic() < until:
            time.sleep(0.05)
            kept = recognised_pages(archive.derivatives, record_id, 1, 1)
        child.kill()
    assert 2 <= len(kept) < pages
    kept = recognised_pages(archive.derivatives, record_id, 1, 1)
    clock.moment += timedelta(minutes=5)  # the killed holder's lease ends
    assert read_all(archive) == pages - len(kept) + 1
    assert states(archive) == [("done", "done")]
    told = get_text(archive.derivatives, record_id, 1, 1)
    assert told is not None
    assert [page[: len(FIRST)] for page in told] == [FIRST] * pages


def test_a_process_told_to_end_loses_no_page(archive: Archive, deposit: Deposit) -> None:
    pages = 10
    record_id = deposit(("a.tif", "image/tiff", "fmt/353", scan(*(f"{FIRST}{n}" for n in range(pages)))))
    prepare(archive)
    reading = threading.Thread(target=recognise_pending, args=(archive,), kwargs={"seconds": 600})
    reading.start()
    until = time.monotonic() + 60
    while not recognised_pages(archive.derivatives, record_id, 1, 1) and time.monotonic() < until:
        time.sleep(0.02)
    ocr.interrupt()
    reading.join(5)
    assert not reading.is_alive()
    assert states(archive) == [("not_applicable", "pending")]
    read_all(archive)
    told = get_text(archive.derivatives, record_id, 1, 1)
    assert told is not None
    assert [page[: len(FIRST)] for page in told] == [FIRST] * pages
