"""A caller in memory: the same conversation without a telephone, for tests and for reading a flow aloud."""

from collections.abc import Iterable, Mapping

from callflow.facts import Kind
from callflow.sources.cel import learned_data
from callflow.variables import CallEvent, Variable
from ivr.agi.session import Decision, Session
from ivr.agi.wire import HungUp, Request, assignments, command

GONE = "gone"
"""In the caller's keys: here the caller hangs up."""
SILENCE = ""


class ScriptedSession(Session):
    """`keys` are what the caller does at each opportunity to press one: a key, SILENCE, or GONE.

    When the script is over the caller is silent. What was said and set is in `heard` and `variables`; values are
    put through the real quoting, so that what a telephone could not carry fails here too.
    """

    def __init__(
        self,
        flow: str = "inbound",
        keys: Iterable[str] = (),
        values: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.request = Request(flow, {}, {"uniqueid": "node1-1.1", "callerid": "13800000001", **(values or {})})
        self.variables = dict(variables or {})
        self.heard: list[str] = []
        self.facts: list[tuple[Kind, dict[str, str]]] = []
        self._keys = iter(keys)

    async def get(self, name: str) -> str:
        """What was set, or given at the start."""
        command("GET", "VARIABLE", name)
        return self.variables.get(name, "")

    async def set(self, variable: Variable, value: str) -> None:
        """Keep it."""
        command("SET", "VARIABLE", variable.value, value)
        self.variables[variable.value] = value

    async def finish(self, decision: Decision) -> None:
        """Keep all of it."""
        done = {**decision, Variable.DONE: self.request.flow}
        command("EXEC", "MSet", assignments(done.items()))
        self.variables |= {str(name): value for name, value in done.items()}

    async def learned(self, kind: Kind, **data: str) -> None:
        """Keep it."""
        command("EXEC", "CELGenUserEvent", f"{CallEvent.LEARNED},{learned_data(kind, data)}")
        self.facts.append((kind, data))

    async def play(self, *prompts: str, keys: str = "") -> str:
        """Note what is said. Where keys are welcome, the script decides during the last prompt."""
        for prompt in prompts:
            command("STREAM", "FILE", prompt, keys)
            self.heard.append(prompt)
        if not keys:
            return ""
        pressed = self._next()
        return pressed if pressed and pressed in keys else ""

    async def key(self, wait_s: float) -> str:
        """The script's next act."""
        return self._next()

    def _next(self) -> str:
        act = next(self._keys, SILENCE)
        if act == GONE:
            raise HungUp("the caller is gone")
        return act
