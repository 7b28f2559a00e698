"""What the application's user may do in the database: read and write every table, delete only what may end, and
change no table, no trigger and no right. So what a trigger refuses stays refused, whatever the application tries.
"""

import getpass
import os
from collections.abc import Iterator, Sequence
from typing import LiteralString, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import Connection, text

from core.db import libpq_url

ENDS = frozenset(
    {
        "archive_copies",  # what is noted for a replica that was fetched, switched to or left
        "archive_keys",  # with a lawful disposal alone, says a trigger
        "city_imports",  # that nobody confirmed
        "draft_typing",
        "idempotency_keys",
        "knowledge_files",  # of a version that is still being written
        "line_agent_queues",
        "line_agent_states",  # after as long as the bureau keeps them
        "line_places",
        "line_presence",
        "line_roster",
        "line_spoken_calls",  # that were not placed yet
        "live_coverage",
        "live_partials",
        "recording_marks",
        "recording_redactions",  # with their recording
        "recording_waveforms",  # with their recording
        "saved_filters",
        "ticket_words",
        "transcript_corrections",  # with their words
        "transcript_segments",  # as the bureau's policy ends words
    }
)
"""The tables of which a row ever ends; of every other table whatever was written stays."""
QUEUE = "procrastinate_"
"""Tables of the job queue, which deletes what is done."""
REVISION = "alembic_version"
"""Says which tables there are; only who makes tables writes it."""


def user_of(url: str) -> str:
    """As whom an address connects; without a user, as libpq does, as this process's own."""
    return str(conninfo_to_dict(libpq_url(url)).get("user") or os.environ.get("PGUSER") or getpass.getuser())


def grant(connection: Connection, user: str) -> None:
    """Give `user` exactly these rights; nothing where it owns the tables itself."""
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    if user == owner:
        return
    tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    driver = cast(psycopg.Connection, connection.connection.driver_connection)
    for statement in statements(tables, user):
        driver.execute(statement)


def statements(tables: Sequence[str], user: str) -> Iterator[Composed]:
    """What gives `user` these rights, and takes every other that it had."""
    to = Identifier(user)
    yield SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(to)
    yield SQL("REVOKE CREATE ON SCHEMA public FROM {}, PUBLIC").format(to)
    yield SQL("GRANT USAGE ON SCHEMA public TO {}").format(to)
    yield SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(to)
    for table in tables:
        yield SQL("GRANT {} ON {} TO {}").format(SQL(rights_on(table)), Identifier(table), to)


def rights_on(table: str) -> LiteralString:
    """What the application's user may do with a table."""
    if table == REVISION:
        return "SELECT"
    if table in ENDS or table.startswith(QUEUE):
        return "SELECT, INSERT, UPDATE, DELETE"
    return "SELECT, INSERT, UPDATE"
