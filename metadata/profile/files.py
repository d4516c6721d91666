"""The files of a profile, one model each; the loader reads them by these names."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from metadata.profile.models import (
    Act,
    BulkAlarm,
    CaseEventType,
    CaseFact,
    Category,
    Code,
    CodeTemplate,
    Confirmation,
    Count,
    Custody,
    Days,
    DocumentType,
    Entry,
    FileOrder,
    HouseholdNumber,
    IdentityCheck,
    LoanDays,
    Mark,
    OrganLevel,
    Programme,
    Provenance,
    Purpose,
    Reason,
    RefuseReason,
    Requester,
    RetentionRule,
    ReviewPeriod,
    Role,
    Separation,
    Stage,
    Text,
    Trigger,
)


class ProfileFile(Entry):
    """``profile.yaml``: name, version, digests, programmes."""

    schema_: Literal["lantai-profile/1"] = Field(alias="schema")
    name: Code
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}\.[0-9]{1,4}$")]
    zh: Text
    en: Text
    effective_on: date
    digest_algorithms: Annotated[tuple[Literal["sha256", "sha512", "sm3"], ...], Field(min_length=1)]
    programmes: Annotated[tuple[Programme, ...], Field(min_length=1)]
    household_no: HouseholdNumber


class OrgansFile(Entry):
    """``organs.yaml``: levels of organs, custody, confirmation."""

    schema_: Literal["organ-levels/1"] = Field(alias="schema")
    provenance: Provenance
    levels: tuple[OrganLevel, ...]
    custody: Custody
    confirmation: Confirmation


class RolesFile(Entry):
    """``roles.yaml``: marks, acts, roles, separation of duties."""

    schema_: Literal["roles/1"] = Field(alias="schema")
    provenance: Provenance
    access_marks: tuple[Mark, ...]
    acts: tuple[Act, ...]
    roles: tuple[Role, ...]
    incompatible_roles: tuple[tuple[Code, Code], ...]
    per_object_separation: tuple[Separation, ...]


class DocumentsFile(Entry):
    """``documents.yaml``: stages, events, facts, order, document types."""

    schema_: Literal["document-catalogue/1"] = Field(alias="schema")
    provenance: Provenance
    stages: tuple[Stage, ...]
    events: tuple[CaseEventType, ...]
    facts: tuple[CaseFact, ...]
    file_order: FileOrder
    documents: tuple[DocumentType, ...]


class ClassificationFile(Entry):
    """``classification.yaml``: categories and templates of archival codes."""

    schema_: Literal["classification/1"] = Field(alias="schema")
    provenance: Provenance
    fonds_pattern: Text
    categories: tuple[Category, ...]
    code_templates: tuple[CodeTemplate, ...]


class RetentionFile(Entry):
    """``retention.yaml``: triggers and rules."""

    schema_: Literal["retention-schedule/1"] = Field(alias="schema")
    provenance: Provenance
    triggers: tuple[Trigger, ...]
    rules: tuple[RetentionRule, ...]


class ReviewFile(Entry):
    """``review.yaml``: periods of re-verification, reasons of change and stop."""

    schema_: Literal["review/1"] = Field(alias="schema")
    provenance: Provenance
    periods: tuple[ReviewPeriod, ...]
    overrides_allowed: bool
    remind_before_days: Days
    overdue_escalate_after_days: Days
    change_reasons: tuple[Reason, ...]
    stop_reasons: tuple[Reason, ...]


class BorrowingFile(Entry):
    """``borrowing.yaml``: who may borrow, for how long, on whose approval."""

    schema_: Literal["borrowing/1"] = Field(alias="schema")
    provenance: Provenance
    default_days: LoanDays
    max_renewals: Count
    max_files_per_grant: Count
    bulk_alarm: BulkAlarm
    remind_before_days: Days
    max_days: Days
    purposes: tuple[Purpose, ...]
    refuse_reasons: tuple[RefuseReason, ...]
    household_id_check: IdentityCheck
    redact_for_household: tuple[Code, ...]
    states: tuple[Code, ...]
    requesters: tuple[Requester, ...]


MODELS: dict[str, type[Entry]] = {
    "profile.yaml": ProfileFile,
    "organs.yaml": OrgansFile,
    "roles.yaml": RolesFile,
    "documents.yaml": DocumentsFile,
    "classification.yaml": ClassificationFile,
    "retention.yaml": RetentionFile,
    "review.yaml": ReviewFile,
    "borrowing.yaml": BorrowingFile,
}
"""Every file a profile must have; any other file in its folder is refused."""
