"""The log of ``lantai serve`` and ``lantai worker``: one line an event, for people or as JSON for programs.

A line says when, how serious, from where, what, and to which request or job it belongs. Numbers of persons are masked
before any line is made (``access.masking.mask_log``); addresses, query strings, names and tokens are not logged at all.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

from dbos import DBOS

from access.masking import mask_log
from lantai import request_id

_OF_A_REQUEST = ("method", "route", "status", "ms")


def configure(form: Literal["text", "json"], *, stream: TextIO | None = None) -> None:
    """Write this process's log to ``stream`` (standard error) in this form, in place of whatever wrote it before.

    As text only what needs somebody's eye is a line; as JSON what goes well, too, every request among it.
    """
    mask_log()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("lantai").setLevel(logging.INFO if form == "json" else logging.WARNING)
    for name in ("dbos", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]  # the job engine brings a form of its own to a logger without any
        logger.propagate = True


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time`` (UTC), ``level``, ``logger``, ``message``; ``request_id`` and ``job_id`` where
    there are such; of a request ``method``, ``route`` (its template), ``status``, ``ms``; of an error ``trace``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _belongs_to()
        line |= {name: value for name in _OF_A_REQUEST if (value := getattr(record, name, None)) is not None}
        if trace := _trace(self, record):
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """Time, level, logger, words, and in brackets the request or job; a trace follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        words = "".join(char if char.isprintable() else " " for char in record.getMessage())
        whose = " ".join(f"{name.removesuffix('_id')} {value}" for name, value in _belongs_to().items())
        line = f"{_time(record)} {record.levelname} {record.name}: {words}{f' [{whose}]' if whose else ''}"
        trace = _trace(self, record)
        return f"{line}\n{trace}" if trace else line


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _belongs_to() -> dict[str, str]:
    known = {"request_id": request_id.current(), "job_id": DBOS.workflow_id or ""}
    return {name: value for name, value in known.items() if value}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_text:  # masked already
        return record.exc_text
    return formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] is not None else ""
