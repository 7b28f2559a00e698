"""A telephone without a desk: baresip, driven over its control socket.

It stands in for the operator's trunk and for agents wherever a real SIP call with real sound is wanted:
`make call`, `make agent`, and every line test. Each telephone has its own folder and its own free loopback
ports, so any number of them ring at once.
"""

import asyncio
import json
import random
import shutil
import socket
import wave
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import Invalid, Unavailable

RTP_PORTS = (30000, 32760)
"""Below Linux's ephemeral ports and apart from the line's own range; baresip tries within until one is free."""
READY_S = 10.0
"""Until the control socket answers, on a machine whose cores are all busy."""
EVENT_S = 30.0
MODULE_FOLDERS = ("/usr/lib/baresip/modules", "/usr/lib/*-linux-gnu*/baresip/modules", "/usr/local/lib/baresip/modules")

SILENCE_S = 60
REARM_S = 20
"""baresip hangs up at the end of a sound file, so the microphone is given a new one long before."""

CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
call_max_calls {max_calls}
audio_player aubridge,nil
audio_alert aubridge,nil
audio_source aufile,{silence}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp_first}-{rtp_last}
snd_path {folder}
ctrl_tcp_listen 127.0.0.1:{control_port}
module_path {modules}
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
"""


class On(StrEnum):
    """What a telephone reports (baresip's own names)."""

    REGISTERED = "REGISTER_OK"
    REFUSED = "REGISTER_FAIL"
    INCOMING = "CALL_INCOMING"
    RINGING = "CALL_RINGING"
    EARLY_MEDIA = "CALL_PROGRESS"
    ESTABLISHED = "CALL_ESTABLISHED"
    CLOSED = "CALL_CLOSED"
    KEY = "CALL_DTMF_START"


@dataclass(frozen=True)
class PhoneEvent:
    """One report: its kind, the SIP Call-ID it is about ("" for registration), the reason or digits it carries."""

    kind: str
    call: str
    text: str
    peer: str


def netstring(payload: bytes) -> bytes:
    """`payload` framed as ctrl_tcp wants it: `<length>:<payload>,`."""
    return b"%d:%s," % (len(payload), payload)


async def read_netstring(reader: asyncio.StreamReader, *, limit: int = 1 << 20) -> bytes:
    """The next framed payload. Raises ValueError on a broken frame, IncompleteReadError at the end."""
    head = await reader.readuntil(b":")
    if not head[:-1].isdigit() or int(head[:-1]) > limit:
        raise ValueError(f"not a netstring: {head[:20]!r}")
    body = await reader.readexactly(int(head[:-1]) + 1)
    if body[-1:] != b",":
        raise ValueError("netstring without its comma")
    return body[:-1]


def free_port() -> int:
    """A loopback port that is free for UDP and TCP right now, below the ephemeral range."""
    for _ in range(200):
        port = random.randrange(21000, 29999)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Unavailable("no-port", "本机没有空闲端口")


def _modules() -> Path:
    for pattern in MODULE_FOLDERS:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            return path
    raise Unavailable("no-baresip", "没有找到软电话 baresip，请先运行 make setup")


class Softphone:
    """One telephone with one account.

    Without `password` it rings as a trunk would: `user` is the caller's number and nothing is registered.
    With it, it registers as extension `user`. `greeting` is a sound file spoken after each connection, `name` what
    the other side may show.
    """

    def __init__(
        self,
        folder: Path,
        *,
        server: str,
        user: str,
        password: str | None = None,
        auto_answer: bool = False,
        greeting: Path | None = None,
        name: str = "",
    ) -> None:
        self.folder = folder
        self._name = name
        self.server = server
        self.user = user
        self.greeting = greeting
        self._password = password
        self._auto_answer = auto_answer
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._clips: asyncio.Queue[Path] = asyncio.Queue()
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._one_command = asyncio.Lock()
        self._events: list[PhoneEvent] = []
        self._seen: defaultdict[str, int] = defaultdict(int)
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the program; with a password, return once the line accepted the registration.

        Raises Unavailable("no-baresip", "phone-failed", "phone-refused").
        """
        binary = shutil.which("baresip")
        if binary is None:
            raise Unavailable("no-baresip", "没有找到软电话 baresip，请先运行 make setup")
        self.folder.mkdir(parents=True, exist_ok=True)
        control_port = free_port()
        self._write_files(control_port)
        with (self.folder / "baresip.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                binary, "-f", self.folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            reader, self._writer = await self._connect(control_port)
            self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._keep_microphone_open())]
            # Given only now: what happens before the control socket is connected is never reported.
            await self.command("uanew", self._account())
            if self._password is not None:
                await self._registered()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Hang up, leave, and end the program. Harmless when it never started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def dial(self, number: str) -> None:
        """Ring `number` at the server; `wait_for(On.ESTABLISHED)` says when somebody answered."""
        await self.command("dial", f"sip:{number}@{self.server}")

    async def answer(self) -> None:
        """Take the call that is ringing."""
        await self.command("accept")

    async def hang_up(self) -> None:
        """End the call."""
        await self.command("hangup")

    async def send_digits(self, digits: str) -> None:
        """Press keys, as telephone events of RFC 4733."""
        for digit in digits:
            await self.command("sndcode", digit)

    async def say(self, clip: Path) -> None:
        """Speak an 8 kHz mono 16-bit WAV file into the call, after whatever is being spoken now."""
        await self._clips.put(clip)

    def keys(self) -> str:
        """Keys that the other side has pressed so far, as telephone events."""
        return "".join(event.text for event in self._events if event.kind == On.KEY)

    def heard(self) -> list[Path]:
        """WAV files of what came in, oldest first; a file is whole once its call is closed."""
        return sorted(self.folder.glob("dump-*-dec.wav"))

    async def events(self) -> AsyncIterator[PhoneEvent]:
        """Everything reported so far and from now on."""
        position = 0
        while True:
            async with self._news:
                await self._news.wait_for(lambda: len(self._events) > position)  # noqa: B023
            yield self._events[position]
            position += 1

    async def wait_for(self, kind: str, timeout: float = EVENT_S) -> PhoneEvent:
        """The next report of this kind that no earlier `wait_for` returned. Raises TimeoutError."""

        def unseen() -> PhoneEvent | None:
            same = [event for event in self._events if event.kind == kind]
            return same[self._seen[kind]] if len(same) > self._seen[kind] else None

        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: unseen() is not None)
            event = unseen()
            assert event is not None
            self._seen[kind] += 1
            return event

    async def command(self, name: str, parameters: str = "") -> str:
        """One console command of baresip; its answer."""
        if self._writer is None:
            raise Unavailable("phone-off", "软电话没有启动")
        async with self._one_command:
            payload = json.dumps({"command": name, "params": parameters, "token": name})
            self._writer.write(netstring(payload.encode()))
            async with asyncio.timeout(READY_S):
                reply = await self._replies.get()
        if not reply.get("ok"):
            raise Unavailable("phone-failed", f"软电话不能执行 {name}：{reply.get('data', '')}")
        return str(reply.get("data", ""))

    def _write_files(self, control_port: int) -> None:
        silence = self.folder / "silence.wav"
        with wave.open(str(silence), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(SILENCE_S * 16000))
        (self.folder / "config").write_text(
            CONFIG.format(
                max_calls=4,
                silence=silence,
                rtp_first=RTP_PORTS[0],
                rtp_last=RTP_PORTS[1],
                folder=self.folder,
                control_port=control_port,
                modules=_modules(),
            )
        )
        (self.folder / "accounts").write_text("")
        (self.folder / "contacts").write_text("")

    def _account(self) -> str:
        shown = f'"{self._name}" ' if self._name else ""
        account = f"{shown}<sip:{self.user}@{self.server};transport=udp>;audio_codecs=PCMA"
        if self._auto_answer:
            account += ";answermode=auto"
        if self._password is None:
            return account + ";regint=0"
        return account + f";auth_user={self.user};auth_pass={self._password};regint=60"

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self._process is not None
        async with asyncio.timeout(READY_S):
            while self._process.returncode is None:
                try:
                    return await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
        raise Unavailable("phone-failed", f"软电话没有启动，见 {self.folder / 'baresip.log'}")

    async def _registered(self) -> None:
        waits = {
            asyncio.create_task(self.wait_for(On.REGISTERED)),
            asyncio.create_task(self.wait_for(On.REFUSED)),
        }
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        event = done.pop().result()
        if event.kind == On.REFUSED:
            raise Unavailable("phone-refused", f"分机 {self.user} 注册被拒绝：{event.text}")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                report = json.loads(await read_netstring(reader))
                if report.get("event"):
                    await self._note(report)
                else:
                    await self._replies.put(report)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._note({"type": "EXIT", "param": "软电话已结束"})

    async def _note(self, report: dict[str, Any]) -> None:
        event = PhoneEvent(
            kind=str(report.get("type", "")),
            call=str(report.get("id", "")),
            text=str(report.get("param", "")),
            peer=str(report.get("peeruri", "")),
        )
        if event.kind == On.ESTABLISHED and self.greeting is not None:
            await self._clips.put(self.greeting)
        async with self._news:
            self._events.append(event)
            self._news.notify_all()

    async def _keep_microphone_open(self) -> None:
        silence = self.folder / "silence.wav"
        while True:
            try:
                async with asyncio.timeout(REARM_S):
                    clip = await self._clips.get()
            except TimeoutError:
                await self._listen_to(silence)
                continue
            padded = self.folder / "speaking.wav"
            seconds = await asyncio.to_thread(_pad, clip, padded)
            await self._listen_to(padded)
            await asyncio.sleep(seconds)
            await self._listen_to(silence)

    async def _listen_to(self, sound: Path) -> None:
        await self.command("ausrc", f"aufile,{sound}")


def _pad(clip: Path, padded: Path) -> float:
    """Copy `clip` with a long silence behind it; its own length in seconds."""
    with wave.open(str(clip), "rb") as source:
        if (source.getnchannels(), source.getsampwidth(), source.getframerate()) != (1, 2, 8000):
            raise Invalid("bad-clip", "声音文件应为 8000 Hz、单声道、16 位")
        frames = source.readframes(source.getnframes())
    with wave.open(str(padded), "wb") as target:
        target.setparams((1, 2, 8000, 0, "NONE", ""))
        target.writeframes(frames + bytes(SILENCE_S * 16000))
    return len(frames) / 16000
