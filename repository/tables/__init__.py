"""Tables of the catalogue. Rows hold data; each act is a function in the package that owns it.

One file per subject: ``base`` (column types), ``people``, ``access`` (requests, grants, holds), ``holdings`` (households, case files, records, files),
``storage`` (objects, replicas, fixity), ``ledger``, ``intake`` (submissions), ``totals`` (by month), ``work`` (outbox, leases, heartbeats).
"""

from repository.tables.access import (
    AccessGrant,
    AccessRequest,
    Alarm,
    GrantSubject,
    Hold,
    HoldSubject,
    PermissionEpoch,
    RequestSubject,
    SavedSearch,
    UseCount,
)
from repository.tables.base import Base
from repository.tables.holdings import (
    CaseFile,
    CaseRecord,
    Household,
    Record,
    RecordVersion,
    RetentionAssignment,
    RetentionTotal,
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
    ReplicaComparison,
    ReplicaFill,
    ReplicaObject,
    StoredObject,
)
from repository.tables.totals import FindingTotal, HoldingTotal
from repository.tables.work import Counter, Heartbeat, IndexState, JobNote, Lease, Outbox, SharedFolder

__all__ = [
    "AccessGrant",
    "AccessRequest",
    "Account",
    "AccountRole",
    "Alarm",
    "ApiToken",
    "AuditRun",
    "Base",
    "CaseFile",
    "CaseRecord",
    "Counter",
    "Finding",
    "FindingTotal",
    "FixityCheck",
    "GrantSubject",
    "Heartbeat",
    "Hold",
    "HoldSubject",
    "Holding",
    "HoldingTotal",
    "Household",
    "Incident",
    "IndexState",
    "JobNote",
    "Lease",
    "LedgerBlock",
    "LedgerEntry",
    "LedgerPending",
    "LoginSession",
    "Organ",
    "Outbox",
    "PermissionEpoch",
    "ProfileVersion",
    "Record",
    "RecordPlan",
    "RecordVersion",
    "Replica",
    "ReplicaComparison",
    "ReplicaFill",
    "ReplicaObject",
    "RequestSubject",
    "RetentionAssignment",
    "RetentionTotal",
    "SavedSearch",
    "SharedFolder",
    "StoredFile",
    "StoredObject",
    "Submission",
    "SubmissionFile",
    "Upload",
    "UseCount",
]
