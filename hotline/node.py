"""This instance's Asterisk: a child of ours, or one that a container of its own runs beside us."""

import asyncio
import contextlib
import re
import socket
import time

from callflow.asterisk import START_S, AsteriskNode
from core.errors import Unavailable
from hotline.runtime import Runtime
from hotline.setup.asterisk import ensure

LOOK_EVERY_S = 0.2
CONNECT_S = 1.0


class NodeBeside(AsteriskNode):
    """Reads the files that we write, in a shared folder; somebody else starts it, ends it, starts it again."""

    @property
    def pid(self) -> int | None:
        """None: its process belongs to another container."""
        return None

    def alive(self) -> bool:
        """Whether somebody listens on its control socket."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as control:
            control.settimeout(CONNECT_S)
            control.connect(str(self.folders.run / "asterisk.ctl"))
            return True
        return False

    async def start(self) -> int:
        """Wait until it takes calls; 0. Raises Unavailable("asterisk-mute")."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.alive() and await self._booted():
                return 0
            await asyncio.sleep(LOOK_EVERY_S)
        raise Unavailable("asterisk-mute", "旁边的 Asterisk 没有应答，请查看它的容器是否在运行。")

    async def stop(self, *, calls_may_end_s: float = 0.0) -> None:
        """Nothing: its calls go on without us."""


def node(runtime: Runtime) -> AsteriskNode:
    """This machine's Asterisk, as the setting `line.asterisk` says."""
    kind = NodeBeside if runtime.settings.line.asterisk == "beside" else AsteriskNode
    return kind(runtime.home, ensure(), runtime.settings.line)


def wanted(node: AsteriskNode) -> str:
    """Where the settings want SIP over UDP."""
    return f"{node.settings.bind}:{node.settings.sip_port}"


async def require_listening(node: AsteriskNode) -> None:
    """Raise Unavailable("line-not-listening") unless the running Asterisk takes SIP where the settings say."""
    if (bound := await listens_on(node)) != wanted(node):
        where = f"仍在 {bound} 监听" if bound else "没有监听"
        raise Unavailable("line-not-listening", f"线路{where}，设置为 {wanted(node)}：须为本机地址，端口须空闲。")


async def listens_on(node: AsteriskNode) -> str:
    """Where the running Asterisk takes SIP over UDP, `address:port`; it does not move while it runs; empty: nowhere."""
    said = re.search(r"^\s*bind\s*:\s*(\S+)", await node.cli("pjsip show transport udp"), re.MULTILINE)
    return said[1] if said else ""
