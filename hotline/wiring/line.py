"""The role `line`: what Asterisk talks to."""

from callflow.asterisk import PROBE_SECRET
from callflow.line import Line
from core import phone
from core.service import Loop, Service
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.tickets.numbers import TYPED_DIGITS
from crm.tickets.spoken import spoken_state
from crm.tickets.wrong_codes import WrongCodes
from hotline.line_probe import LineProbe
from hotline.node import node, require_listening
from hotline.runtime import Runtime
from hotline.wiring.common import rules
from ivr.agi.server import AgiServer
from ivr.flows.world import QueryRules, SpokenState, StateOf, World
from ivr.service import server

LISTENING_EVERY_S = 15.0


def services(runtime: Runtime) -> list[Service]:
    """AGI server, manager reader, reconciler, intake, snapshot, files, incident clock, rotation of the journals."""
    settings = runtime.settings
    part = Line(runtime.db, runtime.home, settings.line, node(runtime))
    asterisk = node(runtime)
    return [
        rules(runtime, must_load=False),
        part,
        agi(runtime, part),
        LineProbe(runtime.db, settings.line, lambda: runtime.secrets.get(PROBE_SECRET)).loop,
        Loop("SIP 监听", LISTENING_EVERY_S, lambda: require_listening(asterisk)),
    ]


def agi(runtime: Runtime, part: Line) -> AgiServer:
    """The flows, bound to the line's data in memory."""
    settings, places = runtime.settings.line, part.feed.places
    world = World(lambda: part.snapshot.current, part.limits, state_of(runtime), query_rules, places.keep)
    return server(settings, world)


def query_rules() -> QueryRules:
    """How an order is asked for, by the policy in force."""
    orders = installed().policy[OrdersPolicy]
    return QueryRules(TYPED_DIGITS, orders.query_code_digits, orders.query_failures_per_call)


def state_of(runtime: Runtime) -> StateOf:
    """What the keypad flow may say of an order."""
    wrong = WrongCodes()

    async def ask(number: str, code: str, caller: str) -> SpokenState | None:
        async with runtime.db.session() as session:
            asker = phone.from_caller_id(caller)
            found = await spoken_state(session, number, code, asker=asker, wrong=wrong)
        return SpokenState(found.state.value, found.due) if found else None

    return ask
