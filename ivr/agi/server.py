"""The FastAGI server: one coroutine per call, bounded in number and memory, never in the way of a call."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import Counter, Gauge

from core import log
from core.errors import Unavailable
from core.health import Health
from ivr.agi.connection import Connection
from ivr.agi.session import AgiSession, Decision, Session
from ivr.agi.wire import AgiError, BadPeer, HungUp, Mute, Request

Flow = Callable[[Session], Awaitable[Decision | None]]
"""None: there is nothing to decide, the flow was a conversation."""

PART = "语音流程"
CONNECTIONS = 1000
"""More at once are closed unheard, and their calls go on in the dialplan."""
HEADER_S = 3.0
STOP_S = 3.0
BACKLOG = 512

FLOWS = Counter("hotline_agi_flows_total", "Flows by how they ended", ["flow", "outcome"])
OPEN = Gauge("hotline_agi_connections", "Connections from Asterisk", multiprocess_mode="livesum")
logger = log.get(__name__)


class AgiServer:
    """Serves `flows` by name. A flow that returns is marked done; one that fails leaves the call to the dialplan."""

    name = "agi"

    def __init__(self, host: str, port: int, flows: Mapping[str, Flow], *, connections: int = CONNECTIONS) -> None:
        self._host, self._port = host, port
        self._flows = dict(flows)
        self._most = connections
        self._server: asyncio.Server | None = None
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens; the system's choice if 0 was asked for."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else self._port

    async def start(self) -> None:
        """Listen. Raises Unavailable("agi-port") where the port is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._accept, self._host, self._port, backlog=BACKLOG)
        except OSError as error:
            raise Unavailable("agi-port", f"端口 {self._port} 已被占用，语音流程服务未能启动。") from error

    async def stop(self) -> None:
        """No new calls; flows under way get a moment, then their calls go on in the dialplan."""
        if self._server:
            self._server.close()
            self._server = None
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)
        for connection in list(self._open):
            connection.fail(Mute("the service stops"))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def health(self) -> Health:
        """Well while it listens."""
        if self._server and self._server.is_serving():
            return Health(PART, True, f"正在服务 {len(self._open)} 个呼叫")
        return Health(PART, False, "语音流程服务没有在监听", "重新启动热线服务；来电此时直接进入排队")

    def _accept(self) -> Connection:
        connection = Connection(self._introduced, self._gone)
        self._open.add(connection)
        OPEN.set(len(self._open))
        if len(self._open) > self._most:
            connection.fail(BadPeer("too many connections"))
        else:
            asyncio.get_running_loop().call_later(HEADER_S, self._still_silent, connection)
        return connection

    def _still_silent(self, connection: Connection) -> None:
        if not connection.introduced:
            connection.fail(Mute("no header"))

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        OPEN.set(len(self._open))

    def _introduced(self, connection: Connection, request: Request) -> None:
        if request.flow not in self._flows:
            FLOWS.labels("unknown", "refused").inc()
            raise BadPeer("no such flow")
        task = asyncio.get_running_loop().create_task(self._run(connection, request), name=f"flow {request.flow}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, connection: Connection, request: Request) -> None:
        session = AgiSession(connection, request)
        outcome = "failed"
        with log.call(linkedid=session.linkedid[:64]):
            try:
                decision = await self._flows[request.flow](session)
                await session.finish(decision or {})
                outcome = "done"
            except HungUp:
                outcome = "hung-up"
            except AgiError as error:
                logger.warning("flow.broken-off", flow=request.flow, reason=type(error).__name__)
            except Exception:
                logger.exception("flow.failed", flow=request.flow)
            finally:
                FLOWS.labels(request.flow, outcome).inc()
                connection.close()
