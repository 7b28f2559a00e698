"""Drives app_queue's members to what the agents mean: after each change, after each reconnect, every few seconds."""

from callflow.agents import presence, service
from callflow.agents.rules import steps, unanswered
from callflow.ami import AmiClient, State
from callflow.sources.ami import member
from core.db import Database
from core.log import get

log = get(__name__)


class Driver:
    """One node's driver; `step` is safe to repeat."""

    def __init__(self, db: Database, ami: AmiClient, node: str) -> None:
        self._db = db
        self._ami = ami
        self._node = node

    async def step(self) -> int:
        """Compare and act once; how many actions were sent."""
        if self._ami.state is not State.UP:
            return 0
        async with self._db.session() as session:
            await service.lift_wrap_ups(session)
        events = await self._ami.listing("QueueStatus")
        seen = [found for event in events if event.get("Event") == "QueueMember" and (found := member(event))]
        members = {(one.queue, one.extension): one for one in seen}
        async with self._db.session() as session:
            await service.did_not_answer(session, unanswered(await service.intents(session), members))
            intents = await service.intents(session)
            await presence.replace(session, self._node, seen)
        plan = steps(intents, members)
        for one in plan:
            answer = await self._ami.action(one.action, **one.headers)
            if answer.get("Response") != "Success":
                log.warning("agents.step-refused", action=one.action, answer=answer.get("Message", "")[:100])
        return len(plan)
