"""A citizen has heard the greeting: which queue answers, or why nobody can now."""

from callflow.facts import Kind
from callflow.variables import Route, Variable
from core.clock import now
from core.phone import from_caller_id
from ivr.agi.session import Session
from ivr.flows.world import World


async def inbound(session: Session, world: World) -> None:
    """Name the queue and the original hotline of the number dialled; who calls too often is asked to call later."""
    line = world.snapshot()
    dialled = await session.get(Variable.DIALLED)
    caller = from_caller_id(session.caller)

    if reason := world.limits.admit(caller, session.linkedid, now(), line.limits):
        await session.set(Variable.REASON, reason)
        await session.set(Variable.ROUTE, Route.REFUSE)
        await session.learned(Kind.REFUSED, reason=reason)
        return

    number = line.number(dialled)
    queue = number.queue if number else line.default_queue
    await session.set(Variable.QUEUE, queue)
    await session.set(Variable.ROUTE, Route.FIRST)
    original = (number.original_hotline or number.title) if number else ""
    await session.learned(Kind.ROUTED, dialled=dialled, queue=queue, original_hotline=original)
