"""Jobs: what the engine does not keep of them, where workers run, which folders they share

Revision: 0005_jobs
Follows: 0004_alarms
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from repository.tables.base import Big, Json, Moment

revision = "0005_jobs"
down_revision = "0004_alarms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_note",
        sa.Column("job_id", sa.String(160), nullable=False),
        sa.Column("queue", sa.String(20), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("actor_id", sa.String(36), nullable=True),
        sa.Column("begun_at", Moment(), nullable=True),
        sa.Column("done", Big, nullable=True),
        sa.Column("total", Big, nullable=True),
        sa.Column("waits", Json, nullable=True),
        sa.Column("cause", Json, nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_note")),
    )
    op.create_table(
        "shared_folder",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("mark", sa.String(36), nullable=False),
        sa.Column("host", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shared_folder")),
    )
    op.add_column("heartbeat", sa.Column("host", sa.String(80), server_default="", nullable=False))
    op.add_column("heartbeat", sa.Column("queues", Json, server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("heartbeat", "queues")
    op.drop_column("heartbeat", "host")
    op.drop_table("shared_folder")
    op.drop_table("job_note")
