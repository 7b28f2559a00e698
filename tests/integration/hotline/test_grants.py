"""The application's user: what it may do in the database, what it may not, and that the code asks for no more."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from core.db import Base
from core.errors import Unavailable
from core.postgres import APPLICATION, EmbeddedPostgres
from hotline.grants import ENDS, QUEUE, rights_on, user_of
from hotline.models import metadata
from hotline.schema import migrate

ROOT = Path(__file__).parents[3]
PACKAGES = ("core", "callflow", "recordings", "crm", "ivr", "web", "hotline")
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
LOADED = {
    "callflow/roster/service.py": "line_roster",
    "callflow/spoken/service.py": "line_spoken_calls",
    "crm/knowledge/files.py": "knowledge_files",
    "crm/search/saved.py": "saved_filters",
    "recordings/desk/marks.py": "recording_marks",
}
"""Where a row that was read first is deleted: of which table."""


def held(connection: psycopg.Connection, user: str) -> dict[str, str]:
    """Which rights the user has on each table."""
    tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    asked = "SELECT t, r FROM unnest(%s::text[]) t, unnest(%s::text[]) r WHERE has_table_privilege(%s, t, r)"
    found: dict[str, set[str]] = {table: set() for table in tables}
    for table, right in connection.execute(asked, [tables, list(RIGHTS), user]):
        found[table].add(right)
    return {table: ", ".join(right for right in RIGHTS if right in rights) for table, rights in found.items()}


@pytest.mark.proves("F12.9-2", "A12.9-1")
def test_the_application_has_these_rights_and_no_other(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        found = held(connection, APPLICATION)
    assert found.keys() > metadata().tables.keys() > ENDS
    assert found == {table: rights_on(table) for table in found}
    never = {"recordings", "ticket_attachments", "disposals", "archive_leaves", "archive_seals", "ledger", "tickets"}
    assert not any("DELETE" in found[table] for table in never)


def test_rights_that_somebody_gave_are_taken_again(owner_url: str, database_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"GRANT ALL ON ledger TO {APPLICATION}")
        migrate(owner_url, database_url)
        assert held(connection, APPLICATION)["ledger"] == "SELECT, INSERT, UPDATE"


@pytest.mark.proves("F12.9-2")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM recordings",
        "DELETE FROM ledger",
        "TRUNCATE archive_keys",
        "ALTER TABLE ledger DISABLE TRIGGER ALL",
        "DROP TRIGGER {} ON recordings",
        "DROP TABLE archive_leaves CASCADE",
        "CREATE OR REPLACE FUNCTION anything() RETURNS trigger AS 'BEGIN RETURN NEW; END' LANGUAGE plpgsql",
        "CREATE TABLE more (n int)",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET session_replication_role = replica",
        "COPY recordings TO PROGRAM 'cat'",
    ],
)
def test_what_the_database_does_not_let_the_application_try(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as connection:
        guards = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'recordings'::regclass AND NOT tgisinternal LIMIT 1"
        trigger = connection.execute(guards).fetchone()
        assert trigger
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement.format(trigger[0]))


def test_the_code_deletes_from_these_tables_alone() -> None:
    """In both directions: a table that nothing deletes from has no place in the list."""
    metadata()
    tables = {mapper.class_.__name__: mapper.local_table.fullname for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    found, loaded = set[str](), dict[str, str]()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            name, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            if name.startswith("hotline/migrations/"):
                continue
            found |= set(re.findall(r"DELETE FROM (\w+)", source))
            tree = ast.parse(source)
            short = {
                node.targets[0].id: node.value.id
                for node in tree.body
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Name)
            }
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                if isinstance(node.func, ast.Name) and node.func.id == "delete" and isinstance(node.args[0], ast.Name):
                    model = node.args[0].id
                    found.add(tables[short.get(model, model)])
                elif isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "session.delete":
                    loaded[name] = LOADED[name]
    assert loaded == LOADED, "no more and no fewer"
    assert found | set(loaded.values()) == ENDS


def test_the_job_queue_keeps_its_own_house(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        of_queue = [rights for table, rights in held(connection, APPLICATION).items() if table.startswith(QUEUE)]
    assert len(of_queue) > 3 and set(of_queue) == {"SELECT, INSERT, UPDATE, DELETE"}


@pytest.fixture
def of_two(postgres: EmbeddedPostgres) -> Iterator[tuple[str, str]]:
    """A database as an administrator gives it: who owns it is no superuser, and who works in it owns nothing."""
    owner, desk, name = (f"{one}_{os.getpid()}" for one in ("owner", "desk", "bureau"))
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN; CREATE ROLE {desk} LOGIN")
        try:
            connection.execute(f"CREATE DATABASE {name} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0")
            yield postgres.url_of(name, owner), postgres.url_of(name, desk)
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"DROP ROLE {owner}; DROP ROLE {desk}")


def test_a_server_of_ones_own_gives_two_users(of_two: tuple[str, str]) -> None:
    owner_url, desk_url = of_two
    migrate(owner_url, desk_url)
    with psycopg.connect(desk_url) as connection:
        found = held(connection, user_of(desk_url))
        assert found == {table: rights_on(table) for table in found} and len(found) > len(ENDS)
        connection.execute("INSERT INTO line_nodes SELECT * FROM line_nodes")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("ALTER TABLE ledger DISABLE TRIGGER ALL")


def test_who_owns_no_table_is_told_that_an_upgrade_waits(owner_url: str, database_url: str) -> None:
    migrate(database_url, database_url)  # nothing waits: the services of a bureau whose administrator upgrades
    with psycopg.connect(owner_url, autocommit=True) as connection:
        newest = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert newest
        connection.execute("UPDATE alembic_version SET version_num = '0044'")
        try:
            with pytest.raises(Unavailable, match="database_owner_url"):
                migrate(database_url, database_url)
        finally:
            connection.execute("UPDATE alembic_version SET version_num = %s", newest)


def test_an_address_says_as_whom_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        user_of("postgresql+psycopg://hotline_app:secret@db1,db2/hotline?target_session_attrs=read-write")
        == APPLICATION
    )
    monkeypatch.setenv("PGUSER", "somebody")
    assert user_of("postgresql:///hotline") == "somebody"
