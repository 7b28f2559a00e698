"""A process that executes disposal lists and is killed (`dying`); `{"home", "list"}` says which list of which home."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from dying import Asked, serve
from ingest_killed import room_of
from retention_room import Office

import hotline.models  # noqa: F401 - all tables
from core.db import Database
from crm import installed
from crm.retention import execution
from crm.retention.models import DisposalList

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"


def office_of(db: Database, home: Path) -> Office:
    """Who decides, over an archive with a replica."""
    return Office(room_of(db, home))


async def warm(db: Database) -> None:
    """A list."""
    with TemporaryDirectory() as home:
        office = office_of(db, Path(home))
        await office.room.record()
        await office.done()


async def work(db: Database, asked: Asked) -> None:
    """Executes, and dies or tells its steps."""
    await office_of(db, Path(asked["home"])).dispose(DisposalList(id=UUID(asked["list"])))


if __name__ == "__main__":
    installed.use(installed.read(COUNTY))
    execution.AT_ONCE = 1
    serve(warm, work, statements=False)  # PostgreSQL has a transaction or has it not
