"""One real Asterisk for all line tests. Started by the first that needs it, stopped always."""

import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from instance import Instance
from ringing import AGENTS, MENU, NUMBERS, ROSTER, WAITS, Line

from callflow.asterisk import AsteriskNode
from callflow.line_files import QueueFile
from callflow.settings import LineSettings
from hotline.setup import asterisk
from hotline.softphone import free_port
from ivr.prompts.render import render_all, write


@pytest.fixture(scope="session")
def asterisk_home() -> Iterator[Path]:
    """A short folder; whatever Asterisk still runs in it at the end is ended."""
    with tempfile.TemporaryDirectory(prefix="hl-line-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        pid = AsteriskNode(Path(folder), asterisk.ensure(), LineSettings()).pid
        if pid:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def line_settings() -> LineSettings:
    """Free ports and short waits. The operator's trunk is wherever a test's telephone listens: see `trunk`."""
    first = 24000 + os.getpid() % 200 * 20
    return LineSettings(
        sip_port=free_port(), ami_port=free_port(), agi_port=free_port(), websocket_port=free_port(),
        rtp_first=first, rtp_last=first + 400, trunk_to=f"127.0.0.1:{free_port()}", waits=WAITS,
    )  # fmt: skip


@pytest.fixture(scope="session")
def rendered_home(asterisk_home: Path, line_settings: LineSettings) -> Path:
    """Configuration, prompts and data of the tests; the greeting is a short tone, to save their time."""
    node = AsteriskNode(asterisk_home, asterisk.ensure(), line_settings)
    node.render()
    node.render_agents(AGENTS)
    node.render_queues([QueueFile(name) for name in NUMBERS.values()])
    node.render_roster(ROSTER)
    write(asterisk_home / "recorded/hotline/greeting.wav", b"\x00\x10\x00\xf0" * 2000)
    render_all(node.folders.sounds, recorded=asterisk_home / "recorded", menu=MENU)
    return asterisk_home


@pytest.fixture
async def line(rendered_home: Path, line_settings: LineSettings) -> AsyncIterator[Line]:
    """The shared Asterisk, started by the first test, and this test's telephones."""
    node = AsteriskNode(rendered_home, asterisk.ensure(), line_settings)
    await node.start()
    speech = rendered_home / "speech"
    async with AsyncExitStack() as stack:
        yield Line(node, speech, stack)
        await stack.aclose()


@pytest.fixture(scope="session")
def house(rendered_home: Path) -> Iterator[Instance]:
    """The whole instance that tests of faults share; ended whatever happens."""
    with tempfile.TemporaryDirectory(prefix="hl-i-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        one = Instance.prepare(Path(folder) / "h", rendered_home / "asterisk" / "data" / "sounds")
        try:
            yield one
        finally:
            one.end()


@pytest.fixture
async def instance(house: Instance) -> AsyncIterator[Instance]:
    """The instance, running, nobody at a desk."""
    try:
        await house.enter()
        yield house
    finally:
        await house.leave()
