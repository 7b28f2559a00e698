"""Drives app_queue's members to what the agents mean: after each change, after each reconnect, every few seconds."""

import asyncio

from callflow.agents import presence, service
from callflow.agents.rules import steps, unanswered
from callflow.ami import AmiClient, State
from callflow.sources.ami import member
from core.db import Database
from core.log import get

log = get(__name__)
LOOK_EVERY_S = 15.0
"""Every member of every queue is asked for when an intent changed, and besides this often."""


class Driver:
    """One node's driver; `step` is safe to repeat."""

    def __init__(self, db: Database, ami: AmiClient, node: str) -> None:
        self._db = db
        self._ami = ami
        self._node = node
        self._asked = True
        self._looked_at = 0.0

    def look(self) -> None:
        """Something changed: compare at the next step."""
        self._asked = True

    async def step(self) -> int:
        """Compare and act once; how many actions were sent."""
        if self._ami.state is not State.UP:
            return 0
        loop = asyncio.get_running_loop()
        due = self._asked or loop.time() - self._looked_at >= LOOK_EVERY_S
        async with self._db.session() as session:
            lifted = await service.lift_wrap_ups(session)
            if due:
                await service.log_out_barred(session)
        if not (lifted or due):
            return 0
        self._asked, self._looked_at = False, loop.time()
        try:
            return await self._compare()
        except Exception:
            self._asked = True
            raise

    async def _compare(self) -> int:
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
