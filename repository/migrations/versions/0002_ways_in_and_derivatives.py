"""Ways in: uploads by parts, tokens; what checks measured, what is suggested; states of page images and scans

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from repository.tables.base import Big, Json, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("permissions", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_api_token_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_token_token_sha256")),
    )
    op.create_index(op.f("ix_api_token_account_id"), "api_token", ["account_id"], unique=False)
    op.create_table(
        "upload",
        sa.Column("seq", Big, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=80), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("length", Big, nullable=False),
        sa.Column("received", Big, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", Big, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_upload")),
        sa.UniqueConstraint("id", name=op.f("uq_upload_id")),
    )
    op.create_index(op.f("ix_upload_submission_id"), "upload", ["submission_id"], unique=False)
    op.add_column("submission_file", sa.Column("technical", Json, nullable=True))
    op.add_column("record_plan", sa.Column("suggested", Json, nullable=True))
    op.add_column("record_plan", sa.Column("given", Json, nullable=True))
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("image_state", sa.String(length=16), nullable=False, server_default="pending"))
        batch_op.add_column(sa.Column("ocr_state", sa.String(length=16), nullable=False, server_default="pending"))
        batch_op.add_column(sa.Column("page_count", Big, nullable=True))
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.alter_column("image_state", server_default=None)
        batch_op.alter_column("ocr_state", server_default=None)
        batch_op.create_index(batch_op.f("ix_stored_file_image_state"), ["image_state"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_ocr_state"), ["ocr_state"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stored_file_ocr_state"))
        batch_op.drop_index(batch_op.f("ix_stored_file_image_state"))
        batch_op.drop_column("page_count")
        batch_op.drop_column("ocr_state")
        batch_op.drop_column("image_state")
    with op.batch_alter_table("record_plan", schema=None) as batch_op:
        batch_op.drop_column("given")
        batch_op.drop_column("suggested")
    with op.batch_alter_table("submission_file", schema=None) as batch_op:
        batch_op.drop_column("technical")
    op.drop_table("upload")
    op.drop_table("api_token")
