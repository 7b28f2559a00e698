"""A key while waiting: hang up, keep the place, be called back in turn (保留排队)."""

from datetime import UTC, datetime

from callflow.variables import Variable
from core.clock import now
from core.errors import Unavailable
from core.phone import from_caller_id
from ivr.agi.session import Decision, Session
from ivr.flows.world import World


async def keep(session: Session, world: World) -> Decision | None:
    """Keep the place and let the caller go, or say why not and let the caller wait on, at the same place.

    The caller's number is the operator's word (`[hotline-caller]`), and the dialplan calls only what may be dialled.
    """
    line = world.snapshot()
    since = datetime.fromtimestamp(_number(await session.get(Variable.SINCE)), UTC)
    caller = from_caller_id(session.caller)
    if (now() - since).total_seconds() < line.keep_after_s:
        await session.play("hotline/keep-early")
        return None
    if caller is None:
        await session.play("hotline/keep-no-number")
        return None
    queue, position = await session.get(Variable.QUEUE), _number(await session.get(Variable.PLACE))
    try:
        await world.keep_place(session.linkedid, caller, queue, since, position)
    except Unavailable:
        await session.play("hotline/keep-unavailable")
        return None
    return {Variable.PLACED: "yes"}


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 11 else 0
