"""What a person may do (permissions) and how protected a record is (access level).

Default deny: an account may do what one of its roles in force permits, within the divisions of the role's organ, up to
the access level of the record. The profile says which role has which permission; only the words stand here.
"""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """An act that is permitted or not; values are stable and stand in profiles and the ledger."""

    RECORD_LIST = "record.list"
    RECORD_READ = "record.read"
    RECORD_DOWNLOAD = "record.download"
    CASE_READ = "case.read"
    DEPOSIT = "deposit"
    ACCEPT = "accept"
    SEARCH = "search"
    UNMASK = "unmask"
    DESCRIBE = "describe"
    FIXITY_READ = "fixity.read"
    FIXITY_RUN = "fixity.run"
    REPAIR = "repair"
    RETENTION_READ = "retention.read"
    USE_REGISTER_READ = "use_register.read"
    USE_REGISTER_OWN = "use_register.own"
    USE_REGISTER_EXPORT = "use_register.export"
    ALARM_READ = "alarm.read"
    ALARM_HANDLE = "alarm.handle"
    REQUEST_FILE = "request.file"
    REQUEST_READ = "request.read"
    REQUEST_DECIDE = "request.decide"
    HOLD_READ = "hold.read"
    HOLD_PLACE = "hold.place"
    HOLD_LIFT = "hold.lift"
    STATISTICS_READ = "statistics.read"
    LEDGER_READ = "ledger.read"
    ACCOUNT_WRITE = "account.write"
    GRANT_WRITE = "grant.write"
    PACKAGE_READ = "package.read"
    STATUS_READ = "status.read"
    JOB_CONTROL = "job.control"


class AccessLevel(StrEnum):
    """How protected a record is (控制标识): open to anyone signed in, internal to the organs, restricted to named roles."""

    OPEN = "open"
    INTERNAL = "internal"
    RESTRICTED = "restricted"

    @property
    def zh(self) -> str:
        """The Chinese word for the screen."""
        return {"open": "开放", "internal": "内部", "restricted": "受限"}[self.value]

    @property
    def rank(self) -> int:
        """0 for open, rising with protection."""
        return ACCESS_LEVELS.index(self.value)


ACCESS_LEVELS: tuple[str, ...] = tuple(level.value for level in AccessLevel)
"""From least to most protected."""

SECURITY_LEVELS = ("公开", "国内", "内部", "秘密", "机密", "绝密")
"""Security classification of documents (密级), DA/T 46 M38; a site for state secrets is outside this program's use."""
