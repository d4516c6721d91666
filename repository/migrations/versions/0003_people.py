"""People: requests, grants, holds, alarms, saved searches; sessions that can be named; what a person set for herself

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from repository.tables.base import Big, Json, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("record", sa.Column("filed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE record SET filed = (id IN (SELECT record_id FROM case_record))")
    op.drop_index(op.f("ix_record_state_seq"), "record")
    for table in ("record", "case_file"):
        op.drop_index(op.f(f"ix_{table}_division_code"), table)
        op.create_index(op.f(f"ix_{table}_division_code_seq"), table, ["division_code", "seq"], unique=False)
        op.add_column(table, sa.Column("township", sa.String(9), sa.Computed("substr(division_code, 1, 9)")))
        op.create_index(op.f(f"ix_{table}_township_seq"), table, ["township", "seq"], unique=False)
    op.create_index(op.f("ix_replica_object_key_replica"), "replica_object", ["key", "replica"], unique=False)
    op.create_index(op.f("ix_record_programme_seq"), "record", ["programme", "seq"], unique=False)
    op.create_index(op.f("ix_record_year_seq"), "record", ["year", "seq"], unique=False)
    for name, column in (("ix_record_tray", "filed"), ("ix_record_unconfirmed", "confirmed")):
        op.create_index(
            name,
            "record",
            ["seq"],
            unique=False,
            sqlite_where=sa.text(f"{column} IS 0"),
            postgresql_where=sa.text(f"{column} IS false"),
        )
    op.create_table('holding_total',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('access_level', sa.String(length=16), nullable=False),
    sa.Column('marks', sa.String(length=400), nullable=False),
    sa.Column('programme', sa.String(length=16), nullable=False),
    sa.Column('year', Big, nullable=False),
    sa.Column('month', Big, nullable=False),
    sa.Column('records', Big, nullable=False),
    sa.Column('files', Big, nullable=False),
    sa.Column('payload_bytes', Big, nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_holding_total'))
    )
    op.create_index(op.f('ix_holding_total_marks'), 'holding_total', ['marks'], unique=False)
    op.create_table('finding_total',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('organ_id', sa.String(length=36), nullable=False),
    sa.Column('severity', sa.String(length=8), nullable=False),
    sa.Column('code', sa.String(length=60), nullable=False),
    sa.Column('year', Big, nullable=False),
    sa.Column('month', Big, nullable=False),
    sa.Column('findings', Big, nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_finding_total'))
    )
    op.create_table('alarm',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('account_id', sa.String(length=80), nullable=False),
    sa.Column('window', sa.String(length=24), nullable=False),
    sa.Column('detail', Json, nullable=False),
    sa.Column('raised_at', Moment(), nullable=False),
    sa.Column('closed_at', Moment(), nullable=True),
    sa.Column('closed_by', sa.String(length=80), nullable=True),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_alarm')),
    sa.UniqueConstraint('id', name=op.f('uq_alarm_id'))
    )
    with op.batch_alter_table('alarm', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_alarm_closed_at_seq'), ['closed_at', 'seq'], unique=False)
        batch_op.create_index(batch_op.f('ix_alarm_kind_account_id_window'), ['kind', 'account_id', 'window'], unique=True)

    op.create_table('hold',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('authority', sa.String(length=200), nullable=False),
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('review_on', sa.Date(), nullable=True),
    sa.Column('placed_by', sa.String(length=80), nullable=False),
    sa.Column('placed_at', Moment(), nullable=False),
    sa.Column('lifted_by', sa.String(length=80), nullable=True),
    sa.Column('lifted_at', Moment(), nullable=True),
    sa.Column('lift_authority', sa.String(length=200), nullable=False),
    sa.Column('lift_reason', sa.Text(), nullable=False),
    sa.Column('lift_entry', sa.String(length=36), nullable=True),
    sa.Column('row_version', Big, nullable=False),
    sa.Column('revision', Big, nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_hold')),
    sa.UniqueConstraint('id', name=op.f('uq_hold_id'))
    )
    op.create_table('permission_epoch',
    sa.Column('scope', sa.String(length=80), nullable=False),
    sa.Column('value', Big, nullable=False),
    sa.PrimaryKeyConstraint('scope', name=op.f('pk_permission_epoch'))
    )
    op.create_table('hold_subject',
    sa.Column('hold_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.ForeignKeyConstraint(['hold_id'], ['hold.id'], name=op.f('fk_hold_subject_hold_id')),
    sa.PrimaryKeyConstraint('hold_id', 'kind', 'subject_id', name=op.f('pk_hold_subject'))
    )
    with op.batch_alter_table('hold_subject', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hold_subject_subject_id'), ['subject_id'], unique=False)

    op.create_table('access_request',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('account_id', sa.String(length=36), nullable=False),
    sa.Column('organ_id', sa.String(length=36), nullable=False),
    sa.Column('requester', sa.String(length=48), nullable=False),
    sa.Column('purpose', sa.String(length=48), nullable=False),
    sa.Column('purpose_text', sa.Text(), nullable=False),
    sa.Column('form', sa.String(length=16), nullable=False),
    sa.Column('numbers', sa.String(length=16), nullable=False),
    sa.Column('days', Big, nullable=False),
    sa.Column('wanted', Json, nullable=False),
    sa.Column('details', Json, nullable=False),
    sa.Column('letter_id', sa.String(length=36), nullable=True),
    sa.Column('renews', sa.String(length=36), nullable=True),
    sa.Column('approver_role', sa.String(length=48), nullable=True),
    sa.Column('approver_division', sa.String(length=12), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('decision', sa.String(length=16), nullable=True),
    sa.Column('refuse_reason', sa.String(length=48), nullable=True),
    sa.Column('decided_by', sa.String(length=80), nullable=True),
    sa.Column('decided_at', Moment(), nullable=True),
    sa.Column('told', Json, nullable=False),
    sa.Column('idempotency_key', sa.String(length=200), nullable=True),
    sa.Column('row_version', Big, nullable=False),
    sa.Column('revision', Big, nullable=False),
    sa.Column('profile_version', sa.String(length=80), nullable=False),
    sa.Column('created_at', Moment(), nullable=False),
    sa.Column('updated_at', Moment(), nullable=False),
    sa.Column('submitted_at', Moment(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_access_request_account_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_access_request_organ_id')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_access_request')),
    sa.UniqueConstraint('id', name=op.f('uq_access_request_id')),
    sa.UniqueConstraint('idempotency_key', name=op.f('uq_access_request_idempotency_key')),
    sa.UniqueConstraint('number', name=op.f('uq_access_request_number'))
    )
    with op.batch_alter_table('access_request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_access_request_account_id_seq'), ['account_id', 'seq'], unique=False)
        batch_op.create_index(batch_op.f('ix_access_request_state_seq'), ['state', 'seq'], unique=False)

    op.create_table('saved_search',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('account_id', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('created_at', Moment(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_saved_search_account_id')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_saved_search')),
    sa.UniqueConstraint('id', name=op.f('uq_saved_search_id'))
    )
    with op.batch_alter_table('saved_search', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_saved_search_account_id'), ['account_id'], unique=False)

    op.create_table('access_grant',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('request_id', sa.String(length=36), nullable=False),
    sa.Column('account_id', sa.String(length=36), nullable=False),
    sa.Column('permissions', Json, nullable=False),
    sa.Column('starts_at', Moment(), nullable=False),
    sa.Column('ends_at', Moment(), nullable=False),
    sa.Column('renewals', Big, nullable=False),
    sa.Column('reminded_at', Moment(), nullable=True),
    sa.Column('ended_at', Moment(), nullable=True),
    sa.Column('revoked_at', Moment(), nullable=True),
    sa.Column('revoked_by', sa.String(length=80), nullable=True),
    sa.Column('revoke_reason', sa.Text(), nullable=False),
    sa.Column('revision', Big, nullable=False),
    sa.Column('created_at', Moment(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_access_grant_account_id')),
    sa.ForeignKeyConstraint(['request_id'], ['access_request.id'], name=op.f('fk_access_grant_request_id')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_access_grant')),
    sa.UniqueConstraint('id', name=op.f('uq_access_grant_id'))
    )
    with op.batch_alter_table('access_grant', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_access_grant_account_id_ends_at'), ['account_id', 'ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_access_grant_ends_at'), ['ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_access_grant_request_id'), ['request_id'], unique=False)

    op.create_table('request_subject',
    sa.Column('request_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.Column('granted', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['request_id'], ['access_request.id'], name=op.f('fk_request_subject_request_id')),
    sa.PrimaryKeyConstraint('request_id', 'kind', 'subject_id', name=op.f('pk_request_subject'))
    )
    with op.batch_alter_table('request_subject', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_request_subject_subject_id'), ['subject_id'], unique=False)

    op.create_table('grant_subject',
    sa.Column('grant_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.ForeignKeyConstraint(['grant_id'], ['access_grant.id'], name=op.f('fk_grant_subject_grant_id')),
    sa.PrimaryKeyConstraint('grant_id', 'kind', 'subject_id', name=op.f('pk_grant_subject'))
    )
    with op.batch_alter_table('grant_subject', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_grant_subject_subject_id'), ['subject_id'], unique=False)

    op.create_table('retention_total',
    sa.Column('seq', Big, autoincrement=True, nullable=False),
    sa.Column('organ_id', sa.String(length=36), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('access_level', sa.String(length=16), nullable=False),
    sa.Column('marks', sa.String(length=400), nullable=False),
    sa.Column('rule_id', sa.String(length=40), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=False),
    sa.Column('year', Big, nullable=True),
    sa.Column('records', Big, nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_retention_total'))
    )
    op.create_index(op.f('ix_retention_total_marks'), 'retention_total', ['marks'], unique=False)
    op.add_column('retention_assignment', sa.Column('organ_id', sa.String(length=36), nullable=True))
    op.execute(
        "UPDATE retention_assignment SET organ_id = "
        "(SELECT record.organ_id FROM record WHERE record.id = retention_assignment.record_id)"
    )
    op.create_index(op.f('ix_retention_assignment_current_due_on_seq'), 'retention_assignment', ['current', 'due_on', 'seq'], unique=False)
    op.create_index(op.f('ix_retention_assignment_organ_id_current_due_on'), 'retention_assignment', ['organ_id', 'current', 'due_on'], unique=False)
    op.create_index(op.f('ix_retention_assignment_profile_version_current'), 'retention_assignment', ['profile_version', 'current'], unique=False)

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('previous_visit_at', Moment(), nullable=True))
        batch_op.add_column(sa.Column('password_changed_at', Moment(), nullable=True))
        batch_op.add_column(sa.Column('waiting_half', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('past_passwords', Json, nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('preferences', Json, nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('row_version', Big, nullable=False, server_default='1'))

    op.add_column('organ', sa.Column('closed_at', Moment(), nullable=True))
    op.create_table('use_count',
    sa.Column('account_id', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('window', sa.String(length=24), nullable=False),
    sa.Column('amount', Big, nullable=False),
    sa.Column('rows', Big, nullable=False),
    sa.Column('subject', sa.String(length=36), nullable=False),
    sa.Column('at', Moment(), nullable=False),
    sa.PrimaryKeyConstraint('account_id', 'kind', 'window', name=op.f('pk_use_count'))
    )
    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('request_id', sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column('form', sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column('account_id', sa.String(length=80), nullable=True))
    # they repeat what stands in the entry; in looks from before this revision request_id is the number of the call
    if op.get_bind().dialect.name == "postgresql":
        told = "request_id = body::json ->> 'request_id', form = body::json ->> 'form'"
        concerned = "account_id = body::json ->> 'account_id'"
    else:
        told = "request_id = json_extract(body, '$.request_id'), form = json_extract(body, '$.form')"
        concerned = "account_id = json_extract(body, '$.account_id')"
    op.execute(f"UPDATE ledger_entry SET {told} WHERE stream = 'use'")  # noqa: S608  words of ours
    op.execute(f"UPDATE ledger_entry SET {concerned} WHERE stream = 'acts'")  # noqa: S608  words of ours

    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f('ix_ledger_entry_account_id_seq'),
            ['account_id', 'seq'],
            unique=False,
            sqlite_where=sa.text('account_id IS NOT NULL'),
            postgresql_where=sa.text('account_id IS NOT NULL'),
        )
        batch_op.create_index(
            batch_op.f('ix_ledger_entry_request_id_seq'),
            ['request_id', 'seq'],
            unique=False,
            sqlite_where=sa.text('request_id IS NOT NULL'),
            postgresql_where=sa.text('request_id IS NOT NULL'),
        )
        for column in ("form", "act"):
            batch_op.create_index(
                batch_op.f(f'ix_ledger_entry_{column}_seq'),
                [column, 'seq'],
                unique=False,
                sqlite_where=sa.text('form IS NOT NULL'),
                postgresql_where=sa.text('form IS NOT NULL'),
            )
        batch_op.create_index(batch_op.f('ix_ledger_entry_organ_id_seq'), ['organ_id', 'seq'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_stream_at'), ['stream', 'at'], unique=False)

    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('id', sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column('device', sa.String(length=100), nullable=False, server_default=''))

    
    op.execute("UPDATE login_session SET id = substr(token_sha256, 1, 36)")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.alter_column("id", existing_type=sa.String(length=36), nullable=False)
        batch_op.alter_column("device", server_default=None)
        batch_op.create_unique_constraint(batch_op.f("uq_login_session_id"), ["id"])


def downgrade() -> None:
    for name in ("ix_record_unconfirmed", "ix_record_tray", "ix_record_year_seq", "ix_record_programme_seq"):
        op.drop_index(name, table_name="record")
    op.drop_column("record", "filed")
    op.drop_index(op.f("ix_replica_object_key_replica"), "replica_object")
    for table in ("record", "case_file"):
        op.drop_index(op.f(f"ix_{table}_township_seq"), table)
        op.drop_column(table, "township")
        op.drop_index(op.f(f"ix_{table}_division_code_seq"), table)
        op.create_index(op.f(f"ix_{table}_division_code"), table, ["division_code"], unique=False)
    op.create_index(op.f("ix_record_state_seq"), "record", ["state", "seq"], unique=False)
    op.drop_table('finding_total')
    op.drop_index(op.f('ix_holding_total_marks'), table_name='holding_total')
    op.drop_table('holding_total')
    op.drop_index(op.f('ix_retention_assignment_profile_version_current'), table_name='retention_assignment')
    op.drop_index(op.f('ix_retention_assignment_organ_id_current_due_on'), table_name='retention_assignment')
    op.drop_index(op.f('ix_retention_assignment_current_due_on_seq'), table_name='retention_assignment')
    op.drop_column('retention_assignment', 'organ_id')
    op.drop_index(op.f('ix_retention_total_marks'), table_name='retention_total')
    op.drop_table('retention_total')

    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_login_session_id'), type_='unique')
        batch_op.drop_column('device')
        batch_op.drop_column('id')

    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_entry_stream_at'))
        batch_op.drop_index(batch_op.f('ix_ledger_entry_organ_id_seq'))
        for column in ("request_id", "form", "act", "account_id"):
            batch_op.drop_index(batch_op.f(f'ix_ledger_entry_{column}_seq'))
    # not in a batch, which would make the table anew: others refer to it
    for name in ("account_id", "form", "request_id"):
        op.drop_column("ledger_entry", name)
    op.drop_table('use_count')

    # not in a batch, which would make the table anew: others refer to it
    op.drop_column("organ", "closed_at")
    for name in ("row_version", "preferences", "past_passwords", "waiting_half", "password_changed_at", "previous_visit_at"):
        op.drop_column("account", name)

    with op.batch_alter_table('grant_subject', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_grant_subject_subject_id'))

    op.drop_table('grant_subject')
    with op.batch_alter_table('request_subject', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_request_subject_subject_id'))

    op.drop_table('request_subject')
    with op.batch_alter_table('access_grant', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_access_grant_request_id'))
        batch_op.drop_index(batch_op.f('ix_access_grant_ends_at'))
        batch_op.drop_index(batch_op.f('ix_access_grant_account_id_ends_at'))

    op.drop_table('access_grant')
    with op.batch_alter_table('saved_search', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_saved_search_account_id'))

    op.drop_table('saved_search')
    with op.batch_alter_table('access_request', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_access_request_state_seq'))
        batch_op.drop_index(batch_op.f('ix_access_request_account_id_seq'))

    op.drop_table('access_request')
    with op.batch_alter_table('hold_subject', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_hold_subject_subject_id'))

    op.drop_table('hold_subject')
    op.drop_table('permission_epoch')
    op.drop_table('hold')
    with op.batch_alter_table('alarm', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_alarm_kind_account_id_window'))
        batch_op.drop_index(batch_op.f('ix_alarm_closed_at_seq'))

    op.drop_table('alarm')
