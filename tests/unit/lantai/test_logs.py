"""The log: one line an event, JSON that parses, and nothing in it that says whom it was about."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from lantai import logs, request_id

ID_NUMBER = "99010119860101123X"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A log into memory; the loggers are put back as they were."""
    root = logging.getLogger()
    names = ("", "lantai", "dbos", "uvicorn", "uvicorn.error", "uvicorn.access")
    kept = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    handlers, silent = list(root.handlers), logging.getLogger("dbos").disabled
    root.handlers = []
    logging.getLogger("dbos").disabled = False  # a worker of this process that ended leaves it silent
    yield io.StringIO()
    root.handlers = handlers
    logging.getLogger("dbos").disabled = silent
    for name, (level, propagate) in kept.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).propagate = propagate


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)
    with request_id.bound("request-0001"):
        told = {"method": "GET", "route": "/records/{record_id}", "status": 200, "ms": 1.5}
        logging.getLogger("lantai.request").info("%s %s %d", "GET", "/records/{record_id}", 200, extra=told)
    logging.getLogger("lantai.worker").warning("two\nlines")
    first, second = _lines(stream)
    assert first == {
        "time": first["time"],
        "level": "info",
        "logger": "lantai.request",
        "message": "GET /records/{record_id} 200",
        "request_id": "request-0001",
        **told,
    }
    assert str(first["time"]).endswith("Z")
    assert second["message"] == "two\nlines"
    assert "request_id" not in second


def test_numbers_of_persons_stand_in_no_line(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)
    log = logging.getLogger("lantai.web")
    log.warning("seen %s", ID_NUMBER)
    try:
        int(ID_NUMBER)
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    assert ID_NUMBER not in text
    assert "ValueError" in str(_lines(stream)[1]["trace"])


def test_text_has_only_what_needs_an_eye_and_no_made_up_lines(stream: io.StringIO) -> None:
    logs.configure("text", stream=stream)
    logging.getLogger("lantai.request").info("GET / 200")
    with request_id.bound("request-0002"):
        logging.getLogger("lantai.worker").warning("a\n2026-01-01 ERROR forged \x1b[31m")
    [line] = stream.getvalue().splitlines()
    assert "WARNING lantai.worker: a 2026-01-01 ERROR forged" in line
    assert line.endswith("[request request-0002]")
    assert "\x1b" not in line


def test_the_libraries_write_the_same_lines(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)
    logging.getLogger("dbos").warning("a job")
    logging.getLogger("uvicorn.error").error("a server")
    assert [one["logger"] for one in _lines(stream)] == ["dbos", "uvicorn.error"]
