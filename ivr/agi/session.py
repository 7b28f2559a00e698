"""What a flow may say and hear: the conversation with one caller."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from callflow.facts import Kind
from callflow.sources.cel import learned_data
from callflow.variables import CallEvent, Variable
from ivr.agi.connection import Connection
from ivr.agi.wire import HungUp, Request, assignments

QUICK_S = 3.0
"""A command that only Asterisk has to answer."""
LONGEST_PROMPT_S = 60.0
GRACE_S = 5
KEYS = "0123456789*#"
Decision = Mapping[Variable, str]
"""What a flow gives back: the variables by which the dialplan goes on. A fact stands in LEARNED, as `learned_data`
writes it."""
PATIENCE = 3
"""So often a caller may end a number with # where nothing was typed."""


@dataclass(frozen=True)
class Typed:
    """Digits that the caller typed; `silent`: not one key came."""

    digits: str

    @property
    def silent(self) -> bool:
        return not self.digits


class Session(ABC):
    """One caller. Everything raises HungUp when the caller has gone, another AgiError when the line is broken."""

    request: Request

    @abstractmethod
    async def get(self, name: str) -> str:
        """A channel variable; empty where it is not set."""

    @abstractmethod
    async def set(self, variable: Variable, value: str) -> None:
        """Set a variable of ours."""

    @abstractmethod
    async def finish(self, decision: Decision) -> None:
        """Hand over what the flow decided and, as the last of it, the sentinel: all in one command, so that the
        dialplan finds the whole or nothing."""

    @abstractmethod
    async def play(self, *prompts: str, keys: str = "") -> str:
        """Say the prompts one after the other; one of `keys` interrupts and is returned, else ""."""

    @abstractmethod
    async def key(self, wait_s: float) -> str:
        """The next key within `wait_s`, or ""."""

    @abstractmethod
    async def learned(self, kind: Kind, **data: str) -> None:
        """Keep what the caller chose or was told, as a fact of this call: in Asterisk's own journal, which outlives
        this service, and from there in the call's record."""

    async def ask(self, *prompts: str, longest: int, wait_s: float = 6.0) -> Typed:
        """Say the prompts and collect up to `longest` digits, ended by # or a pause; * begins anew.

        Typing ahead is welcome. A # before any digit ended what was typed before: the prompts are said again.
        """
        for _ in range(PATIENCE):
            key = await self.play(*prompts, keys=KEYS) or await self.key(wait_s)
            if key != "#":
                break
        typed = ""
        while key and key != "#":
            typed = "" if key == "*" else typed + key
            if len(typed) == longest:
                break
            key = await self.key(wait_s)
        return Typed(typed)

    @property
    def linkedid(self) -> str:
        """The call, as Asterisk numbers it: that of its first channel."""
        return self.request.values.get("uniqueid", "")

    @property
    def dialled(self) -> str:
        """The number of ours that was dialled: what the dialplan gives every flow along with its name."""
        return self.request.values.get("arg_1", "")

    @property
    def caller(self) -> str:
        """The number that the trunk gave; whatever it says."""
        return self.request.values.get("callerid", "")


class AgiSession(Session):
    """The real one, over a FastAGI connection."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self._line = connection
        self.request = request

    async def get(self, name: str) -> str:
        """GET VARIABLE."""
        return (await self._line.ask("GET", "VARIABLE", name, timeout=QUICK_S)).value or ""

    async def set(self, variable: Variable, value: str) -> None:
        """SET VARIABLE."""
        await self._line.ask("SET", "VARIABLE", variable.value, value, timeout=QUICK_S)

    async def finish(self, decision: Decision) -> None:
        """EXEC MSet."""
        done = {**decision, Variable.DONE: self.request.flow}
        await self._line.ask("EXEC", "MSet", assignments(done.items()), timeout=QUICK_S)

    async def learned(self, kind: Kind, **data: str) -> None:
        """EXEC CELGenUserEvent."""
        said = f"{CallEvent.LEARNED},{learned_data(kind, data)}"
        await self._line.ask("EXEC", "CELGenUserEvent", said, timeout=QUICK_S)

    async def play(self, *prompts: str, keys: str = "") -> str:
        """STREAM FILE, each with a new limit: what the dialplan set for deciding is not meant for talking."""
        for prompt in prompts:
            await self._more_time(LONGEST_PROMPT_S)
            reply = await self._line.ask("STREAM", "FILE", prompt, keys, timeout=LONGEST_PROMPT_S, timed=False)
            if key := _key(reply.number):
                return key
        return ""

    async def key(self, wait_s: float) -> str:
        """WAIT FOR DIGIT."""
        await self._more_time(wait_s)
        wait = str(int(wait_s * 1000))
        reply = await self._line.ask("WAIT", "FOR", "DIGIT", wait, timeout=wait_s + GRACE_S, timed=False)
        return _key(reply.number)

    async def _more_time(self, for_s: float) -> None:
        await self._line.ask("SET", "AUTOHANGUP", str(int(for_s) + GRACE_S), timeout=QUICK_S)


def _key(result: int) -> str:
    if result < 0:
        raise HungUp("the caller is gone")
    return chr(result) if 0 < result < 128 and chr(result) in KEYS else ""
