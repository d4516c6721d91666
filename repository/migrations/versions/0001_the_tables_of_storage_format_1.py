"""The tables of storage format 1

Revision: 0001
Follows:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from repository.tables.base import Big, Json, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_run",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("replica", sa.String(length=32), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column("objects", Big, nullable=False),
        sa.Column("bytes_read", Big, nullable=False),
        sa.Column("outcomes", Json, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_run")),
    )
    with op.batch_alter_table("audit_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_run_replica"), ["replica"], unique=False)

    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", Big, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "finding",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("record_id", sa.String(length=36), nullable=True),
        sa.Column("params", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_finding")),
    )
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_finding_submission_id_seq"), ["submission_id", "seq"], unique=False)

    op.create_table(
        "fixity_check",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("replica", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("deep", sa.Boolean(), nullable=False),
        sa.Column("checked_at", Moment(), nullable=False),
        sa.Column("detail", Json, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_fixity_check")),
    )
    with op.batch_alter_table("fixity_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fixity_check_key_replica_seq"), ["key", "replica", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_fixity_check_run_id"), ["run_id"], unique=False)

    op.create_table(
        "heartbeat",
        sa.Column("executor_id", sa.String(length=80), nullable=False),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "holding",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("format_version", Big, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holding")),
    )
    op.create_table(
        "household",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("household_no", sa.String(length=32), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("applicant_name", sa.String(length=100), nullable=False),
        sa.Column("applicant_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("applicant_id_blind", sa.String(length=64), nullable=True),
        sa.Column("applicant_id_last4_blind", sa.String(length=64), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("household_no", name=op.f("uq_household_household_no")),
    )
    with op.batch_alter_table("household", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_household_applicant_id_blind"), ["applicant_id_blind"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_household_applicant_id_last4_blind"), ["applicant_id_last4_blind"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_household_division_code"), ["division_code"], unique=False)

    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("replica", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=True),
        sa.Column("fault", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("resolution", Json, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("seq", name=op.f("uq_incident_seq")),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_record_id"), ["record_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_incident_state_replica_key"), ["state", "replica", "key"], unique=False)

    op.create_table(
        "index_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("generation", sa.String(length=40), nullable=False),
        sa.Column("built_at", Moment(), nullable=True),
        sa.Column("detail", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_index_state")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "ledger_block",
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("number", Big, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("entries", Big, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("merkle_root", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("pk_ledger_block")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_block_key")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("act", sa.String(length=48), nullable=False),
        sa.Column("actor_id", sa.String(length=80), nullable=False),
        sa.Column("organ_id", sa.String(length=36), nullable=True),
        sa.Column("record_id", sa.String(length=36), nullable=True),
        sa.Column("case_file_id", sa.String(length=36), nullable=True),
        sa.Column("submission_id", sa.String(length=36), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("id", name=op.f("uq_ledger_entry_id")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_entry_actor_id_seq"), ["actor_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_entry_case_file_id_seq"), ["case_file_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_entry_record_id_seq"), ["record_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_entry_stream_seq"), ["stream", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_entry_submission_id_seq"), ["submission_id", "seq"], unique=False)

    op.create_table(
        "organ",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("division_prefix", sa.String(length=12), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("revision", Big, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["organ.id"], name=op.f("fk_organ_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organ")),
        sa.UniqueConstraint("code", name=op.f("uq_organ_code")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_done_at_seq"), ["done_at", "seq"], unique=False)

    op.create_table(
        "profile_version",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("first_used_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_profile_version")),
    )
    op.create_table(
        "record_plan",
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("position", Big, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("plan_path", sa.Text(), nullable=True),
        sa.Column("object_sha256", sa.String(length=64), nullable=True),
        sa.Column("object_size", Big, nullable=True),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record_plan")),
    )
    with op.batch_alter_table("record_plan", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_plan_submission_id_state_position"),
            ["submission_id", "state", "position"],
            unique=False,
        )

    op.create_table(
        "replica",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("inventoried_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_replica")),
    )
    op.create_table(
        "stored_file",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("version", Big, nullable=False),
        sa.Column("position", Big, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("original_name", sa.Text(), nullable=False),
        sa.Column("original_name_bytes", sa.Text(), nullable=True),
        sa.Column("size", Big, nullable=False),
        sa.Column("offset", Big, nullable=False),
        sa.Column("crc32", Big, nullable=False),
        sa.Column("digests", Json, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("sha512", sa.String(length=128), nullable=True),
        sa.Column("chunk_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("puid", sa.String(length=40), nullable=True),
        sa.Column("format_name", sa.String(length=200), nullable=True),
        sa.Column("format_version", sa.String(length=40), nullable=True),
        sa.Column("mime", sa.String(length=200), nullable=True),
        sa.Column("text_state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("record_id", "version", "position", name=op.f("uq_stored_file_record_id_version_position")),
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stored_file_puid"), ["puid"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_sha256"), ["sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_sha512"), ["sha512"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_text_state"), ["text_state"], unique=False)

    op.create_table(
        "stored_object",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stored_object")),
    )
    with op.batch_alter_table("stored_object", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stored_object_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_object_record_id"), ["record_id"], unique=False)

    op.create_table(
        "submission_file",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.String(), nullable=False),
        sa.Column("position", Big, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("path_bytes", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("container", sa.Text(), nullable=True),
        sa.Column("size", Big, nullable=False),
        sa.Column("modified_ns", Big, nullable=True),
        sa.Column("crc32", Big, nullable=False),
        sa.Column("digests", Json, nullable=False),
        sa.Column("chunk_sha256", sa.Text(), nullable=True),
        sa.Column("puid", sa.String(length=40), nullable=True),
        sa.Column("format_name", sa.String(length=200), nullable=True),
        sa.Column("format_version", sa.String(length=40), nullable=True),
        sa.Column("mime", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_submission_file")),
        sa.UniqueConstraint("submission_id", "position", name=op.f("uq_submission_file_submission_id_position")),
    )
    with op.batch_alter_table("submission_file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_submission_file_submission_id_record_id"), ["submission_id", "record_id"], unique=False
        )

    op.create_table(
        "account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=100), nullable=False),
        sa.Column("organ_id", sa.String(length=36), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("failed_attempts", Big, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=True),
        sa.Column("revision", Big, nullable=False),
        sa.ForeignKeyConstraint(["organ_id"], ["organ.id"], name=op.f("fk_account_organ_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "case_file",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("household_id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("organ_id", sa.String(length=36), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("stopped_on", sa.Date(), nullable=True),
        sa.Column("archival_code", sa.String(length=80), nullable=True),
        sa.Column("state", Json, nullable=False),
        sa.Column("revision", Big, nullable=False),
        sa.Column("row_version", Big, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_case_file_household_id")),
        sa.ForeignKeyConstraint(["organ_id"], ["organ.id"], name=op.f("fk_case_file_organ_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_case_file")),
        sa.UniqueConstraint("household_id", "programme", name=op.f("uq_case_file_household_id_programme")),
        sa.UniqueConstraint("id", name=op.f("uq_case_file_id")),
    )
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_file_division_code"), ["division_code"], unique=False)

    op.create_table(
        "ledger_pending",
        sa.Column("entry_seq", Big, autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["entry_seq"], ["ledger_entry.seq"], name=op.f("fk_ledger_pending_entry_seq")),
        sa.PrimaryKeyConstraint("entry_seq", name=op.f("pk_ledger_pending")),
    )
    with op.batch_alter_table("ledger_pending", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_pending_stream"), ["stream"], unique=False)

    op.create_table(
        "record",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("document_type", sa.String(length=16), nullable=True),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("programme", sa.String(length=16), nullable=True),
        sa.Column("year", Big, nullable=True),
        sa.Column("dated", sa.Date(), nullable=True),
        sa.Column("organ_id", sa.String(length=36), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("access_level", sa.String(length=16), nullable=False),
        sa.Column("access_marks", Json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("head_version", Big, nullable=False),
        sa.Column("description", Json, nullable=False),
        sa.Column("description_revision", Big, nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=True),
        sa.Column("profile_version", sa.String(length=80), nullable=False),
        sa.Column("row_version", Big, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["organ_id"], ["organ.id"], name=op.f("fk_record_organ_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_record")),
        sa.UniqueConstraint("id", name=op.f("uq_record_id")),
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_record_division_code"), ["division_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_document_type"), ["document_type"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_state_seq"), ["state", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_submission_id"), ["submission_id"], unique=False)

    op.create_table(
        "replica_object",
        sa.Column("replica", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("written_at", Moment(), nullable=True),
        sa.Column("checked_at", Moment(), nullable=True),
        sa.Column("deep_checked_at", Moment(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["key"], ["stored_object.key"], name=op.f("fk_replica_object_key")),
        sa.ForeignKeyConstraint(["replica"], ["replica.name"], name=op.f("fk_replica_object_replica")),
        sa.PrimaryKeyConstraint("replica", "key", name=op.f("pk_replica_object")),
    )
    with op.batch_alter_table("replica_object", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_replica_object_replica_checked_at"), ["replica", "checked_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_replica_object_replica_written_at"), ["replica", "written_at"], unique=False
        )

    op.create_table(
        "submission",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("organ_id", sa.String(length=36), nullable=False),
        sa.Column("actor_id", sa.String(length=80), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("attempts", Big, nullable=False),
        sa.Column("error", Json, nullable=True),
        sa.Column("profile_version", sa.String(length=80), nullable=False),
        sa.Column("idempotency_key", sa.String(length=120), nullable=True),
        sa.Column("revision", Big, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["organ_id"], ["organ.id"], name=op.f("fk_submission_organ_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_submission")),
        sa.UniqueConstraint("id", name=op.f("uq_submission_id")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_submission_idempotency_key")),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_state"), ["state"], unique=False)

    op.create_table(
        "account_role",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("organ_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_role_account_id")),
        sa.ForeignKeyConstraint(["organ_id"], ["organ.id"], name=op.f("fk_account_role_organ_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_account_role")),
    )
    with op.batch_alter_table("account_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_role_account_id"), ["account_id"], unique=False)

    op.create_table(
        "case_record",
        sa.Column("case_file_id", sa.String(length=36), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("position", Big, nullable=False),
        sa.ForeignKeyConstraint(["case_file_id"], ["case_file.id"], name=op.f("fk_case_record_case_file_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_case_record_record_id")),
        sa.PrimaryKeyConstraint("case_file_id", "record_id", name=op.f("pk_case_record")),
    )
    with op.batch_alter_table("case_record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_record_record_id"), ["record_id"], unique=False)

    op.create_table(
        "login_session",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("preferences", Json, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_login_session_account_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_login_session")),
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_session_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_login_session_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "record_version",
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("number", Big, nullable=False),
        sa.Column("object_key", sa.String(length=200), nullable=False),
        sa.Column("object_sha256", sa.String(length=64), nullable=False),
        sa.Column("object_size", Big, nullable=False),
        sa.Column("file_count", Big, nullable=False),
        sa.Column("payload_bytes", Big, nullable=False),
        sa.Column("algorithms", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_record_version_record_id")),
        sa.PrimaryKeyConstraint("record_id", "number", name=op.f("pk_record_version")),
        sa.UniqueConstraint("object_key", name=op.f("uq_record_version_object_key")),
    )
    op.create_table(
        "retention_assignment",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("profile_version", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("trigger", sa.String(length=40), nullable=False),
        sa.Column("trigger_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("detail", Json, nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("assigned_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_retention_assignment_record_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_retention_assignment")),
    )
    with op.batch_alter_table("retention_assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_retention_assignment_due_on"), ["due_on"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_retention_assignment_record_id_current"), ["record_id", "current"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("retention_assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_retention_assignment_record_id_current"))
        batch_op.drop_index(batch_op.f("ix_retention_assignment_due_on"))

    op.drop_table("retention_assignment")
    op.drop_table("record_version")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_session_expires_at"))
        batch_op.drop_index(batch_op.f("ix_login_session_account_id"))

    op.drop_table("login_session")
    with op.batch_alter_table("case_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_record_record_id"))

    op.drop_table("case_record")
    with op.batch_alter_table("account_role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_role_account_id"))

    op.drop_table("account_role")
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_state"))

    op.drop_table("submission")
    with op.batch_alter_table("replica_object", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_replica_object_replica_written_at"))
        batch_op.drop_index(batch_op.f("ix_replica_object_replica_checked_at"))

    op.drop_table("replica_object")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_submission_id"))
        batch_op.drop_index(batch_op.f("ix_record_state_seq"))
        batch_op.drop_index(batch_op.f("ix_record_document_type"))
        batch_op.drop_index(batch_op.f("ix_record_division_code"))

    op.drop_table("record")
    with op.batch_alter_table("ledger_pending", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_pending_stream"))

    op.drop_table("ledger_pending")
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_file_division_code"))

    op.drop_table("case_file")
    op.drop_table("account")
    with op.batch_alter_table("submission_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_file_submission_id_record_id"))

    op.drop_table("submission_file")
    with op.batch_alter_table("stored_object", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stored_object_record_id"))
        batch_op.drop_index(batch_op.f("ix_stored_object_kind"))

    op.drop_table("stored_object")
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stored_file_text_state"))
        batch_op.drop_index(batch_op.f("ix_stored_file_sha512"))
        batch_op.drop_index(batch_op.f("ix_stored_file_sha256"))
        batch_op.drop_index(batch_op.f("ix_stored_file_puid"))

    op.drop_table("stored_file")
    op.drop_table("replica")
    with op.batch_alter_table("record_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_plan_submission_id_state_position"))

    op.drop_table("record_plan")
    op.drop_table("profile_version")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_done_at_seq"))

    op.drop_table("outbox")
    op.drop_table("organ")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_entry_submission_id_seq"))
        batch_op.drop_index(batch_op.f("ix_ledger_entry_stream_seq"))
        batch_op.drop_index(batch_op.f("ix_ledger_entry_record_id_seq"))
        batch_op.drop_index(batch_op.f("ix_ledger_entry_case_file_id_seq"))
        batch_op.drop_index(batch_op.f("ix_ledger_entry_actor_id_seq"))

    op.drop_table("ledger_entry")
    op.drop_table("ledger_block")
    op.drop_table("lease")
    op.drop_table("index_state")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_state_replica_key"))
        batch_op.drop_index(batch_op.f("ix_incident_record_id"))

    op.drop_table("incident")
    with op.batch_alter_table("household", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_household_division_code"))
        batch_op.drop_index(batch_op.f("ix_household_applicant_id_last4_blind"))
        batch_op.drop_index(batch_op.f("ix_household_applicant_id_blind"))

    op.drop_table("household")
    op.drop_table("holding")
    op.drop_table("heartbeat")
    with op.batch_alter_table("fixity_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fixity_check_run_id"))
        batch_op.drop_index(batch_op.f("ix_fixity_check_key_replica_seq"))

    op.drop_table("fixity_check")
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_finding_submission_id_seq"))

    op.drop_table("finding")
    op.drop_table("counter")
    with op.batch_alter_table("audit_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_run_replica"))

    op.drop_table("audit_run")
