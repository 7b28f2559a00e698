"""The service that the line role starts: flows bound to their world, behind the FastAGI server."""

from collections.abc import Awaitable, Callable

from callflow.settings import LineSettings
from ivr.agi.server import AgiServer, Flow
from ivr.agi.session import Decision, Session
from ivr.flows.inbound import inbound
from ivr.flows.keep import keep
from ivr.flows.status import status
from ivr.flows.world import World

Conversation = Callable[[Session, World], Awaitable[Decision | None]]
FLOWS: dict[str, Conversation] = {"inbound": inbound, "status": status, "keep": keep}


def server(settings: LineSettings, world: World) -> AgiServer:
    """The FastAGI server of one node, not yet started."""

    def bound(flow: Conversation) -> Flow:
        return lambda session: flow(session, world)

    flows = {name: bound(flow) for name, flow in FLOWS.items()}
    return AgiServer(settings.private, settings.agi_port, flows)
