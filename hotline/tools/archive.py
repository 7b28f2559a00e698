"""`hotline archive …`: a new master key."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from core.actor import SYSTEM
from core.errors import Conflict
from core.ledger import record
from core.locks import try_hold
from hotline.runtime import Runtime
from hotline.settings import Settings
from recordings.store.choose import masters_of
from recordings.store.datakeys import TableKeys
from recordings.store.rotate import Rotated, rotate

Say = Callable[[str], object]


@asynccontextmanager
async def _instance(settings: Settings) -> AsyncIterator[Runtime]:
    """This instance, without its county: the archive needs none of it."""
    runtime = Runtime(settings)
    try:
        yield runtime
    finally:
        await runtime.db.close()


async def rotate_key(settings: Settings, *, make: bool, say: Say) -> Rotated:
    """A new master key, and every data key wrapped by it. Raises `Conflict("rotating")` while another does."""
    async with _instance(settings) as runtime:
        masters = masters_of(settings.recordings, runtime.secrets)
        async with try_hold(runtime.db, "archive-rotate") as held:
            if held is None:
                raise Conflict("rotating", "另一个命令正在更换主密钥。")
            done = await rotate(
                TableKeys(runtime.db), masters, make=make, told=lambda count: say(f"已重新包裹 {count} 个数据密钥")
            )
        async with runtime.db.session() as session:
            wrapped, refused = done.rewrapped, len(done.refused)
            about = ("archive.rotate-key", "archive", done.master_id)
            await record(session, SYSTEM, *about, rewrapped=wrapped, refused=refused)
        return done
