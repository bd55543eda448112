"""Run by alembic, which `corpus.migrations` calls: on the caller's connection, in the caller's transaction."""

from alembic import context

from corpus.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
