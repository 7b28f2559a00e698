"""Whether this instance says that all its parts are well; for container engines, monitors and `hotline doctor`."""

import ssl
from pathlib import Path

import aiohttp

from hotline.settings import Settings

TIMEOUT_S = 4.0
"""Below the five seconds that the images' HEALTHCHECK allows."""
EVERYWHERE = ("0.0.0.0", "::")


async def ask_instance(settings: Settings) -> list[str]:
    """What is wrong with the instance of these settings; empty: all is well."""
    web = settings.web
    return await ask(web.host, web.port, web.certificate or settings.core.home / "tls" / "ca.pem")


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
