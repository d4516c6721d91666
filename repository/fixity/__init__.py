"""Fixity: every object on every replica is read again, compared, listed and mended.

``audit`` re-reads objects against their recorded SHA-256, ``inventory`` compares what a replica lists with what the
catalogue says, ``incidents`` remembers each fault until it is mended, ``repair`` mends from bytes that match the
recorded digest and from nothing else.
"""

from repository.fixity.audit import audit, first_audit
from repository.fixity.incidents import open_incidents
from repository.fixity.inventory import inventory
from repository.fixity.outcome import AuditResult, AuditResults, Outcome, Run
from repository.fixity.repair import RepairResult, repair

__all__ = [
    "AuditResult",
    "AuditResults",
    "Outcome",
    "RepairResult",
    "Run",
    "audit",
    "first_audit",
    "inventory",
    "open_incidents",
    "repair",
]
