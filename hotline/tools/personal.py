"""`hotline personal rotate-key`: a new key for names and telephones, and everything written anew with it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from core import personal, personal_rotate
from core.actor import SYSTEM
from core.errors import Conflict
from core.ledger import record
from core.locks import try_hold
from core.personal_keys import SecretKeys
from hotline.models import metadata
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.supervisor import only_one
from hotline.unfinished import REINDEX, require_whole, unfinished


@dataclass(frozen=True)
class Rotated:
    """Number of the present key, and how many rows were written anew."""

    number: int
    rows: int


async def rotate_key(settings: Settings, *, make: bool, index: bool, say: Callable[[str], object]) -> Rotated:
    """With `index` the service must not run: what one index wrote, the other does not find.

    Raises `Conflict("rotating" | "already-running")`.
    """
    runtime = Runtime(settings)
    if not (index and not make):  # that finishes what was broken off
        require_whole(runtime.home)
    keys = SecretKeys(runtime.secrets)
    personal.use_keys(keys)

    def told(count: int) -> None:
        say(f"已重新加密 {count} 行")

    try:
        with only_one(runtime.home) if index else nullcontext():
            async with try_hold(runtime.db, "personal-rotate") as held:
                if held is None:
                    raise Conflict("rotating", "另一个命令正在更换个人信息密钥。")
                if make:
                    keys.make()
                if index:
                    with unfinished(runtime.home, REINDEX):
                        if make:
                            keys.make_index()
                        rows = await personal_rotate.reindex(runtime.db, metadata())
                else:
                    rows = await personal_rotate.rotate(runtime.db, metadata(), told)
                async with runtime.db.session() as session:
                    about = ("personal.rotate-key", "personal-key", personal.present())
                    await record(session, SYSTEM, *about, rows=rows, index=index)
        return Rotated(personal.present(), rows)
    finally:
        await runtime.db.close()
