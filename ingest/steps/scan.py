"""Scanning for malware: every file streamed to clamd, a few at a time, a batch of seconds at once.

It follows the looking into files, when no container is left to open: members are scanned, not what they came in. Where
it goes on stands in ``counts["scan_at"]``; each file keeps its answer in ``technical["virus"]``. A file whose scan failed
is tried once more and then told by itself. A scanner that answers nothing but timeouts, or does not answer at all, costs
one finding for all files left: the deposit neither hangs nor passes in silence. Where the settings say so, a deposit
waits instead for a scanner that is away, as for a store, and goes on when it is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ingest import quarantine
from ingest.checks import virus
from ingest.checks.virus import Answer
from ingest.clamd import Clamd, ScanFailed
from ingest.context import Context
from ingest.outcome import Finding
from ingest.packaging import SCANNER
from ingest.steps.telling import submission_of, tell
from metadata.errors import Unavailable
from repository.tables import Submission, SubmissionFile

_CONNECTIONS = 4
_ROUND = 128
_ROUND_BYTES = 256 << 20
_TOO_MANY = 8  # timeouts in a row: the scanner is no longer asked
_AGAIN_AFTER = 0.5
_MAY_PASS = frozenset({"unreachable", "time", "refused"})
_AWAY = frozenset({"unreachable", "away"})


class _Row(NamedTuple):
    seq: int
    position: int
    path: str
    source: str
    size: int
    technical: dict[str, Any] | None


def scan_some(context: Context, submission_id: str) -> bool:
    """Scan files for a few seconds; whether there was anything to do."""
    if "virus" not in context.checks:
        return False
    with context.archive.reading() as session:
        counts = dict(submission_of(session, submission_id).counts)
    if counts.get("scan_over"):
        return False
    if not context.virus.address:
        _end(context, submission_id, [virus.not_configured()])
        return False
    clamd = Clamd(context.virus.address, context.virus.seconds)
    if "scan_at" not in counts and not _begin(context, submission_id, clamd):
        return False
    at = int(counts.get("scan_at", -1))
    until = time.monotonic() + context.limits.batch_seconds
    while True:
        with context.archive.reading() as session:
            rows = _next(session, submission_id, at)
        if not rows:
            _end(context, submission_id, [])
            return True
        asked = _Asked(clamd, context)
        answers = asked.all_of(submission_id, rows)
        if asked.away:
            if asked.gone:
                _wait_if_told(context)
            _give_up(context, submission_id, rows, answers, asked.reason)
            return True
        _write(context, submission_id, rows, answers)
        at = rows[-1].position
        if time.monotonic() > until:
            return True


def _begin(context: Context, submission_id: str, clamd: Clamd) -> bool:
    """Note engine and signatures; False when the scanner is away, which is told."""
    try:
        version = _twice(clamd.version)
    except ScanFailed as failed:
        _wait_if_told(context)
        with context.archive.reading() as session:
            left = _left(session, submission_id, -1)
        _end(context, submission_id, [virus.unreachable(failed.reason, left)])
        return False
    weak = virus.signatures(version, context.virus, context.archive.clock.now())
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        tools = {**submission.counts.get("tools", {}), SCANNER: str(version)}
        submission.counts = {**submission.counts, "tools": tools, "scan_at": -1}
        tell(session, context, submission_id, weak)
    return True


def _wait_if_told(context: Context) -> None:
    """``Unavailable`` (``scanner.away``) when deposits shall wait for a scanner that is away."""
    if context.virus.when_away == "wait":
        raise Unavailable(
            "scanner.away",
            zh="病毒扫描程序没有应答，这次移交等待它恢复后自动继续；已接收的内容没有丢失。",
            en="The virus scanner does not answer. This deposit waits and goes on by itself when it is back; nothing received is lost.",
        )


def _twice(ask: Any) -> Any:
    try:
        return ask()
    except ScanFailed:
        time.sleep(_AGAIN_AFTER)
        return ask()


def _wanted(submission_id: str, at: int) -> tuple[Any, ...]:
    roles = SubmissionFile.role.in_(("payload", "tag", "list"))
    return SubmissionFile.submission_id == submission_id, SubmissionFile.position > at, roles


def _left(session: Session, submission_id: str, at: int) -> int:
    wanted = select(func.count()).select_from(SubmissionFile).where(*_wanted(submission_id, at))
    return session.scalar(wanted) or 0


def _next(session: Session, submission_id: str, at: int) -> list[_Row]:
    """The next files, few enough and small enough for one round."""
    columns = [getattr(SubmissionFile, name) for name in _Row._fields]
    wanted = select(*columns).where(*_wanted(submission_id, at)).order_by(SubmissionFile.position).limit(_ROUND)
    rows: list[_Row] = []
    size = 0
    for one in session.execute(wanted):
        row = _Row._make(one)
        size += row.size
        if rows and size > _ROUND_BYTES:
            break
        rows.append(row)
    return rows


class _Asked:
    """One round of scans side by side; ``away`` once the scanner is given up."""

    def __init__(self, clamd: Clamd, context: Context) -> None:
        self._clamd = clamd
        self._context = context
        self._lock = threading.Lock()
        self._timeouts = 0
        self.reason = ""
        self.gone = False  # it does not even answer a ping

    @property
    def away(self) -> bool:
        """Whether the scanner is no longer asked."""
        return bool(self.reason)

    def all_of(self, submission_id: str, rows: Sequence[_Row]) -> list[Answer]:
        """The answer for each of ``rows``."""
        base = self._context.base(submission_id)
        with ThreadPoolExecutor(_CONNECTIONS, "scan") as threads:
            return list(threads.map(lambda row: self._one(quarantine.locate(base, row.source), row.size), rows))

    def _one(self, path: bytes, size: int) -> Answer:
        if size == 0:
            return Answer(virus.CLEAN)
        if size > self._context.limits.virus_bytes:
            return Answer(virus.NOT_CHECKED, reason="too_large")
        answer = self._try(path)
        if answer.reason in _MAY_PASS:
            if answer.reason != "refused":
                self._look(answer.reason)
            if not self.away:
                answer = self._try(path)
        with self._lock:
            self._timeouts = self._timeouts + 1 if answer.reason == "time" else 0
            if self._timeouts >= _TOO_MANY:
                self.reason = self.reason or "time"
        return answer

    def _try(self, path: bytes) -> Answer:
        if self.away:
            return Answer(virus.NOT_CHECKED, reason="away")
        try:
            with open(path, "rb", buffering=0) as source:
                name = self._clamd.scan(source)
        except ScanFailed as failed:
            return Answer(virus.NOT_CHECKED, reason=failed.reason)
        except OSError:
            return Answer(virus.NOT_CHECKED, reason="unreadable")
        return Answer(virus.CLEAN) if name is None else Answer(virus.FOUND, name=name)

    def _look(self, reason: str) -> None:
        """Give the scanner up when it does not even answer a ping, asked twice."""
        try:
            _twice(self._clamd.ping)
        except ScanFailed:
            with self._lock:
                self.reason = self.reason or reason
                self.gone = True


def _write(context: Context, submission_id: str, rows: Sequence[_Row], answers: Sequence[Answer]) -> None:
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        _keep(session, context, submission, rows, answers)
        submission.counts = {**submission.counts, "scan_at": rows[-1].position, "starts": 0}


def _keep(
    session: Session, context: Context, submission: Submission, rows: Sequence[_Row], answers: Sequence[Answer]
) -> None:
    """The files' answers and what is to be told about them."""
    changes = [
        {"seq": row.seq, "technical": {**(row.technical or {}), "virus": answer.state}}
        for row, answer in zip(rows, answers, strict=True)
    ]
    if changes:
        session.execute(update(SubmissionFile), changes)
    told: list[Finding] = []
    for row, answer in zip(rows, answers, strict=True):
        told += virus.run(row.path, answer)
    tell(session, context, submission.id, told)
    scanned = sum(answer.state != virus.NOT_CHECKED for answer in answers)
    submission.counts = {**submission.counts, "scanned": submission.counts.get("scanned", 0) + scanned}


def _give_up(
    context: Context, submission_id: str, rows: Sequence[_Row], answers: Sequence[Answer], reason: str
) -> None:
    """Keep what was answered; one finding for everything else."""
    known = [(row, one) for row, one in zip(rows, answers, strict=True) if one.reason not in {*_AWAY, reason}]
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        _keep(session, context, submission, [row for row, _ in known], [one for _, one in known])
        left = len(rows) - len(known) + _left(session, submission_id, rows[-1].position)
        tell(session, context, submission_id, [virus.unreachable(reason, left)])
        submission.counts = {**submission.counts, "scan_over": True}


def _end(context: Context, submission_id: str, told: Sequence[Finding]) -> None:
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        tell(session, context, submission_id, told)
        submission.counts = {**submission.counts, "scan_over": True}
