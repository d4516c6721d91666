"""Tables of the catalogue. Rows hold data; each act is a function in the package that owns it.

One file per subject: ``base`` (column types), ``people``, ``holdings`` (households, case files, records, files),
``storage`` (objects, replicas, fixity), ``ledger``, ``intake`` (submissions), ``work`` (outbox, leases, heartbeats).
"""

from repository.tables.base import Base
from repository.tables.holdings import (
    CaseFile,
    CaseRecord,
    Household,
    Record,
    RecordVersion,
    RetentionAssignment,
    StoredFile,
)
from repository.tables.intake import Finding, RecordPlan, Submission, SubmissionFile, Upload
from repository.tables.ledger import LedgerBlock, LedgerEntry, LedgerPending
from repository.tables.people import Account, AccountRole, ApiToken, LoginSession, Organ
from repository.tables.storage import (
    AuditRun,
    FixityCheck,
    Holding,
    Incident,
    ProfileVersion,
    Replica,
    ReplicaObject,
    StoredObject,
)
from repository.tables.work import Counter, Heartbeat, IndexState, Lease, Outbox

__all__ = [
    "Account",
    "AccountRole",
    "ApiToken",
    "AuditRun",
    "Base",
    "CaseFile",
    "CaseRecord",
    "Counter",
    "Finding",
    "FixityCheck",
    "Heartbeat",
    "Holding",
    "Household",
    "Incident",
    "IndexState",
    "Lease",
    "LedgerBlock",
    "LedgerEntry",
    "LedgerPending",
    "LoginSession",
    "Organ",
    "Outbox",
    "ProfileVersion",
    "Record",
    "RecordPlan",
    "RecordVersion",
    "Replica",
    "ReplicaObject",
    "RetentionAssignment",
    "StoredFile",
    "StoredObject",
    "Submission",
    "SubmissionFile",
    "Upload",
]
