"""The way to one's own deposits: whoever made few read the list of all of them

Revision: 0007_own_deposits
Follows: 0006_replicas
"""

from __future__ import annotations

from alembic import op

revision = "0007_own_deposits"
down_revision = "0006_replicas"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_submission_actor_id_seq"), "submission", ["actor_id", "seq"])


def downgrade() -> None:
    op.drop_index(op.f("ix_submission_actor_id_seq"), table_name="submission")
