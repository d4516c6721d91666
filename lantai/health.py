"""Whether the process that a container or a service runs still lives; for whoever restarts it, not for people."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

from sqlalchemy.exc import SQLAlchemyError

from lantai.database import open_database
from lantai.heartbeats import living
from lantai.settings import load
from repository.db import reading_sessions

_SECONDS = 4.0
_HOST_LENGTH = 40


def web_answers() -> bool:
    """Whether ``lantai serve`` answers on this host."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{load().port}/healthz", timeout=_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def worker_beats() -> bool:
    """Whether a worker of this host beat within the time after which others take its work over."""
    settings = load()
    engine = open_database(settings)
    try:
        beating = living(reading_sessions(engine), settings.worker_ttl_seconds)
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()
    return any(one.startswith(f"{socket.gethostname()[:_HOST_LENGTH]}-") for one in beating)
