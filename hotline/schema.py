"""The database's schema, brought to this program's version: Alembic, under a lock, by whoever starts first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from core.db import sqlalchemy_url
from core.errors import Unavailable
from core.locks import lock_key
from hotline.grants import grant, user_of

SCRIPTS = Path(__file__).parent / "migrations"


def config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS))
    made.attributes["url"] = sqlalchemy_url(url)
    return made


def migrate(owner_url: str, application_url: str) -> None:
    """Upgrade to the newest revision as the tables' owner, and give the application's user what it needs; a second
    process waits and then finds nothing to do.

    Raises `Unavailable("database-not-owned")` where there is something to do, and the tables are another's.
    """
    engine = create_engine(sqlalchemy_url(owner_url))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": lock_key("migrations")})
            connection.commit()
            made = config(owner_url)
            made.attributes["connection"] = connection
            _upgrade(made)
            connection.commit()
            grant(connection, user_of(application_url))
            connection.commit()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": lock_key("migrations")})
    finally:
        engine.dispose()


def _upgrade(made: Config) -> None:
    try:
        command.upgrade(made, "head")
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        said = "数据库需要升级，而当前账号不是表的所有者：请设置 database_owner_url，再运行 hotline migrate。"
        raise Unavailable("database-not-owned", said) from error


def known(revision: str) -> bool:
    """Whether this program can upgrade a database of this revision."""
    try:
        return ScriptDirectory.from_config(config("postgresql://")).get_revision(revision) is not None
    except CommandError:
        return False
