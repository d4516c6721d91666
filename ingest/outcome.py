"""What checks and steps answer: pure values, no database and no files.

A check yields *findings*: a stable code, the path concerned, parameters for its sentence, and an outcome. Outcomes are
those of the four-property check (四性检测, DA/T 70-2018): ``pass, warn, fail, not_applicable, not_checked, manual``. A
check that could not run says ``not_checked``; that is never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What a finding means for acceptance: an error bars it, a warning asks a person, a notice only informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Outcome(StrEnum):
    """The result of one check on one thing."""

    PASS = "pass"  # noqa: S105 - the field's word, not a password
    WARN = "warn"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    NOT_CHECKED = "not_checked"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``params`` fill the templates of ``ingest.findings`` and never hold personal values.

    ``outcome`` is None where the catalogue's severity says it (error: fail, warning and notice: warn).
    """

    code: str
    path: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None


class Progress(StrEnum):
    """How one call of a step ended."""

    PASSED = "passed"
    MORE = "more"
    REJECTED = "rejected"
    RETRY = "retry"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The answer of ``ingest.pipeline.run_step``.

    ``MORE``: one batch of a few seconds is done, call again. ``RETRY``: an attempt failed for ``reason`` (a stable
    code) and may be repeated. ``REJECTED``: the submission goes no further by itself. ``WAITING``: for a person.
    """

    progress: Progress
    reason: str = ""

    @property
    def finished(self) -> bool:
        """Whether the next step may begin."""
        return self.progress is Progress.PASSED


PASSED = StepOutcome(Progress.PASSED)
MORE = StepOutcome(Progress.MORE)
WAITING = StepOutcome(Progress.WAITING)


def retry(reason: str) -> StepOutcome:
    """An attempt that failed for ``reason`` and may be repeated."""
    return StepOutcome(Progress.RETRY, reason)


def rejected(reason: str) -> StepOutcome:
    """The end of the way for this submission until a person acts."""
    return StepOutcome(Progress.REJECTED, reason)
