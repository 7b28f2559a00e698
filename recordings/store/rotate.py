"""A new master key: data keys are wrapped by it anew, objects stay as they are."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.log import get
from recordings.store.datakeys import DataKeys, WrappedKey
from recordings.store.masters import CannotUnwrap, MasterKeys
from recordings.store.vault import context_of

log = get(__name__)


@dataclass(frozen=True)
class Rotated:
    """Which master key wraps now, and what became of the data keys of the others."""

    master_id: str
    rewrapped: int
    refused: tuple[str, ...]
    """What could not be unwrapped, a sentence each: these stay as they were."""


async def rotate(
    keys: DataKeys, masters: MasterKeys, *, make: bool, told: Callable[[int], object] = lambda done: None
) -> Rotated:
    """Make a master key (`make`), and wrap by the present one whatever another wraps.

    May be interrupted at any time and run again: the keys are wrapped by one or the other, and both are kept.
    """
    present = await (masters.make() if make else masters.present())
    done, refused, after = 0, list[str](), None
    while old := await keys.under_others(present, after):
        anew = []
        for key in old:
            try:
                anew.append(await _anew(masters, key))
            except CannotUnwrap as error:
                log.error("archive.cannot-rewrap", key=key.store_key, why=str(error))
                refused.append(f"{key.store_key}：{error}")
        if anew:
            await keys.replace(anew)
        done, after = done + len(anew), old[-1].id
        told(done)
    return Rotated(present, done, tuple(refused))


async def _anew(masters: MasterKeys, key: WrappedKey) -> WrappedKey:
    context = context_of(key.id, key.store_key)
    data_key = await masters.unwrap(key.master_id, key.wrapped, context)
    master_id, wrapped = await masters.wrap(data_key, context, key.suite)
    return replace(key, master_id=master_id, wrapped=wrapped)
