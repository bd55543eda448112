"""Sets of candidates, and what assessors think of them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The tables `candidate_sets` and `orders`."""
    op.create_table(
        "candidate_sets",
        sa.Column("dataset", sa.String(32), primary_key=True),
        sa.Column("candidates", sa.String(32), primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.CheckConstraint("size > 0"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("dataset", sa.String(32), nullable=False),
        sa.Column("candidates", sa.String(32), nullable=False),
        sa.Column("assessor", sa.Text, nullable=False),
        sa.Column("ranks", sa.Text, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.UniqueConstraint("dataset", "candidates", "assessor"),
        sa.ForeignKeyConstraint(["dataset", "candidates"], ["candidate_sets.dataset", "candidate_sets.candidates"]),
    )
