"""Scripts of alembic: how the database of orders and answers came to its schema."""
