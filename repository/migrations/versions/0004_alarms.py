"""Alarms about any part of the site, with a record of how each was handled

Revision: 0004_alarms
Follows: 0003
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from repository.tables.base import Big, Json, Moment

revision = "0004_alarms"
down_revision = "0003"
branch_labels = None
depends_on = None

_OLD_KINDS = ("bulk_views", "bulk_exports", "refusals", "sign_ins")
_NEW: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("open_as", sa.String(length=120)),
    ("over_at", Moment()),
    ("taken_at", Moment()),
    ("taken_by", sa.String(length=80)),
)
_ROWS = sa.table(
    "alarm",
    sa.column("seq", Big),
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("subject", sa.String),
    sa.column("open_as", sa.String),
    sa.column("state", sa.String),
    sa.column("window", sa.String),
    sa.column("raised_at", Moment()),
    sa.column("last_at", Moment()),
    sa.column("closed_at", Moment()),
    sa.column("closed_by", sa.String),
    sa.column("remark", sa.Text),
    sa.column("told", Json),
)


def upgrade() -> None:
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alarm_kind_account_id_window"))
        batch_op.drop_index(batch_op.f("ix_alarm_closed_at_seq"))
        batch_op.alter_column("account_id", new_column_name="subject", existing_type=sa.String(length=80))
        for name, kind in _NEW:
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        batch_op.add_column(sa.Column("state", sa.String(length=16), server_default="open", nullable=False))
        batch_op.add_column(sa.Column("times", Big, server_default="1", nullable=False))
        batch_op.add_column(sa.Column("last_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("told", Json, nullable=True))
        batch_op.add_column(sa.Column("revision", Big, server_default="0", nullable=False))
    _carry_over()
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.alter_column("last_at", existing_type=Moment(), nullable=False)
        batch_op.alter_column("told", existing_type=Json, nullable=False)
        batch_op.alter_column("state", existing_type=sa.String(length=16), server_default=None, existing_nullable=False)
        for name in ("times", "revision"):
            batch_op.alter_column(name, existing_type=Big, server_default=None, existing_nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_alarm_open_as"), ["open_as"])
        batch_op.create_index(batch_op.f("ix_alarm_kind_subject_window"), ["kind", "subject", "window"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_state_seq"), ["state", "seq"], unique=False)


def _carry_over() -> None:
    """Alarms that stand here already get their record; of open ones about one thing the newest is added to."""
    connection = op.get_bind()
    taken: set[str] = set()
    for row in connection.execute(sa.select(_ROWS).order_by(_ROWS.c.seq.desc())).mappings().all():
        ended = row["closed_at"] is not None
        name = f"{row['kind']}:{row['subject']}"
        values: dict[str, Any] = {
            "last_at": row["raised_at"],
            "state": "closed" if ended else "open",
            "open_as": None if ended or name in taken else name,
            "told": [_step(row["raised_at"], "system", "raised")],
        }
        if ended:
            values["told"].append(_step(row["closed_at"], row["closed_by"] or "", "closed", row["remark"]))
        else:
            taken.add(name)
        connection.execute(sa.update(_ROWS).where(_ROWS.c.seq == row["seq"]).values(values))


def _step(at: Any, actor_id: str, step: str, words: str = "") -> dict[str, str]:
    told = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"at": told, "actor_id": actor_id, "step": step, "words": words}


def downgrade() -> None:
    op.execute(
        sa.update(_ROWS).where(_ROWS.c.kind.not_in(_OLD_KINDS)).values(window=sa.func.substr(_ROWS.c.id, 1, 24))
    )  # the older schema wants one row a kind, subject and window
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alarm_state_seq"))
        batch_op.drop_index(batch_op.f("ix_alarm_kind_subject_window"))
        batch_op.drop_constraint(batch_op.f("uq_alarm_open_as"), type_="unique")
        for name in ("revision", "told", "last_at", "times", "state", *(name for name, _ in reversed(_NEW))):
            batch_op.drop_column(name)
        batch_op.alter_column("subject", new_column_name="account_id", existing_type=sa.String(length=80))
    op.create_index(op.f("ix_alarm_closed_at_seq"), "alarm", ["closed_at", "seq"], unique=False)
    op.create_index(op.f("ix_alarm_kind_account_id_window"), "alarm", ["kind", "account_id", "window"], unique=True)
