"""Key 2: the state of my order, by order number and the query code from the SMS (工单进度查询)."""

from callflow.facts import Kind
from core.errors import Unavailable
from ivr.agi.session import Session
from ivr.flows.world import World
from ivr.speech_forms import date_prompts, order_prompts

NUMBER_DIGITS = 13
"""`YY20261123-00001` as typed: day and running number, without the county's letters."""
CODE_DIGITS = 6
TRIES = 3
"""Third failure ends it: a query code must not be found by trying."""


async def status(session: Session, world: World) -> None:
    """Ask for both, say the state. The caller's own number proves nothing, and a 举报 is never spoken."""
    begin = ["hotline/status-begin"]
    for attempt in range(1, TRIES + 1):
        number = await session.ask(*begin, "hotline/status-number", longest=NUMBER_DIGITS)
        begin = []
        code = await session.ask("hotline/status-code", longest=CODE_DIGITS) if number.digits else number
        if number.silent or code.silent:
            await session.play("hotline/status-nothing-typed")
        else:
            try:
                found = await world.state_of(number.digits, code.digits)
            except Unavailable:
                await session.play("hotline/status-unavailable")
                return
            if found:
                await session.play(
                    "hotline/status-order", *order_prompts(number.digits), f"hotline/state-{found.state}"
                )
                if found.due:
                    await session.play("hotline/status-due", *date_prompts(found.due))
                await session.play("hotline/status-end")
                await session.learned(Kind.SELF_SERVED, what="status")
                return
            if attempt < TRIES:
                await session.play("hotline/status-no-match")
    await session.play("hotline/status-failed")
