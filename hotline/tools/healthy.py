"""`hotline healthy`: whether this instance says that all its parts are well; for container engines and monitors."""

import asyncio
import ssl
import sys
from pathlib import Path

import aiohttp
import typer

from hotline import settings

TIMEOUT_S = 4.0
"""Below the five seconds that the images' HEALTHCHECK allows."""
EVERYWHERE = ("0.0.0.0", "::")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""

    @app.command()
    def healthy() -> None:
        """询问本实例各部分是否正常；正常返回 0，否则返回 1。"""
        here = settings.load()
        trust = here.web.certificate or here.core.home / "tls" / "ca.pem"
        wrong = asyncio.run(ask(here.web.host, here.web.port, trust))
        for line in wrong:
            print(line, file=sys.stderr)
        raise typer.Exit(1 if wrong else 0)


async def ask(host: str, port: int, trust: Path) -> list[str]:
    """What is wrong, one Chinese line a part; empty: all is well.

    Asks on loopback where the service listens everywhere. `trust` is the PEM file that the certificate must lead
    to; its names are not compared, for the address asked is this machine's own.
    """
    address = "127.0.0.1" if host in EVERYWHERE else host
    try:
        context = ssl.create_default_context(cafile=str(trust))
        context.check_hostname = False
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=False) as session,
            session.get(f"https://{address}:{port}/health", ssl=context) as answer,
        ):
            said = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return [f"网页服务没有应答：{type(error).__name__}"]
    if not isinstance(said, dict):
        return ["网页服务没有应答：内容不明"]
    wrong = [f"{part['part']}：{part['detail']}" for part in said.get("parts", ()) if not part["ok"]]
    return wrong or ([] if said.get("ok") is True else ["有部分不正常"])
