"""What an agent does with the call in hand: each act looks at the agent's own channels first, and at nothing else.

Asterisk itself is asked which channels there are: a row of the database may lag behind it.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass

from callflow.ami import AmiClient, Message, State
from callflow.places.rules import call_of
from callflow.sources.channels import extension
from callflow.variables import Variable
from core.errors import NotFound, Unavailable
from core.health import Health

NO_CALL = NotFound("no-call-in-hand", "这个通话已经结束。")
RING_S = 20
NORMAL = "16"
"""Q.850: hung up by who wanted to."""


@dataclass(frozen=True)
class Dialled:
    """A call out that has been asked for; `call` is its linkedid."""

    call: str


class Handset:
    """The agents' hands on one node's Asterisk. A service: its connection is kept while it runs."""

    name = "坐席话机"

    def __init__(self, ami: AmiClient, node: str) -> None:
        self._ami = ami
        self._connection: asyncio.Task[None] | None = None
        self.node = node

    async def start(self) -> None:
        """Connect; whoever asks before it is up is told so."""
        self._connection = asyncio.create_task(self._ami.run(), name="handset-ami")

    async def stop(self) -> None:
        """Let go; calls go on."""
        if self._connection:
            self._connection.cancel()
            await asyncio.gather(self._connection, return_exceptions=True)
            self._connection = None

    async def health(self) -> Health:
        """Well while connected."""
        up = self._ami.state is State.UP
        return Health(self.name, up, "运行正常" if up else "与 Asterisk 的管理连接中断。", "请检查 Asterisk 是否运行。")

    async def calls(self, own: str) -> list[str]:
        """Linkedids of the calls in which this extension is, ringing ones too."""
        return sorted({call_of(one["Linkedid"]) for one in await self._channels() if extension(one["Channel"]) == own})

    async def hang_up(self, own: str, call: str) -> None:
        """End this call. It is marked before: without the mark it would count as lost. Raises NotFound."""
        mine, others = await self._sides(own, call)
        for other in others:
            await self._act("Setvar", Channel=other["Channel"], Variable=Variable.ENDER, Value="agent")
        for channel in mine:
            # the manager's hang-up names nobody, and a call that began here would count as ended by the system
            name = channel["Channel"]
            await self._act("Setvar", Channel=name, Variable="CHANNEL(hangupsource)", Value=name)
            await self._act("Hangup", Channel=name, Cause=NORMAL)

    async def recover(self, own: str) -> list[str]:
        """The page of this extension begins anew, so what talk it had is lost now rather than when the silence is
        noticed -> linkedids of the calls; the dialplan rings the page again."""
        talking = [
            one
            for one in await self._channels()
            if extension(one["Channel"]) == own and one.get("ChannelStateDesc") == "Up"
        ]
        for one in talking:
            await self._act("Hangup", Channel=one["Channel"])
        return sorted({call_of(one["Linkedid"]) for one in talking})

    async def dial(self, own: str, number: str, shown: str) -> Dialled:
        """Ring this extension, then call `number`; `shown` is what its display says. The caller has checked that the
        number may be dialled; the dialplan checks it once more."""
        call = f"{self.node}-{int(time.time())}.{secrets.randbelow(10**9)}"
        await self._act(
            "Originate",
            Channel=f"PJSIP/{own}",
            ChannelId=call,
            Context="hotline-outbound",
            Exten=number,
            Priority="1",
            CallerID=f'"{shown}" <{own}>',
            Timeout=str(RING_S * 1000),
            Variable=f"PJSIP_HEADER(add,X-Hotline-Call)={call},PJSIP_HEADER(add,X-Hotline-Dial)=yes",
            Async="true",
        )
        return Dialled(call)

    async def _sides(self, own: str, call: str) -> tuple[list[Message], list[Message]]:
        """The channels of this call: this extension's, and those of whoever is not an agent."""
        channels = [one for one in await self._channels() if call_of(one["Linkedid"]) == call]
        mine = [one for one in channels if extension(one["Channel"]) == own]
        if not mine:
            raise NO_CALL
        return mine, [one for one in channels if extension(one["Channel"]) is None]

    async def _channels(self) -> list[Message]:
        rows = await self._ami.listing("CoreShowChannels")
        return [one for one in rows if one.get("Channel") and one.get("Linkedid")]

    async def _act(self, action: str, **headers: str) -> None:
        answer = await self._ami.action(action, **headers)
        if answer.get("Response") != "Success":
            raise NO_CALL if action != "Originate" else Unavailable("not-dialled", "电话系统没有拨出，请稍后再试。")
