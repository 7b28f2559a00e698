"""A process that archives and is killed (`dying`); `{"home", "node"}` says which spool."""

from pathlib import Path
from tempfile import TemporaryDirectory

from archive_room import Room
from dying import Asked, serve

from core.db import Database
from recordings.archive import ingest
from recordings.archive.ingest import Ingest
from recordings.forms import Encoding
from recordings.models import Kind
from recordings.store.folder import FolderStore

REPLICA = "disk2"


def room_of(db: Database, home: Path) -> Room:
    """A primary and a replica."""
    (home / REPLICA).mkdir(exist_ok=True)
    return Room(db, home, replicas={REPLICA: FolderStore(home / REPLICA, given=True)})


def ingest_of(room: Room, node: str) -> Ingest:
    """As the worker makes it; whatever lies there is finished, and messages become Opus."""
    return Ingest(
        room.db, room.store, room.spool, work=room.home / "work", node=node, quiet_after_s=0, protected_years=lambda: 3,
        encoding=lambda kind, direction: Encoding.OPUS_48 if kind is Kind.MESSAGE else Encoding.FLAC,
    )  # fmt: skip


async def archive(room: Room, node: str) -> None:
    """What the worker does with a spool."""
    await ingest_of(room, node).scan()
    await room.replication.step()


async def warm(db: Database) -> None:
    """A message."""
    with TemporaryDirectory() as home:
        room = room_of(db, Path(home))
        (room.spool / "1.1_message.sln").write_bytes(bytes(1000))
        await archive(room, "warm")


async def work(db: Database, asked: Asked) -> None:
    """Archives, and dies or tells its steps."""
    await archive(room_of(db, Path(asked["home"])), asked["node"])


if __name__ == "__main__":
    serve(warm, work, lambda steps: steps.watch(ingest, "encode", lambda *_: "encode"))
