"""The bureau's data into Asterisk's files: agents, queues, roster; rendered when they differ, then reloaded."""

from sqlalchemy import select

from callflow.agents.models import Agent
from callflow.asterisk import AsteriskNode
from callflow.line_files import AgentPhone, DialledNumber, QueueFile, Roster
from callflow.phones import passwords
from callflow.queues.models import Queue
from callflow.snapshot import Snapshot, load
from core.db import Database
from core.errors import Invalid
from core.log import get
from core.phone import show

log = get(__name__)


class LineFiles:
    """Keeps one node's rendered files equal to the data."""

    def __init__(self, db: Database, node: AsteriskNode) -> None:
        self._db = db
        self._node = node
        self._unread: set[str] = set()
        """Modules whose files changed and which have not read them yet."""

    async def step(self) -> list[str]:
        """Render what differs and reload it; the modules that were reloaded."""
        async with self._db.session() as session:
            await passwords.end_those_of_ended_sessions(session)
            agents = list(await session.scalars(select(Agent).order_by(Agent.extension)))
            queues = list(await session.scalars(select(Queue).where(Queue.active).order_by(Queue.name)))
            snapshot = await load(session)
        if self._node.render_agents([one for agent in agents if (one := _phone(agent))]):
            self._unread.add("res_pjsip.so")
        pools = [pool for row in queues if (pool := _queue(row, snapshot.offer_after_s))]
        if self._node.render_queues(pools or [QueueFile("hotline")]):
            self._unread.add("app_queue.so")
        if self._node.render_roster(roster(snapshot)):
            self._unread.add("pbx_config.so")
        read = sorted(self._unread) if self._node.alive() else []
        for module in read:
            await self._node.reload(module)
            self._unread.discard(module)
        return read


def _queue(row: Queue, offer_after_s: int) -> QueueFile | None:
    """The queue; one that no file may carry is left out and told of, the others work."""
    try:
        return QueueFile(row.name, offer_after_s=offer_after_s)
    except Invalid as error:
        log.error("line.queue-left-out", queue=row.name, error=error.id)
        return None


def _phone(agent: Agent) -> AgentPhone | None:
    """The agent's telephone; one with a value that no file may carry is left out and told of, the others work."""
    try:
        return AgentPhone(agent.extension, agent.sip_secret, agent.name, browser=agent.webrtc)
    except Invalid as error:
        log.error("line.agent-left-out", extension=agent.extension, error=error.id)
        return None


def roster(snapshot: Snapshot) -> Roster:
    """What the dialplan follows while Python is silent."""
    queue = snapshot.default_queue
    entry = snapshot.queues.get(queue)
    return Roster(
        default_queue=queue,
        numbers=tuple(DialledNumber(n.number, n.number, n.queue) for n in snapshot.numbers.values()),
        second_queue=entry.overflow if entry else None,
        duty=tuple(_dialled(one.phone) for one in snapshot.duty),
        outside=_dialled(snapshot.outside) if snapshot.outside else None,
        longest=tuple((one.name, one.max_waiting) for one in snapshot.queues.values()),
        menu=snapshot.menu,
        allowed=snapshot.allowed,
        keeps=snapshot.offer_after_s > 0,
        rates=snapshot.rates,
    )


def _dialled(number: str) -> str:
    """As the operator's trunk wants it: national, digits only."""
    return show(number).replace("-", "")
