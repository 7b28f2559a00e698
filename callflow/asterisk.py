"""One Asterisk node of our own: its files, its start, its end, and finding it again after our own restart."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callflow.installation import AsteriskInstall
from callflow.line_files import TEMPLATES, AgentPhone, QueueFile, Roster, fill
from callflow.settings import LineSettings
from core.errors import Invalid, Unavailable
from core.log import get
from core.secrets import Secrets

log = get(__name__)

AGENTS, QUEUES, ROSTER = "pjsip_agents.conf", "queues_hotline.conf", "extensions_hotline.conf"
RENDERED_FROM_DATA = (AGENTS, QUEUES, ROSTER)
CUSTOM_RECORDS = ("res_cdrel_custom.so",)
"""Needed by cdr_custom and cel_custom from Asterisk 22 on, absent before."""
PROBE_SECRET = "sip-probe"
"""Name of the password with which the line's own citizen calls."""
LEFT_EMPTY = ("acl", "ccss", "features", "geolocation", "pjproject", "udptl")
"""Files that Asterisk wants to find although their defaults are what we want."""
LONGEST_SOCKET = 100
"""A unix socket's path ends at 107 bytes; `asterisk.ctl` must fit."""
START_S, STOP_S, CLI_S = 20.0, 10.0, 10.0


@dataclass(frozen=True)
class Folders:
    """Where a node keeps what: everything under the instance's home."""

    home: Path

    def __getattr__(self, name: str) -> Path:
        if name in ("etc", "lib", "run", "log", "cache", "data", "spool"):
            return self.home / "asterisk" / name
        raise AttributeError(name)

    @property
    def recordings(self) -> Path:
        """The spool that Asterisk writes into and `recordings/` ingests from."""
        return self.home / "spool" / "recordings"

    @property
    def sounds(self) -> Path:
        """`zh/` lies below: prompts under `zh/hotline/`, Asterisk's own names beside them."""
        return self.data / "sounds"

    @property
    def agi(self) -> Path:
        return TEMPLATES.parent / "agi_scripts"


class AsteriskNode:
    """An Asterisk that outlives the service: started in a session of its own, adopted after our restart."""

    def __init__(self, home: Path, install: AsteriskInstall, settings: LineSettings) -> None:
        self.install = install
        self.settings = settings
        self.folders = Folders(home.resolve())
        self._child: subprocess.Popen[bytes] | None = None
        if len(str(self.folders.run)) > LONGEST_SOCKET:
            raise Invalid("home-too-deep", f"目录 {home} 的路径太长，请换一个更短的目录。")

    # ------------------------------------------------------------------ files

    def render(self) -> list[str]:
        """Write every configuration file that differs, each at once or not at all; names of the changed ones.

        Files made of the bureau's data are only given a first, empty form here.
        """
        for name in ("etc", "lib", "run", "log", "cache", "data", "spool", "sounds", "recordings"):
            getattr(self.folders, name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in ("cdr-custom", "cel-custom"):
            (self.folders.log / folder).mkdir(exist_ok=True)
        (self.folders.lib / "keys").mkdir(exist_ok=True)
        (self.folders.data / "moh").mkdir(exist_ok=True)
        self._link("documentation")
        secrets = Secrets(self.folders.home / "secrets")
        modules = [name for name in CUSTOM_RECORDS if (self.install.modules_dir / name).is_file()]
        values = {
            "line": self.settings,
            "folders": self.folders,
            "python": sys.executable,
            "modules_dir": self.install.modules_dir,
            "custom_records": modules,
            "secrets": {name: secrets.get(f"ami-{name}") for name in ("line", "speech", "desk")}
            | {"probe": secrets.get(PROBE_SECRET)},
        }
        names = sorted(path.stem for path in TEMPLATES.glob("*.conf.j2"))
        changed = [n for n in names if n not in RENDERED_FROM_DATA and self._write(n, fill(n, **values))]
        changed += [f"{n}.conf" for n in LEFT_EMPTY if self._write(f"{n}.conf", "; Asterisk's defaults.\n")]
        if not (self.folders.etc / AGENTS).exists():
            self.render_agents(())
        if not (self.folders.etc / QUEUES).exists():
            self.render_queues((QueueFile("hotline"),))
        if not (self.folders.etc / ROSTER).exists():
            self.render_roster(Roster())
        return changed

    def render_agents(self, agents: Sequence[AgentPhone]) -> bool:
        """Write the agents' phones; True: changed, `reload("res_pjsip.so")` makes them known."""
        return self._write(AGENTS, fill(AGENTS, agents=agents))

    def render_queues(self, queues: Sequence[QueueFile]) -> bool:
        """Write the queues; True: changed, `reload("app_queue.so")` makes them known."""
        if self.settings.trunk_to is None:  # no way out: nobody can be called back
            queues = [replace(one, offer_after_s=0) for one in queues]
        return self._write(QUEUES, fill(QUEUES, queues=queues))

    def render_roster(self, roster: Roster) -> bool:
        """Write numbers, second line, duty and outside numbers; True: changed, `reload("pbx_config.so")`."""
        if self.settings.trunk_to is None:  # no way out: nobody waits for a call that cannot be made
            roster = replace(roster, duty=(), outside=None, keeps=False)
        return self._write(ROSTER, fill(ROSTER, roster=roster))

    def _write(self, name: str, text: str) -> bool:
        path = self.folders.etc / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        draft = path.with_name(f".{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return True

    def _link(self, name: str) -> None:
        link, target = self.folders.data / name, self.install.data_dir / name
        if not (link.is_symlink() and link.readlink() == target):
            link.unlink(missing_ok=True)
            link.symlink_to(target)

    # ------------------------------------------------------------------ process

    @property
    def pid(self) -> int | None:
        """The running Asterisk's process id; None where none runs with this node's configuration."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folders.run / "asterisk.pid").read_text())
            if str(self._config).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
        return None

    def alive(self) -> bool:
        """Whether this node's Asterisk runs; says nothing of whether it answers."""
        return self.pid is not None

    async def start(self) -> int:
        """Start Asterisk detached and wait until it takes calls; its process id.

        Raises Unavailable("asterisk-start") with the last lines that it wrote.
        """
        if self.alive():
            return await self.adopt()
        process = self._spawn()
        until = time.monotonic() + START_S
        while time.monotonic() < until and process.poll() is None:
            if await self._booted():
                log.info("asterisk.started", pid=process.pid, version=self.install.version)
                return process.pid
            await asyncio.sleep(0.05)
        if process.poll() is None:
            process.kill()
            process.wait()
        raise Unavailable("asterisk-start", f"Asterisk 未能启动：{self._last_words()}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        """A session of its own, and not asyncio's child: closing the loop must not end it."""
        (self.folders.run / "asterisk.ctl").unlink(missing_ok=True)
        with (self.folders.log / "stdout").open("ab") as output:
            self._child = subprocess.Popen(
                [self.install.binary, "-C", self._config, "-f"],
                cwd=self.folders.run, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        return self._child

    async def adopt(self) -> int:
        """Take over the Asterisk that a former service left running; its process id.

        Raises Unavailable("asterisk-mute") when there is none or it does not answer.
        """
        pid = self.pid
        until = time.monotonic() + START_S
        while pid is not None and time.monotonic() < until:
            if await self._booted():
                return pid
            await asyncio.sleep(0.1)
        raise Unavailable("asterisk-mute", "没有可接管的 Asterisk，或它没有应答。")

    async def stop(self, *, calls_may_end_s: float = 0.0) -> None:
        """End Asterisk: gracefully within `calls_may_end_s` (no new calls), then at once, at last by force."""
        pid = self.pid
        if pid is None:
            return
        if calls_may_end_s:
            with contextlib.suppress(Unavailable):
                await self.cli("core stop gracefully")
            if await self._gone(pid, calls_may_end_s):
                return
        os.kill(pid, signal.SIGTERM)
        if not await self._gone(pid, STOP_S):
            os.kill(pid, signal.SIGKILL)
            await self._gone(pid, STOP_S)

    async def _gone(self, pid: int, within_s: float) -> bool:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self._child:
                self._child.poll()  # ours to bury
            if self.pid != pid:
                return True
            await asyncio.sleep(0.05)
        return False

    async def reload(self, module: str) -> None:
        """Let `module`, such as "res_pjsip.so", read its files again."""
        await self.cli(f"module reload {module}")

    async def cli(self, command: str) -> str:
        """What Asterisk's console answers to `command`. Raises Unavailable("asterisk-mute")."""
        if any(character in command for character in "\r\n\0"):
            raise Invalid("bad-line-value", "命令含有换行，未执行。")
        process = await asyncio.create_subprocess_exec(
            self.install.binary, "-C", self._config, "-rx", command,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(CLI_S):
                out, _ = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise Unavailable("asterisk-mute", "Asterisk 没有应答。") from error
        if process.returncode != 0:
            raise Unavailable("asterisk-mute", "Asterisk 没有应答。")
        return out.decode("utf-8", "replace")

    async def _booted(self) -> bool:
        if not (self.folders.run / "asterisk.ctl").exists():
            return False
        with contextlib.suppress(Unavailable):
            return "fully booted" in await self.cli("core waitfullybooted")
        return False

    @property
    def _config(self) -> Path:
        return self.folders.etc / "asterisk.conf"

    def _last_words(self) -> str:
        lines: list[str] = []
        for path in (self.folders.log / "stdout", self.folders.log / "messages.log"):
            with contextlib.suppress(OSError):
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        return " / ".join(lines) or "没有输出"
