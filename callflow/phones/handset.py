"""What an agent does with the call in hand: each act looks at the agent's own channels first, and at nothing else.

Asterisk itself is asked which channels there are: a row of the database may lag behind it.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass

from callflow.ami import AmiClient, Message, State
from callflow.phones.rules import Beside
from callflow.places.rules import call_of, is_place
from callflow.sources.channels import BESIDE, TRUNK, endpoint, extension
from callflow.variables import Variable
from core.errors import Conflict, NotFound, Unavailable
from core.health import Health

NO_CALL = NotFound("no-call-in-hand", "这个通话已经结束。")
NO_CITIZEN = Conflict("no-citizen-in-hand", "只有正在与市民通话时才能咨询或转接。")
THIRD = Conflict("third-in-hand", "已有一方在咨询或三方通话中，请先结束。")
NOBODY_ASKED = Conflict("nobody-asked", "对方没有接通，或已经挂断。")
RING_S = 20
NORMAL = "16"
"""Q.850: hung up by who wanted to."""


@dataclass(frozen=True)
class Dialled:
    """A call out that has been asked for; `call` is its linkedid."""

    call: str


@dataclass(frozen=True)
class Party:
    """Who is in a citizen's call, as channels; `asking` and `asked` are the two ends of a consultation."""

    citizen: Message
    mine: Message
    others: list[Message]
    """Who has joined besides the two."""
    asking: Message | None
    asked: Message | None


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

    async def hang_up(self, own: str, call: str, also: frozenset[str] = frozenset()) -> None:
        """End this call. It is marked before: without the mark it would count as lost. Who was asked about a citizen's
        call is in another until it joins or takes over, so what else it is called is in `also`. Raises NotFound."""
        mine, others, colleagues = await self._sides(own, call, also)
        outside = [one for one in others if endpoint(one["Channel"]) == TRUNK]
        left = "outside" if len(outside) > 1 else "agent"  # two outside talk on: whoever ends it, it is not the agent
        for other in others:
            if colleagues:  # who stays with the citizen is the agent now, and may be lost
                await self._set(other["Channel"], Variable.HEIR, colleagues[0])
            else:
                await self._set(other["Channel"], Variable.ENDER, left)
        for channel in mine:
            # the manager's hang-up names nobody, and a call that began here would count as ended by the system
            name = channel["Channel"]
            await self._set(name, "CHANNEL(hangupsource)", name)
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
        call = self._new_call()
        await self._ring(
            own,
            call,
            "hotline-outbound",
            number,
            f'"{shown}" <{own}>',
            f"PJSIP_HEADER(add,X-Hotline-Call)={call},PJSIP_HEADER(add,X-Hotline-Dial)=yes",
        )
        return Dialled(call)

    # ---------------------------------------------------------------- a citizen is passed on

    async def party(self, own: str, call: str) -> Party:
        """Who is in this citizen's call. Raises NotFound, Conflict("no-citizen-in-hand")."""
        channels = await self._channels()
        here = [one for one in channels if call_of(one["Linkedid"]) == call]
        mine = [one for one in here if extension(one["Channel"]) == own and one.get("ChannelStateDesc") == "Up"]
        if not mine:
            raise NO_CALL
        bridged = [one for one in here if one.get("BridgeId") and one["BridgeId"] == mine[0].get("BridgeId")]
        first = [one for one in bridged if call_of(one.get("Uniqueid", "")) == call]
        citizen = [one for one in first if not extension(one["Channel"])]
        if not citizen or not self._met(citizen[0], here):
            raise NO_CITIZEN
        elsewhere = [one for one in channels if extension(one["Channel"]) == own and one not in here]
        asking = next(iter(elsewhere), None)
        asked = None
        if asking:
            there = [one for one in channels if one["Linkedid"] == asking["Linkedid"] and endpoint(one["Channel"])]
            asked = next((one for one in there if one is not asking and one.get("ChannelStateDesc") == "Up"), None)
        others = [one for one in bridged if one not in (mine[0], citizen[0])]
        return Party(citizen[0], mine[0], others, asking, asked)

    @staticmethod
    def _met(citizen: Message, here: list[Message]) -> bool:
        """Whether this is the citizen's telephone, or the place in whose stead the citizen has answered by now."""
        if not is_place(citizen["Linkedid"]):
            return True
        return any(one.get("BridgeId") for one in here if one.get("Uniqueid") == citizen["Linkedid"])

    def _new_call(self, kind: str = "-") -> str:
        return f"{self.node}{kind}{int(time.time())}.{secrets.randbelow(10**9)}"

    async def consult(self, own: str, call: str, number: str) -> str:
        """Ring this extension once more, then `number`, to talk about `call` while the citizen hears music -> the
        linkedid of what is said there. Raises Conflict("third-in-hand")."""
        leg = self._new_call()
        party = await self.party(own, call)
        if party.asking or party.others:
            raise THIRD
        told = {"__" + Variable.CALL: call, "__" + Variable.LEG: leg}
        told |= {"PJSIP_HEADER(add,X-Hotline-Call)": leg, "PJSIP_HEADER(add,X-Hotline-Consult)": "yes"}
        variables = ",".join(f"{name}={value}" for name, value in told.items())
        await self._ring(own, leg, "hotline-consult", number, f"<{own}>", variables)
        return leg

    async def join(self, own: str, call: str) -> None:
        """Who was asked comes into the citizen's call. Raises Conflict("nobody-asked")."""
        party = await self.party(own, call)
        if party.asked is None:
            raise NOBODY_ASKED
        name = party.asked["Channel"]
        await self._set(name, Variable.TO, party.citizen["Channel"])
        await self._act("Redirect", Channel=name, Context="hotline-join", Exten="s", Priority="1")

    async def hand_over(self, own: str, call: str) -> None:
        """Who was asked gets the citizen; this extension is out. Raises Conflict("nobody-asked")."""
        party = await self.party(own, call)
        if party.asked is None:
            raise NOBODY_ASKED
        await self._let_go(party, "leg", party.asked["Channel"])

    async def drop(self, own: str, call: str) -> None:
        """Who was asked, or has joined, is out; the citizen stays. Raises Conflict("nobody-asked")."""
        party = await self.party(own, call)
        if not party.asking and not party.others:
            raise NOBODY_ASKED
        for one in [party.asking] if party.asking else party.others:
            await self._set(one["Channel"], Variable.ENDER, "agent")
            await self._act("Hangup", Channel=one["Channel"], Cause=NORMAL)

    async def pass_on(self, own: str, call: str, how: str, to: str) -> None:
        """The citizen goes to a `seat`, a number `outside` or a `queue`; this extension is out. The dialplan brings the
        citizen back where nobody comes. Raises Conflict("third-in-hand")."""
        party = await self.party(own, call)
        if party.asking or party.others:
            raise THIRD
        await self._let_go(party, how, to)

    # ---------------------------------------------------------------- the shift lead beside an agent

    async def stand_beside(self, own: str, call: str, agent: str, how: Beside) -> str:
        """This extension listens to what `agent` hears and says in `call`, whispers or barges in; also another way than
        before -> the linkedid of that. Raises NotFound, Conflict("call-in-hand")."""
        theirs = (await self.party(agent, call)).mine["Channel"]
        if mine := await self._beside(own):
            await self._set(mine["Channel"], Variable.TO, theirs)
            await self._act("Redirect", Channel=mine["Channel"], Context="hotline-lead", Exten=how, Priority="1")
            return mine["Linkedid"]
        leg = self._new_call(BESIDE)
        told = f"{Variable.TO}={theirs},PJSIP_HEADER(add,X-Hotline-Call)={leg},PJSIP_HEADER(add,X-Hotline-Dial)=yes"
        await self._ring(own, leg, "hotline-lead", how, f"<{agent}>", told)
        return leg

    async def take_over(self, own: str, call: str, agent: str) -> str:
        """Who stands beside `agent` gets the citizen -> the linkedid of that. Raises Conflict("not-beside")."""
        party, mine = await self.party(agent, call), await self._beside(own)
        if mine is None or mine.get("ChannelStateDesc") != "Up":
            raise Conflict("not-beside", "请先监听这个来电，再接管。")
        if party.asking or party.others:
            raise THIRD
        await self._let_go(party, "leg", mine["Channel"])
        return mine["Linkedid"]

    async def _beside(self, own: str) -> Message | None:
        """The channel with which this extension stands beside an agent; None: it is free."""
        mine = [one for one in await self._channels() if extension(one["Channel"]) == own]
        if any(BESIDE not in one["Linkedid"] for one in mine):
            raise Conflict("call-in-hand", "您还有一个通话没有结束。")
        return next(iter(mine), None)

    async def _let_go(self, party: Party, how: str, to: str) -> None:
        citizen = party.citizen["Channel"]
        await self._set(citizen, Variable.TO, to)
        await self._set(citizen, Variable.PASS, how)
        await self._act("Hangup", Channel=party.mine["Channel"], Cause=NORMAL)

    async def _set(self, channel: str, variable: str, value: str) -> None:
        await self._act("Setvar", Channel=channel, Variable=variable, Value=value)

    async def _ring(self, own: str, call: str, context: str, number: str, shown: str, variables: str) -> None:
        """Ring this extension; once it is answered, `number` in `context`."""
        await self._act(
            "Originate",
            Channel=f"PJSIP/{own}",
            ChannelId=call,
            Context=context,
            Exten=number,
            Priority="1",
            CallerID=shown,
            Timeout=str(RING_S * 1000),
            Variable=variables,
            Async="true",
        )

    async def _sides(self, own: str, call: str, also: frozenset[str]) -> tuple[list[Message], list[Message], list[str]]:
        """The channels of this call: this extension's, those of whoever is no agent, and other agents' extensions."""
        all_channels = await self._channels()
        for linkedid in (call, *sorted(also)):
            there = [(one, extension(one["Channel"])) for one in all_channels if call_of(one["Linkedid"]) == linkedid]
            if mine := [one for one, number in there if number == own]:
                others = [one for one, number in there if number is None]
                return mine, others, [number for _, number in there if number not in (None, own)]
        raise NO_CALL

    async def _channels(self) -> list[Message]:
        rows = await self._ami.listing("CoreShowChannels")
        return [one for one in rows if one.get("Channel") and one.get("Linkedid")]

    async def _act(self, action: str, **headers: str) -> None:
        answer = await self._ami.action(action, **headers)
        if answer.get("Response") != "Success":
            raise NO_CALL if action != "Originate" else Unavailable("not-dialled", "电话系统没有拨出，请稍后再试。")
