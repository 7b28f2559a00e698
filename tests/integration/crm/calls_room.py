"""An order around which everybody telephoned: each way in which a call can belong to it, once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from crm_desk import MOBILE, Desk
from sqlalchemy import update

from callflow.callbacks.models import CallbackCall, CallbackTask
from callflow.models import Call
from callflow.phones import passing
from callflow.phones.passing import OUTSIDE, To
from callflow.phones.rules import Way
from callflow.rules import Direction
from core.db import Database, new_id
from crm.linkages import service as linkages
from crm.linkages.lines import Line
from crm.linkages.rules import Way as Linked
from crm.tickets.models import FollowUp, Reply, Ticket
from recordings.models import Side, Source, TranscriptSegment

NODE = "node1"
POLICE = Line("line:110", "110报警", "110")
OTHER = "+8613800009999"
"""Another citizen, whose order was merged."""


class Telephoned:
    """The calls by name, as they were added."""

    def __init__(self, db: Database, desk: Desk, office: Any) -> None:
        self.db, self.desk, self.office = db, desk, office
        self.calls: dict[str, UUID] = {}

    async def call(self, name: str, *, caller: str = MOBILE, outbound: bool = False, id: UUID | None = None) -> UUID:
        """One that was talked in for a minute."""
        at = self.desk.now + timedelta(minutes=len(self.calls))
        call = Call(id=id or new_id(), node=NODE, linkedid=f"{name}.1", arrived_at=at, caller=caller)
        call.direction = Direction.OUTBOUND if outbound else Direction.INBOUND
        call.connected_at, call.ended_at = at + timedelta(seconds=5), at + timedelta(seconds=65)
        call.agent_name, call.agent_extension = "王丽", "1001"
        async with self.db.session() as session:
            session.add(call)
        self.calls[name] = call.id
        return call.id

    async def says(self, name: str, text: str, side: Side = Side.OTHER) -> None:
        """A line of the call, ten seconds after it was connected."""
        async with self.db.session() as session:
            line = TranscriptSegment(call_id=self.calls[name], side=side, start_s=10.0, end_s=12.0, text=text)
            line.words, line.source = [], Source.LIVE
            session.add(line)

    async def own(self) -> UUID:
        """The order's own call, unless somebody made it."""
        ticket = await self.desk.ticket()
        assert ticket.call_id is not None
        async with self.db.session() as session:
            if await session.get(Call, ticket.call_id) is None:
                return await self.call("own", id=ticket.call_id)
        self.calls["own"] = ticket.call_id
        return ticket.call_id

    async def linked(self, of: str = "own", name: str = "110") -> None:
        """110 was asked about a citizen's call, by the key that registers it (联动登记)."""
        async with self.db.session() as session:
            call = await session.get_one(Call, self.calls[of])
            to = To(OUTSIDE, "110", POLICE.name)
            leg = await passing.keep(session, self.office.agent, Way.CONSULT, NODE, call.linkedid, to, f"{name}.1")
            if of == "own":
                assert await linkages.begin(session, self.office.agent, call, POLICE, Linked.CONSULT, leg)
        await self.call(name, caller="110", outbound=True)

    async def named(self) -> None:
        """A unit names the call in which it answered; the follow-up has one; each is called out."""
        answer, back = await self.call("answer", outbound=True), await self.call("follow-up", outbound=True)
        async with self.db.session() as session:
            of = self.desk.id
            await session.execute(update(Reply).where(Reply.ticket_id == of).values(contact_call_id=answer))
            await session.execute(update(FollowUp).where(FollowUp.ticket_id == of).values(call_id=back))

    async def called_back(self) -> None:
        """Somebody called back because of a message, and asked a colleague meanwhile."""
        task = CallbackTask(id=new_id(), call_id=self.calls["own"], phone=MOBILE, reason="message")
        task.call_ended_at = self.desk.now
        async with self.db.session() as session:
            session.add(task)
            await session.flush()
            session.add(CallbackCall(task_id=task.id, node=NODE, linkedid="callback.1"))
        await self.call("callback", outbound=True)
        await self.linked("callback", "colleague")

    async def merged(self) -> None:
        """Another citizen's order was merged into this one."""
        other = await Desk(self.db, self.office).open(phone=OTHER, caller_name="李大壮")
        ticket = await other.ticket()
        assert ticket.call_id is not None
        await self.call("merged", caller=OTHER, id=ticket.call_id)
        async with self.db.session() as session:
            await session.execute(update(Ticket).where(Ticket.id == other.id).values(master_id=self.desk.id))

    async def all(self) -> dict[str, UUID]:
        """All of them."""
        await self.own()
        await self.linked()
        await self.named()
        await self.called_back()
        await self.merged()
        return self.calls
