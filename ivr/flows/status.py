"""A key for it: the state of my order, by order number and the query code from the SMS (工单进度查询)."""

from callflow.facts import Kind
from callflow.menu import Does, Menu
from callflow.variables import Variable
from core.clock import today
from core.errors import Unavailable
from ivr.agi.session import Session
from ivr.flows.world import SpokenState, World
from ivr.speech_forms import date_prompts, order_prompts


async def status(session: Session, world: World) -> None:
    """Ask for both, say the state. The caller's own number proves nothing, though wrong codes are counted by it, and a
    举报 is never spoken.

    The last failure that the policy allows in one call ends it, however often the key is pressed: a query code must
    not be found by trying.
    """
    rules, menu = world.query(), world.snapshot().menu
    failures = _count(await session.get(Variable.FAILURES))
    begin = ["hotline/status-begin"] if failures < rules.failures else []
    while failures < rules.failures:
        number = await session.ask(*begin, "hotline/status-number", longest=rules.number_digits, wait_s=menu.key_wait_s)
        begin = []
        code = number
        if number.digits:
            code = await session.ask("hotline/status-code", longest=rules.code_digits, wait_s=menu.key_wait_s)
        again = "hotline/status-nothing-typed"
        if not (number.silent or code.silent):
            try:
                found = await world.state_of(number.digits, code.digits, session.caller)
            except Unavailable:
                await session.play("hotline/status-unavailable")
                return
            if found:
                await session.learned(Kind.SELF_SERVED, what="status")
                await _say(session, menu, number.digits, found)
                return
            again = "hotline/status-no-match"
        failures += 1
        await session.set(Variable.FAILURES, str(failures))
        if failures < rules.failures:
            await session.play(again)
    await session.play("hotline/status-failed")


async def _say(session: Session, menu: Menu, digits: str, found: SpokenState) -> None:
    """Say it, again on request, until the caller wants a person or asks for nothing more."""
    state = ["hotline/status-order", *order_prompts(digits), f"hotline/state-{found.state}"]
    if found.due:
        state += ["hotline/status-due", *date_prompts(found.due, today())]
    keys = menu.keys_for(Does.REPEAT, Does.AGENT)
    for _ in range(menu.repeats + 1):
        pressed = await session.play(*state, "hotline/status-end", keys=keys)
        if menu.does(pressed) is not Does.REPEAT:
            return


def _count(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 0
