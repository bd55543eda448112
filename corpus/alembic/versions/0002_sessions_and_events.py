"""Who is invited to the studio, their sessions, and everything they did in them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The tables `invitations`, `sessions` and `events`."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("assessor", sa.Text, nullable=False, index=True),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
        sa.Column("revoked", sa.Text),
        sa.Column("quota", sa.Integer, nullable=False),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("assessor", sa.Text, nullable=False),
        sa.Column("dataset", sa.String(32), nullable=False),
        sa.Column("candidates", sa.String(32), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("opened", sa.Text, nullable=False),
        sa.Column("closed", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.UniqueConstraint("assessor", "dataset", "candidates"),
        sa.CheckConstraint("status IN ('open', 'finished', 'declined')"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session", sa.String(32), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("took_ms", sa.Integer),
        sa.Column("client_time", sa.Text),
        sa.Column("received", sa.Text, nullable=False),
        sa.UniqueConstraint("session", "step"),
        sa.CheckConstraint("step >= 0"),
    )
