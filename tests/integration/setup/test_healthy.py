"""`hotline healthy` against a real HTTPS server, and an Asterisk that somebody else runs."""

import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from callflow.installation import AsteriskInstall
from callflow.settings import LineSettings
from hotline.node import NodeBeside
from hotline.setup import certificate
from hotline.tools.healthy import ask

ANSWERS: dict[str, Any] = {
    "well": {"ok": True, "parts": [{"part": "线路", "ok": True, "detail": "正常", "mend": ""}]},
    "ill": {"ok": False, "parts": [{"part": "线路", "ok": False, "detail": "未连接", "mend": "查看日志"}]},
    "sum": {"ok": False},
    "list": [],
}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    certificate.issue(folder, ["localhost", "127.0.0.1"], lambda _line: None)
    return folder


@pytest.fixture
async def port(request: pytest.FixtureRequest, tls: Path) -> AsyncIterator[int]:
    """A server that answers `/health` as the test's parameter says."""

    async def health(_request: web.Request) -> web.Response:
        return web.json_response(ANSWERS[request.param], status=200 if request.param == "well" else 503)

    application = web.Application()
    application.router.add_get("/health", health)
    runner = web.AppRunner(application)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "server.pem", tls / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener, ssl_context=context).start()
        yield listener.getsockname()[1]
        await runner.cleanup()


@pytest.mark.parametrize(
    ("port", "wrong"),
    [("well", []), ("ill", ["线路：未连接"]), ("sum", ["有部分不正常"]), ("list", ["网页服务没有应答：内容不明"])],
    indirect=["port"],
)
async def test_what_the_service_says_is_repeated(port: int, wrong: list[str], tls: Path) -> None:
    assert await ask("0.0.0.0", port, tls / "ca.pem") == wrong


@pytest.mark.parametrize("port", ["well"], indirect=True)
async def test_another_authority_is_not_believed(port: int, tmp_path: Path) -> None:
    certificate.issue(tmp_path, ["localhost"], lambda _line: None)
    assert len(await ask("127.0.0.1", port, tmp_path / "ca.pem")) == 1


async def test_nobody_there(tls: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    assert await ask("127.0.0.1", free, tls / "ca.pem") == ["网页服务没有应答：ClientConnectorError"]
    assert await ask("127.0.0.1", free, tmp_path / "none.pem") == ["网页服务没有应答：FileNotFoundError"]


async def test_an_asterisk_beside_us_lives_as_long_as_it_listens(tmp_path: Path) -> None:
    install = AsteriskInstall(Path("/bin/false"), tmp_path, tmp_path, "22.0.0")
    node = NodeBeside(tmp_path, install, LineSettings(asterisk="beside"))
    node.folders.run.mkdir(parents=True)
    assert not node.alive()
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(node.folders.run / "asterisk.ctl"))
        assert not node.alive()
        control.listen()
        assert node.alive()
        await node.stop()
        assert node.alive()
    assert not node.alive(), "a socket that a dead Asterisk left behind"
