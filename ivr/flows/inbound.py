"""A citizen has heard the greeting: which queue answers, or why nobody can now."""

from callflow.facts import Kind
from callflow.sources.cel import learned_data
from callflow.variables import Route, Variable
from core.clock import now
from core.phone import from_caller_id
from ivr.agi.session import Decision, Session
from ivr.flows.world import World


async def inbound(session: Session, world: World) -> Decision:
    """Name the queue and the original hotline of the number dialled; who calls too often is asked to call later."""
    line = world.snapshot()
    caller = from_caller_id(session.caller)

    if reason := world.limits.admit(caller, session.linkedid, now(), line.limits_of(caller)):
        return {
            Variable.ROUTE: Route.REFUSE,
            Variable.REASON: reason,
            Variable.LEARNED: learned_data(Kind.REFUSED, {"reason": reason}),
        }

    number = line.number(session.dialled)
    queue = number.queue if number else line.default_queue
    original = (number.original_hotline or number.title) if number else ""
    routed = {"dialled": session.dialled, "queue": queue, "original_hotline": original}
    return {
        Variable.ROUTE: Route.FIRST,
        Variable.QUEUE: queue,
        Variable.LEARNED: learned_data(Kind.ROUTED, routed),
    }
