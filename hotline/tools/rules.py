"""The rules that a command of the terminal reckons by: a file's, or those that this instance works by."""

import asyncio
from pathlib import Path

from sqlalchemy.exc import ProgrammingError

from core import policy
from core.calendar import official
from core.db import Database
from core.errors import Unavailable
from core.postgres import EmbeddedPostgres
from core.rules.book import Rulebook
from core.rules.keeper import read
from crm.installed import policy_file
from hotline.settings import Settings


def from_file(file: Path) -> Rulebook:
    """A policy file with the calendar of the program. Raises `Invalid("bad-policy")`."""
    return Rulebook.first(policy.load(file), official())


def of_instance(settings: Settings) -> Rulebook:
    """What the bureau decided in this instance; the county's file where no instance runs or nothing is stored yet."""
    file = policy_file(settings.core.county)
    url = settings.core.database_url or _embedded(settings.core.home / "postgres")
    stored = asyncio.run(_stored(url, file.read_text(encoding="utf-8"))) if url else None
    return stored or from_file(file)


def _embedded(folder: Path) -> str:
    """The address of a running embedded server, else nothing."""
    server = EmbeddedPostgres(folder)
    return server.url if server.pid() is not None else ""


async def _stored(url: str, file_text: str) -> Rulebook | None:
    database = Database(url, pool_size=1)
    try:
        async with database.session() as session:
            book = await read(session, file_text)
    except (Unavailable, ProgrammingError):  # away, or of a version that knew no rules yet
        return None
    finally:
        await database.close()
    return book if book.policies and book.calendars else None
