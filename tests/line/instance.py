"""A whole instance as a county runs it: `hotline run` in a folder of its own, with all roles, on free ports."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ringing import WAITS, Line, sip_port, until
from sqlalchemy import select

from callflow.agents import service as agents
from callflow.agents.models import Agent, Presence
from callflow.agents.rules import BY_HAND
from callflow.asterisk import AsteriskNode
from callflow.models import Call
from callflow.speak import speak
from core.actor import Actor
from core.board.models import PartHealth
from core.clock import now
from core.db import Database
from core.errors import Conflict
from core.identity.models import User
from core.postgres import EmbeddedPostgres
from hotline.settings import Settings
from hotline.setup import asterisk
from hotline.softphone import On, Softphone, free_port

ROLES = ("line", "web", "worker", "speech")
START_S = 240.0
STOP_S = 40.0
BYTES_PER_S = 16_000
LAST_LINES = 40
COUNTY = Path(__file__).parents[2] / "counties" / "yiyang"
WRAP_UP_S = 8
"""The bureau's wrap-up of a minute, shortened; still longer than it takes to see it and to kill the service."""
QUEUE_S = 180
"""Longer than the service takes to start again, so that who waits meanwhile still waits for an agent."""


@dataclass
class Instance:
    """One whole instance; tests of faults share one. `db` looks into its database, `node` is its Asterisk.

    Between two tests it runs on, with nobody at a desk; a test that leaves it dead has it started again.
    """

    home: Path
    settings: Settings
    env: dict[str, str]
    node: AsteriskNode
    postgres: EmbeddedPostgres
    db: Database = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    phones: list[Softphone] = field(default_factory=list)
    desks: list[Actor] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def prepare(cls, home: Path, sounds: Path, *, keep_after_s: int = 60, wrap_up_s: int = WRAP_UP_S) -> "Instance":
        """Set up in `home`; the prompts are those that the line tests have rendered already. Who has waited
        `keep_after_s` may keep the place."""
        county = home / "county"
        shutil.copytree(COUNTY, county)
        policy = (county / "policy.toml").read_text()
        policy = policy.replace("wrap_up_s = 60", f"wrap_up_s = {wrap_up_s}")
        policy = policy.replace("keep_place_after_s = 60", f"keep_place_after_s = {keep_after_s}")
        (county / "policy.toml").write_text(policy)
        first = 27000 + os.getpid() % 100 * 20
        line = {
            "sip_port": free_port(), "ami_port": free_port(), "agi_port": free_port(),
            "websocket_port": free_port(), "rtp_first": first, "rtp_last": first + 400,
            "waits": WAITS.model_copy(update={"first_queue": QUEUE_S}).model_dump(),
        }  # fmt: skip
        sections = {"line": line, "web": {"port": free_port()}, "speech": {"port": free_port()}}
        sections["recordings"] = {"scan_every_s": 0.5, "spool_reserve_mb": 1}
        sections["core"] = {"county": str(county)}
        env = dict(os.environ, HOTLINE_HOME=str(home))
        env |= {f"HOTLINE_{name.upper()}": json.dumps(section) for name, section in sections.items()}
        settings = Settings(home=home, **sections)  # type: ignore[arg-type]
        (home / "secrets").mkdir(mode=0o700)
        (home / "secrets" / "personal").write_text("a master key that only tests ever use")
        node = AsteriskNode(home, asterisk.ensure(), settings.line)
        node.folders.data.mkdir(parents=True)
        shutil.copytree(sounds, node.folders.sounds, symlinks=True)
        shutil.copytree(sounds.parent / "moh", node.folders.data / "moh")
        (home / "prompts" / "hotline").mkdir(parents=True)
        shutil.copy(sounds / "zh" / "hotline" / "greeting.wav", home / "prompts" / "hotline")
        subprocess.run([sys.executable, "-m", "hotline", "setup"], env=env, check=True, stdout=subprocess.DEVNULL)
        return cls(home, settings, env, node, EmbeddedPostgres(home / "postgres"))

    async def enter(self) -> None:
        """Begin a test: the service runs."""
        self.db = Database(self.postgres.url, pool_size=3)
        if self.process is None or self.process.poll() is not None:
            await self.start()

    async def leave(self) -> None:
        """End a test: telephones away, nobody at a desk, no channel left."""
        for phone in self.phones:
            await phone.stop()
        async with self.db.session() as session:
            for actor in self.desks:
                assert actor.user_id
                with suppress(Conflict):
                    await agents.log_out(session, actor, actor.user_id)
        self.phones, self.desks = [], []
        await self.db.close()
        await until(self._deserted, "no channel and no agent is left")

    async def _deserted(self) -> bool:
        channels = await self.node.cli("core show channels concise")
        return not channels.strip() and "PJSIP/" not in await self.node.cli("queue show")

    def end(self) -> None:
        """Ctrl-C: everything that it started ends; what does not, is killed."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        roles = self.roles() if self.process and self.process.poll() is None else []
        for pid in (self.process and self.process.pid, *roles, self.node.pid, self.postgres.pid()):
            if pid and Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)

    async def close(self) -> None:
        """The end of an instance that a test has for itself; saying it again changes nothing."""
        try:
            if self.process and self.process.poll() is None:
                await self.leave()
        finally:
            self.end()

    async def start(self) -> None:
        """Start the service and wait until every role has reported since."""
        began = now()
        self.process = await asyncio.to_thread(self._spawn)

        async def reported() -> bool:
            if self.postgres.pid() is None:
                return False
            async with self.db.session() as session:
                rows = await session.scalars(select(PartHealth).where(PartHealth.at > began, PartHealth.ok))
                return {row.process.partition("@")[0] for row in rows} == set(ROLES)

        async def patient() -> bool:
            try:
                return await reported()
            except Exception:  # noqa: BLE001 - the database may just be starting, or empty
                return False

        await until(patient, "all roles report that they are well", START_S)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self.home / "service.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "hotline", "run"], env=self.env, stdout=output, stderr=output
            )

    def last_words(self) -> str:
        """The end of the service's log."""
        return "\n".join((self.home / "service.log").read_text(errors="replace").splitlines()[-LAST_LINES:])

    def database_processes(self) -> list[int]:
        """PostgreSQL's server and all its children."""
        pid = self.postgres.pid()
        assert pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def roles(self) -> list[int]:
        """The processes of the roles; Asterisk and PostgreSQL are the supervisor's children, too, at first."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"\0role\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    async def kill_service(self) -> None:
        """SIGKILL to the supervisor and all roles at once; Asterisk and PostgreSQL stay."""
        assert self.process
        for pid in [self.process.pid, *self.roles()]:
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)

    async def phone(self, user: str, *, greeting: str = "", **options: object) -> Softphone:
        """A telephone that says `greeting` once it is connected."""
        said = speak(greeting, self.home / "clips") if greeting else None
        server = f"{self.settings.line.bind}:{self.settings.line.sip_port}"
        folder = self.home / f"phone-{user}-{next(self._numbers)}"
        one = Softphone(folder, server=server, user=user, greeting=said, **options)  # type: ignore[arg-type]
        await one.start()
        self.phones.append(one)
        return one

    @property
    def site(self) -> str:
        """Where the desks are."""
        return f"https://127.0.0.1:{self.settings.web.port}"

    async def trunk(self, number: str, *, saying: str = "") -> Softphone:
        """The telephone outside at which calls out ring, until this instance rings another one."""
        outside = await self.phone(number, greeting=saying)
        self.node.settings = self.settings.line.model_copy(update={"trunk_to": f"127.0.0.1:{sip_port(outside)}"})
        self.node.render()
        await self.node.reload("res_pjsip.so")
        return outside

    async def desk(self, login: str = "agent1", *, greeting: str = "您好请讲", auto_answer: bool = True) -> Actor:
        """An agent of the demo county at a telephone, logged in, ready."""
        async with self.db.session() as session:
            user = (await session.scalars(select(User).where(User.login == login))).one()
            agent = await session.get_one(Agent, user.id)
        actor = Actor(user.id, user.name, user.role_set)
        await until(lambda: self._knows(agent), f"extension {agent.extension} known to Asterisk with its password")
        await self.phone(agent.extension, password=agent.sip_secret, greeting=greeting, auto_answer=auto_answer)
        async with self.db.session() as session:
            await agents.log_in(session, actor, user.id)
        self.desks.append(actor)
        await self.ready(agent.extension)
        return actor

    async def _knows(self, agent: Agent) -> bool:
        return agent.sip_secret in await self.node.cli(f"pjsip show auth {agent.extension}")

    async def ready(self, extension: str) -> None:
        """Wait until Asterisk would ring this agent."""

        async def idle() -> bool:
            async with self.db.session() as session:
                seen = await session.scalar(select(Presence).where(Presence.extension == extension))
            return bool(seen and seen.device == "idle" and not seen.paused)

        await until(idle, f"agent {extension} ready")

    async def rings(self, number: str, *, saying: str = "") -> Softphone:
        """A citizen whose call was answered by the hotline."""
        citizen = await self.phone(number, greeting=saying)
        await citizen.dial("12345")
        await citizen.wait_for(On.ESTABLISHED)
        return citizen

    async def says(self, citizen: Softphone, text: str) -> None:
        """Say it to the agent, and wait until the recorder has it all."""
        clip = speak(text, self.home / "clips")
        before = self.recorded(citizen.user)
        await citizen.say(clip)
        wanted = before + clip.stat().st_size + BYTES_PER_S
        await until(lambda: self.recorded(citizen.user) > wanted, "the words in the recording")

    async def talks(self, number: str) -> bool:
        """Whether this citizen is connected, as Asterisk itself tells; it needs neither service nor database."""
        channels = (await self.node.cli("core show channels concise")).splitlines()
        return any(f"!{number}!" in one and one.split("!")[5] == "Queue" and one.split("!")[12] for one in channels)

    async def waits(self, number: str) -> bool:
        """Whether this citizen is in the queue and nobody talks with them yet."""
        return await self.stands(number) == "hotline-ladder!wait" and not await self.talks(number)

    async def lost(self, number: str) -> bool:
        """Whether this citizen hears music because the agent's page was lost."""
        return (await self.stands(number)).startswith("hotline-agent-lost!")

    async def stands(self, number: str) -> str:
        """Where in the dialplan this citizen stands, `context!extension`, as Asterisk itself tells; empty: nowhere."""
        rows = [one.split("!") for one in (await self.node.cli("core show channels concise")).splitlines()]
        return next((f"{row[1]}!{row[2]}" for row in rows if len(row) > 7 and row[7] == number), "")

    async def wraps_up(self, extension: str) -> bool:
        """Whether app_queue holds this agent in the wrap-up."""
        members = (await self.node.cli("queue show")).splitlines()
        return any(f"PJSIP/{extension}" in one and "paused:wrap-up" in one for one in members)

    @property
    def archive(self) -> Path:
        """Where finished recordings lie."""
        return self.home / "archive"

    def recorded(self, number: str) -> int:
        """Bytes that the recorder wrote of what this citizen said to an agent, in the present call."""
        return self.spooled(number, "talk*_in")

    def spooled(self, number: str, part: str) -> int:
        """Bytes in the spool of this part of this citizen's present call, such as `message`."""
        events = Line(self.node, self.home / "clips").events(number)
        if not events:
            return 0
        return sum(one.stat().st_size for one in self.node.folders.recordings.glob(f"{events[-1][2]}_{part}.sln"))

    async def call(self, number: str, *fields: str, within_s: float = 40.0) -> Call:
        """The one call of this citizen, once these fields are known."""

        async def complete() -> Call | None:
            async with self.db.session() as session:
                found = (await session.scalars(select(Call).where(Call.caller.matches(f"+86{number}")))).all()
            assert len(found) <= 1, "one dialled call is one record"
            return found[0] if found and all(getattr(found[0], name) is not None for name in fields) else None

        found = await until(complete, f"a call of {number} with {fields}", within_s)
        assert isinstance(found, Call)
        return found

    async def rests(self, actor: Actor, extension: str = "1001") -> None:
        """The agent pauses; wait until Asterisk knows."""
        assert actor.user_id
        async with self.db.session() as session:
            await agents.pause(session, actor, actor.user_id, min(BY_HAND))

        async def paused() -> bool:
            async with self.db.session() as session:
                seen = await session.scalar(select(Presence).where(Presence.extension == extension))
            return bool(seen and seen.paused)

        await until(paused, f"agent {extension} paused")

    async def resumes(self, actor: Actor) -> None:
        """The agent takes calls again."""
        assert actor.user_id
        async with self.db.session() as session:
            await agents.resume(session, actor, actor.user_id)
