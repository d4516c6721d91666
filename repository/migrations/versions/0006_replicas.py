"""Replicas that join: how far filling has come, comparisons, and what a replica still has to get in the order of keys

Revision: 0006_replicas
Follows: 0005_jobs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from repository.tables.base import Big, Json, Moment

revision = "0006_replicas"
down_revision = "0005_jobs"
branch_labels = None
depends_on = None

_COUNTS = ("objects", "bytes", "copied_objects", "copied_bytes", "verified_objects", "verified_bytes")


def upgrade() -> None:
    op.create_table(
        "replica_fill",
        sa.Column("replica", sa.String(length=32), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("listed_to", sa.String(length=200), nullable=False),
        *(sa.Column(name, Big, nullable=False) for name in _COUNTS),
        sa.Column("trouble", Json, nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["replica"], ["replica.name"], name=op.f("fk_replica_fill_replica")),
        sa.PrimaryKeyConstraint("replica", name=op.f("pk_replica_fill")),
    )
    op.create_table(
        "replica_comparison",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("first", sa.String(length=32), nullable=False),
        sa.Column("second", sa.String(length=32), nullable=False),
        sa.Column("deep", sa.Boolean(), nullable=False),
        *(sa.Column(name, Big, nullable=False) for name in ("same", "only_first", "only_second", "sizes", "digests")),
        sa.Column("listed", Json, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_replica_comparison")),
    )
    op.create_index(
        "ix_replica_object_waiting",
        "replica_object",
        ["replica", "key"],
        unique=False,
        sqlite_where=sa.text("written_at IS NULL"),
        postgresql_where=sa.text("written_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_replica_object_waiting", table_name="replica_object")
    op.drop_table("replica_comparison")
    op.drop_table("replica_fill")
