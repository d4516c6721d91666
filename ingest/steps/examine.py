"""Examine: open containers, look into every file, scan it for malware, validate deposited bags, conclude what becomes one record.

Opening and looking take turns, so that findings about the first files of a large package are told while its last ones
are still being unpacked. Each batch is one transaction: a crash repeats at most one. All findings are collected, never
only the first.
"""

from __future__ import annotations

from ingest.context import Context
from ingest.outcome import MORE, PASSED, StepOutcome
from ingest.steps.bags import validate_next
from ingest.steps.conclude import conclude
from ingest.steps.inspect import inspect_some
from ingest.steps.scan import scan_some
from ingest.steps.unpack import open_next


def run(context: Context, submission_id: str) -> StepOutcome:
    """One batch of examining."""
    opened = open_next(context, submission_id)
    looked = inspect_some(context, submission_id)
    if opened or looked:
        return MORE
    if scan_some(context, submission_id):
        return MORE
    if "bag" in context.checks and validate_next(context, submission_id):
        return MORE
    conclude(context, submission_id)
    return PASSED
