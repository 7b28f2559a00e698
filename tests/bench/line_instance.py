"""One instance of the product in a folder of its own, with two more dialplans beside ours to compare it with."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import pi, sin
from pathlib import Path
from struct import pack

import psycopg
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from callflow.agents import service as agents
from callflow.agents.models import Agent
from callflow.asterisk import Folders
from callflow.numbers import service as numbers
from core.actor import SYSTEM, Actor
from core.errors import Unavailable
from core.identity.models import User
from core.permissions import Role
from hotline import settings
from hotline.ground import Ground
from hotline.runtime import Runtime
from hotline.softphone import free_port
from ivr.prompts.render import render_all, write
from web.metrics import Processes

REPOSITORY = Path(__file__).parents[2]
ROLES = ("line", "worker")
OURS, PURE, CLASSIC = "12345", "990001", "990002"
"""Dialled numbers: the product's own context, and the two others."""
QUEUE = "hotline"
NOTICE_S = {"notice": 1.0, "greeting": 0.5}
"""Shorter than the real ones, so that calls a second are many and calls at once are few."""
START_S, SETTLE_S = 60.0, 60.0
RTP = (10000, 19998)

DIALPLAN = """
[citizen](+)
exten => {pure},1,Goto(bench-pure,s,1)
exten => {classic},1,Goto(bench-classic,s,1)

[bench-pure]
exten => s,1,Answer(,i)
 same => n,Background(hotline/notice&hotline/greeting,m)
 same => n,MixMonitor(,br({spool}/${{CHANNEL(linkedid)}}_in.sln)t({spool}/${{CHANNEL(linkedid)}}_out.sln))
 same => n,Queue({queue},,,,60)
 same => n,Hangup()
exten => h,1,StopMixMonitor()

[bench-classic]
exten => s,1,Answer(,i)
 same => n,Background(hotline/notice&hotline/greeting,m)
 same => n,AGI({script})
 same => n,MixMonitor(,br({spool}/${{CHANNEL(linkedid)}}_in.sln)t({spool}/${{CHANNEL(linkedid)}}_out.sln))
 same => n,Queue(${{HOTLINE_QUEUE}},,,,60)
 same => n,Hangup()
exten => h,1,StopMixMonitor()
"""

CALM_S = 30.0


@dataclass
class Instance:
    """`roles` run only while our own arm is measured."""

    home: Path
    wrap_up_s: int
    members: int
    env: dict[str, str] = field(default_factory=dict)
    roles: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    async def start(self) -> None:
        """Database, Asterisk, agents; the roles once, so that Asterisk knows the agents."""
        self._configure()
        self.runtime = Runtime(settings.load()).open()
        self.ground = Ground(self.runtime)
        self.line = self.runtime.settings.line
        await self.ground.start_database()
        self._prompts()
        self.ground.node.render()
        self._dialplan()
        await self.ground.node.start()
        await self._seed()
        await self.start_roles()
        last = str(1000 + self.members)

        async def known() -> bool:
            if f"{last}/{last}" not in await self.cli(f"pjsip show endpoint {last}"):
                return False
            return await self.paused() == 0 and f"PJSIP/{last}" in await self.cli(f"queue show {QUEUE}")

        await self._until(known, "agents in Asterisk")
        await self.stop_roles()

    async def stop(self) -> None:
        """Everything that was started, and the folder."""
        await self.stop_roles()
        await self.runtime.db.close()
        await self.ground.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    async def cli(self, command: str) -> str:
        """Asterisk's console."""
        return await self.ground.node.cli(command)

    # ------------------------------------------------------------------ making it

    def _configure(self) -> None:
        county = shutil.copytree(REPOSITORY / "counties" / "yiyang", self.home / "county")
        policy = county / "policy.toml"
        text = re.sub(r"(?m)^wrap_up_s = \d+", f"wrap_up_s = {self.wrap_up_s}", policy.read_text(encoding="utf-8"))
        policy.write_text(text.replace("rate_after_call = true", "rate_after_call = false"), encoding="utf-8")
        names = ("sip_port", "ami_port", "agi_port", "websocket_port")
        line = {name: free_port() for name in names} | {"rtp_first": RTP[0], "rtp_last": RTP[1]}
        os.environ["HOTLINE_HOME"] = str(self.home)
        os.environ["HOTLINE_CORE"] = json.dumps({"county": str(county), "log_level": "WARNING"})
        os.environ["HOTLINE_LINE"] = json.dumps(line | {"waits": {"wrap_up_race": 0}})
        self.env = dict(os.environ)

    def _prompts(self) -> None:
        recorded = self.home / "prompts"
        for name, seconds in NOTICE_S.items():
            tone = b"".join(pack("<h", int(8000 * sin(2 * pi * 440 * i / 8000))) for i in range(int(seconds * 8000)))
            write(recorded / "hotline" / f"{name}.wav", tone)
        render_all(Folders(self.home).sounds, recorded=recorded)

    def _dialplan(self) -> None:
        etc, spool = self.ground.node.folders.etc, self.home / "spool" / "bench"
        spool.mkdir(parents=True)
        script = self.home / "classic.agi"
        classic = Path(__file__).with_name("line_classic.py")
        script.write_text(f"#!/bin/sh\nexec {sys.executable} {classic} {self.classic_times} 2>/dev/null\n")
        script.chmod(0o700)
        text = DIALPLAN.format(pure=PURE, classic=CLASSIC, queue=QUEUE, spool=spool, script=script)
        with (etc / "extensions.conf").open("a", encoding="utf-8") as file:
            file.write(text)

    async def _seed(self) -> None:
        async with self.runtime.db.session() as session:
            await numbers.set_queue(session, SYSTEM, QUEUE, "综合坐席")
            await numbers.set_number(session, SYSTEM, OURS, "12345政务服务便民热线", QUEUE)
            for extension in range(1001, 1001 + self.members):
                name = f"坐席{extension}"
                user = User(login=f"bench{extension}", name=name, roles=["agent"], password_hash="-")
                session.add(user)
                await session.flush()
                await agents.enrol(session, SYSTEM, user.id, str(extension), name, {QUEUE: 0})
                await agents.log_in(session, Actor(user.id, name, frozenset({Role.AGENT})), user.id)

    async def telephones(self) -> list[tuple[str, str]]:
        """Extension and secret of each agent."""
        async with self.runtime.db.session() as session:
            return [(one.extension, one.sip_secret) for one in await session.scalars(select(Agent))]

    # ------------------------------------------------------------------ the roles

    async def start_roles(self) -> None:
        """Both roles, each in a process of its own, until both report that they are well."""
        for name in ("cel-custom/events.csv", "cdr-custom/calls.csv", "queue_log"):
            path = self.ground.node.folders.log / name
            if path.exists():
                os.truncate(path, 0)  # the other arms' calls are not ours to read
        began = self.sql("SELECT now()")[0][0]
        await asyncio.to_thread(self._spawn)

        async def well() -> bool:
            rows = self.sql("SELECT process FROM part_health WHERE at > %s AND ok", began)
            return {str(row[0]).partition("@")[0] for row in rows} == set(ROLES)

        await self._until(well, "both roles are well")

    def _spawn(self) -> None:
        """As the supervisor does it, each in a session of its own: Linux divides the processor among sessions first
        (`sched_autogroup`), and in ours the callers would take the line's share."""
        with (self.home / "roles.log").open("ab") as output:
            for role in ROLES:
                self.roles[role] = subprocess.Popen(
                    [sys.executable, "-m", "hotline", "role", role],
                    cwd=REPOSITORY, env=self.env, stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip

    async def stop_roles(self) -> None:
        """SIGTERM, as the supervisor ends them."""
        for process in self.roles.values():
            process.send_signal(signal.SIGTERM)
        for process in self.roles.values():
            await asyncio.to_thread(process.wait, 30)
        self.roles = {}

    async def calm(self) -> None:
        """An arm that collapsed leaves calls behind: they end, with Asterisk itself where it no longer obeys."""

        async def silent() -> bool:
            return "\n0 active calls" in f"\n{await self.cli('core show channels count')}"

        with suppress(TimeoutError, Unavailable):
            await self.cli("channel request hangup all")
            await self._until(silent, "no call left", CALM_S)
            return
        await self.ground.node.stop()
        await self.ground.node.start()

    def empty_spool(self) -> None:
        """What one step left unarchived is not the next one's work."""
        for path in self.ground.node.folders.recordings.glob("*.sln"):
            path.unlink()

    async def unsettled(self) -> str:
        """Wait until calls, recordings and jobs of what was measured are through -> what was not in time, or ""."""
        left = ""

        async def quiet() -> bool:
            nonlocal left
            counts = {
                "open calls": self.sql("SELECT count(*) FROM calls WHERE ended_at IS NULL")[0][0],
                "jobs": self.sql(
                    "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' OR status = 'todo' "
                    "AND (scheduled_at IS NULL OR scheduled_at <= now())"
                )[0][0],
                "files": sum(path.suffix == ".sln" for path in self.ground.node.folders.recordings.iterdir()),
                "paused agents": await self.paused(),
            }
            left = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            return not left

        with suppress(TimeoutError):
            await self._until(quiet, "all is through", SETTLE_S)
        return left

    # ------------------------------------------------------------------ looking at it

    async def paused(self) -> int:
        """Agents in wrap-up, or paused for not answering."""
        return (await self.cli(f"queue show {QUEUE}")).count("(paused")

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the database says."""
        postgres = self.runtime.postgres
        assert postgres
        with psycopg.connect(postgres.url) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def metrics(self) -> dict[tuple[str, str], float]:
        """Counters of all role processes so far, by name and its last label."""
        registry = CollectorRegistry()
        registry.register(Processes(self.home / "metrics"))  # type: ignore[arg-type]
        found: dict[tuple[str, str], float] = {}
        for family in registry.collect():
            for sample in family.samples:
                label = sample.labels.get("le") or sample.labels.get("outcome") or ""
                found[sample.name, label] = found.get((sample.name, label), 0.0) + sample.value
        return found

    @property
    def classic_times(self) -> Path:
        """Milliseconds of each command of classic AGI, a line per call."""
        return self.home / "classic.times"

    @staticmethod
    async def _until(condition: Callable[[], Awaitable[bool]], what: str, within_s: float = START_S) -> None:
        end = time.monotonic() + within_s
        while not await condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited in vain for: {what}")
            await asyncio.sleep(0.3)
