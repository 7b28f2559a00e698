"""Operators' gateways as child processes, what they say, and the settings with which ours speaks to them."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from npm_package import NODE, install

from crm.settings import SmsSettings
from hotline.softphone import free_port

TESTS = Path(__file__).parents[2]
PATIENCE_S = 20.0


class Peer:
    """`happened` holds every event so far; `port` is where it listens (the same after a restart)."""

    gateway: str
    refusal: str
    """What it answers to `{"response": "refuse"}`, as the SMS log shows it."""
    linked = True
    """Whether our gateway binds to it; else each message is a request of its own."""
    adds_signature = False

    def __init__(self) -> None:
        self.port = 0
        self.happened: list[dict[str, Any]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def command(self) -> tuple[Path, list[str]]:
        """Where it is started, and how."""
        raise NotImplementedError

    def settings(self, **more: Any) -> SmsSettings:
        """Of our gateway; `more` overrides those of its own section."""
        return SmsSettings.model_validate({"gateway": self.gateway, self.gateway: {**self._settings(), **more}})

    def _settings(self) -> dict[str, Any]:
        raise NotImplementedError

    async def start(self) -> None:
        folder, command = await self.command()
        before = len(self.happened)
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._reader = asyncio.create_task(self._read(self._process))
        self.port = (await self.event("listening", after=before))["port"]

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def tell(self, **command: Any) -> None:
        """Send a command and wait until it was carried out."""
        assert self._process
        assert self._process.stdin
        before = len(self.happened)
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self.event("done", after=before)

    async def event(self, name: str, *, after: int = 0, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first event of this name since number `after`."""

        async def seen() -> dict[str, Any] | None:
            return next((one for one in self.happened[after:] if one["event"] == name), None)

        return await eventually(seen, patience_s)

    def count(self, name: str) -> int:
        return sum(one["event"] == name for one in self.happened)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self.happened.append(json.loads(line))


class Smsc(Peer):
    """SMPP 3.4, by the npm package `smpp`."""

    gateway = "smpp"
    refusal = "ESME_RINVDSTADR"

    async def command(self) -> tuple[Path, list[str]]:
        await asyncio.to_thread(install, TESTS / "smsc", "smpp")
        return TESTS / "smsc", [str(NODE), "smsc.js", str(self.port)]

    def _settings(self) -> dict[str, Any]:
        account = {"system_id": "hotline", "password": "secret", "port": self.port}
        return {**account, "response_timeout_s": 2.0, "enquire_link_s": 1.0}


class Ismg(Peer):
    """CMPP."""

    gateway = "cmpp"
    refusal = "接收号码错"

    def __init__(self, version: str) -> None:
        super().__init__()
        self.version = version

    async def command(self) -> tuple[Path, list[str]]:
        return TESTS / "operators", [sys.executable, "cmpp_gateway.py", str(self.port), self.version]

    def _settings(self) -> dict[str, Any]:
        account = {"sp_id": "901234", "password": "secret", "service_id": "HELP", "version": self.version}
        return {**account, "port": self.port, "messages_per_s": 200, "response_timeout_s": 2.0, "active_test_s": 0.5}


class CloudMas(Peer):
    """云MAS."""

    gateway = "mas"
    refusal = "InvalidMobile"
    linked = False
    adds_signature = True

    def __init__(self) -> None:
        super().__init__()
        self._push_port, self._token = free_port(), "a-token-for-tests-only"

    async def command(self) -> tuple[Path, list[str]]:
        push = f"http://127.0.0.1:{self._push_port}/{self._token}"
        return TESTS / "operators", [sys.executable, "cloud_mas.py", str(self.port), push]

    def _settings(self) -> dict[str, Any]:
        account = {"ec_name": "弋阳县政务服务中心", "ap_id": "hotline", "secret_key": "secret", "sign": "SiGnCoDe1"}
        push = {"push_port": self._push_port, "push_token": self._token}
        return {**account, **push, "url": f"http://127.0.0.1:{self.port}", "response_timeout_s": 2.0}


PEERS: dict[str, Callable[[], Peer]] = {
    "smpp": Smsc,
    "cmpp-2.0": lambda: Ismg("2.0"),
    "cmpp-3.0": lambda: Ismg("3.0"),
    "mas": CloudMas,
}


async def eventually(ask: Callable[[], Awaitable[Any]], patience_s: float = PATIENCE_S) -> Any:
    """What `ask` gives as soon as it gives something true."""
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        if found := await ask():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("what was waited for did not happen")
