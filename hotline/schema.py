"""The database's schema, brought to this program's version: Alembic, under a lock, by whoever starts first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from core.db import sqlalchemy_url
from core.locks import lock_key

SCRIPTS = Path(__file__).parent / "migrations"


def config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS))
    made.attributes["url"] = sqlalchemy_url(url)
    return made


def migrate(url: str) -> None:
    """Upgrade to the newest revision; a second process waits and then finds nothing to do."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": lock_key("migrations")})
            connection.commit()
            made = config(url)
            made.attributes["connection"] = connection
            command.upgrade(made, "head")
            connection.commit()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": lock_key("migrations")})
    finally:
        engine.dispose()
