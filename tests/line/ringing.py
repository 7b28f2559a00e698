"""What line tests ring with: telephones around one Asterisk, and ears for what it recorded and wrote down."""

import asyncio
import audioop
import contextlib
import itertools
import json
import math
import os
import tempfile
import time
import wave
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from callflow.asterisk import AsteriskNode
from callflow.line_files import AgentPhone, DialledNumber, Roster
from callflow.menu import Does, Menu, MenuKey
from callflow.settings import LineSettings, Waits
from callflow.speak import speak
from hotline.softphone import On, Softphone

SECRET = "only-in-tests-0123456789"
WAIT_S = 40.0
WAV_HEADER = 44
EXCERPT = 8000
"""A second from the middle of a prompt is enough to know it by."""
ALIKE = 0.75
AGAIN_S = 10
"""Longer than what is said and its way."""
AGENTS = tuple(AgentPhone(str(extension), SECRET, f"坐席{extension}") for extension in range(1001, 1007))
NUMBERS = {
    "12345": "hotline",
    "12301": "first",
    "12302": "empty",
    "12303": "place",
    "12304": "mute",
    "12305": "status",
    "12306": "words",
}
"""Each test rings a number with a queue of its own, so that none meets another's callers."""
MENU = Menu(
    keys=(
        MenuKey(key="2", does=Does.STATUS, says="查工单"),
        MenuKey(key="9", does=Does.REPEAT, says="重听"),
        MenuKey(key="0", does=Does.AGENT),
    ),
    wrong_keys=1,
    key_wait_s=4,
)
ROSTER = Roster("hotline", tuple(DialledNumber(n, n, queue) for n, queue in NUMBERS.items()), menu=MENU)
"""Who answers in line tests; a test that needs more adds it with `Line.rostered`."""
WAITS = Waits(
    agent_ring=5,
    first_queue=20,
    second_queue=3,
    duty_ring=8,
    accept=3,
    message=20,
    message_silence=3,
    lost_sound=3,
    lost_ring=8,
    pass_ring=6,
    rating=2,
)

_CALLERS: Iterator[int] = itertools.count(13800001000)
"""No two citizens of one run have the same number, so that their calls can be told apart."""


async def until(condition: Callable[[], Awaitable[object] | object], what: str, within_s: float = WAIT_S) -> object:
    """Wait for a condition, mostly idle also where looking takes long; fails with `what` was waited for."""
    end = time.monotonic() + within_s
    while (began := time.monotonic()) < end:
        found = condition()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        await asyncio.sleep(max(0.05, 3 * (time.monotonic() - began)))
    raise AssertionError(f"waited in vain for: {what}")


@dataclass
class Line:
    """The node, where it can be rung, and what it wrote down."""

    node: AsteriskNode
    speech: Path
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def settings(self) -> LineSettings:
        return self.node.settings

    def clip(self, text: str) -> Path:
        """A sound file that says `text`."""
        return speak(text, self.speech)

    async def phone(self, user: str | None = None, *, greeting: str = "", **options: object) -> Softphone:
        """A citizen's telephone; with `password=SECRET` an agent's. `greeting` is said after each connection."""
        folder = Path(tempfile.mkdtemp(dir=self.speech.parent, prefix="phone-"))
        said = self.clip(greeting) if greeting else None
        server = f"{self.settings.bind}:{self.settings.sip_port}"
        one = Softphone(folder, server=server, user=user or str(next(_CALLERS)), greeting=said, **options)  # type: ignore[arg-type]
        return await self.stack.enter_async_context(one)

    async def agent(self, extension: str, queue: str, **options: object) -> Softphone:
        """A registered agent who serves `queue` and answers at once."""
        one = await self.phone(extension, password=SECRET, auto_answer=True, **options)

        async def ready() -> bool:
            members = await self.node.cli(f"queue show {queue}")
            return f"PJSIP/{extension}" in members and "Not in use" in members

        await self.node.cli(f"queue add member PJSIP/{extension} to {queue}")
        self.stack.push_async_callback(self.node.cli, f"queue remove member PJSIP/{extension} from {queue}")
        await until(ready, f"agent {extension} ready in {queue}")
        return one

    async def rostered(
        self, trunk: Softphone | None = None, waits: dict[str, int] | None = None, **roster: object
    ) -> None:
        """Another roster until this test's end; `trunk` is the telephone at which calls to the outside ring."""
        usual = self.settings
        changes: dict[str, object] = {"waits": usual.waits.model_copy(update=waits or {})}
        if trunk:
            changes["trunk_to"] = f"127.0.0.1:{sip_port(trunk)}"
        self.node.settings = usual.model_copy(update=changes)
        await self._render(replace(ROSTER, **roster))  # type: ignore[arg-type]

        async def as_before() -> None:
            self.node.settings = usual
            await self._render(ROSTER)

        self.stack.push_async_callback(as_before)

    async def _render(self, roster: Roster) -> None:
        changed = self.node.render()
        self.node.render_roster(roster)
        if "queues.conf" in changed:
            await self.node.reload("app_queue.so")
        await self.node.reload("res_pjsip.so")
        await self.node.reload("pbx_config.so")

    def times(self, heard: Path, prompt: str) -> int:
        """How often a prompt can be heard in what a telephone received: peaks of the normalised correlation."""
        said = samples(self.node.folders.sounds / "zh" / f"{prompt}.wav")
        return peaks(samples(heard), said[max(0, len(said) - EXCERPT) // 2 :][:EXCERPT])

    def messages(self, caller: str) -> list[dict[str, object]]:
        """What the message box noted of `caller`'s messages."""
        path = self.node.folders.log / "messages.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if line["caller"] == caller]

    def count(self, caller: str, kind: str, containing: str = "") -> int:
        """How often `kind` happened in `caller`'s call so far."""
        return sum(1 for row in self.events(caller) if row[0] == kind and containing in ",".join(row))

    def events(self, caller: str) -> list[list[str]]:
        """The CEL rows of the calls that `caller` began, by its number or an agent's telephone, in order, also from
        journals that were set aside."""
        files = sorted((self.node.folders.log / "cel-custom").glob("events.csv*"), key=lambda one: one.stat().st_mtime)
        rows = [line[1:-1].split('","') for file in files for line in file.read_text().splitlines()]
        own = f"PJSIP/{caller}-"
        calls = {row[2] for row in rows if row[2] == row[3] and (row[5] == caller or row[4].startswith(own))}
        return [row for row in rows if row[2] in calls]

    def moment(self, caller: str, kind: str, containing: str = "") -> float | None:
        """When `kind` happened in `caller`'s call, seconds since 1970."""
        for row in self.events(caller):
            if row[0] == kind and containing in ",".join(row):
                return float(row[1])
        return None

    async def happened(self, caller: str, kind: str, containing: str = "") -> float:
        """Wait until it is in CEL."""
        found = await until(lambda: self.moment(caller, kind, containing), f"{kind} {containing}")
        assert isinstance(found, float)
        return found

    def spooled(self, caller: str, part: str) -> Path:
        """A recording of `caller`'s call, such as `talk1_in` or `message`."""
        linkedid = self.events(caller)[0][2]
        return self.node.folders.recordings / f"{linkedid}_{part}.sln"


async def rings(line: Line, number: str, say: str = "", user: str | None = None) -> Softphone:
    """A citizen who dials `number`, and speaks once connected to the line; `user` is whose call it is."""
    phone = await line.phone(user, greeting=say)
    await phone.dial(number)
    await phone.wait_for(On.ESTABLISHED)
    return phone


async def ended(phone: Softphone) -> Path:
    """Wait for the end of the call; the file of what the telephone heard."""
    await phone.wait_for(On.CLOSED)
    heard = await until(phone.heard, "a file of what was heard")
    assert isinstance(heard, list)
    last: Path = heard[-1]
    return last


def samples(path: Path) -> npt.NDArray[np.float64]:
    """The sound of a WAV file, also of one that is still being written and has no length in its header."""
    content = path.read_bytes()[WAV_HEADER:]
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float64)


def peaks(sound: npt.NDArray[np.float64], excerpt: npt.NDArray[np.float64]) -> int:
    """How often `excerpt` is in `sound`, whatever its volume."""
    if len(sound) < len(excerpt):
        return 0
    size = 1 << (len(sound) + len(excerpt)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(excerpt, size)), size)
    energies = np.concatenate(([0.0], np.cumsum(sound**2)))
    span = len(sound) - len(excerpt) + 1
    around = np.sqrt(np.maximum(energies[len(excerpt) :] - energies[:span], 1.0))
    likeness = product[:span] / (around * np.sqrt(np.sum(excerpt**2)))
    found, position = 0, 0
    for at in np.flatnonzero(likeness > ALIKE):
        if not found or at - position > len(excerpt) // 2:
            found += 1
        position = int(at)
    return found


def energy(path: Path) -> int:
    """Root mean square of a recording's loudest second; 0 where there is no file yet."""
    if not path.exists():
        return 0
    if path.suffix == ".wav":
        with wave.open(str(path)) as file:
            samples = file.readframes(file.getnframes())
    else:
        samples = path.read_bytes()
    return max((audioop.rms(samples[i : i + 16000], 2) for i in range(0, len(samples) - 1600, 8000)), default=0)


def hears(phone: Softphone, clip: Path, since: int = 0) -> int:
    """How often these words reached this telephone in the call that it has now, from a sample on."""
    words = samples(clip)
    return peaks(samples(phone.heard()[-1])[since:], words[max(0, len(words) - EXCERPT) // 2 :][:EXCERPT])


async def arrives(clip: Path, mouth: Softphone, ear: Softphone) -> None:
    """What one telephone says is heard at the other; said again while it is not, as people do."""
    before = len(samples(ear.heard()[-1]))
    said_at = -math.inf

    async def heard() -> bool:
        nonlocal said_at
        if hears(ear, clip, before):
            return True
        if time.monotonic() > said_at + AGAIN_S:
            said_at = time.monotonic()
            await mouth.say(clip)
        return False

    await until(heard, f"{clip.stem} at the other telephone", 90)


def sip_port(phone: Softphone) -> int:
    """The UDP port at which an unregistered telephone can be rung."""
    assert phone._process is not None
    pid = phone._process.pid
    mine = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            mine.add(os.readlink(descriptor))
    for row in Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]:
        columns = row.split()
        if f"socket:[{columns[9]}]" in mine and columns[1].startswith("0100007F:"):
            return int(columns[1].partition(":")[2], 16)
    raise AssertionError("the telephone listens nowhere")
