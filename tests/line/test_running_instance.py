"""A whole instance in the middle of a call: changed settings, a renewed certificate, its logs and its metrics."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
from instance import Instance
from ringing import until

from callflow.rotation import Rotation
from hotline.setup import certificate

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]

CITIZEN, NAME = "13812345001", "龚自珍"
WORDS = "我要投诉晚上施工噪音扰民"
DATA = ("cel-custom", "cdr-custom", "queue_log")
"""Asterisk's journals: what a call's record is read from, kept like the database itself and no log."""


@pytest.fixture
async def instance(rendered_home: Path) -> AsyncIterator[Instance]:
    """An instance of this test's own, started, and stopped whatever happens."""
    with TemporaryDirectory(prefix="hl-r-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        one = Instance.prepare(Path(folder) / "h", rendered_home / "asterisk" / "data" / "sounds")
        try:
            await one.enter()
            yield one
        finally:
            await one.close()


async def served(instance: Instance) -> bytes:
    """The certificate that a new connection is shown."""
    port = instance.settings.web.port
    return (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))).encode()


async def metrics(instance: Instance, session: aiohttp.ClientSession) -> dict[str, float]:
    """All samples of `/metrics`, by name and labels as they are written."""
    async with session.get(f"https://127.0.0.1:{instance.settings.web.port}/metrics") as answer:
        assert answer.status == 200
        lines = (await answer.text()).splitlines()
    return {key: float(value) for key, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


async def test_a_call_goes_on_while_settings_and_certificate_change_and_no_log_names_its_caller(
    instance: Instance,
) -> None:
    await instance.desk()
    citizen = await instance.phone(CITIZEN, name=NAME)
    await citizen.dial("12345")
    before = await instance.call(CITIZEN, "connected_at")
    trust = ssl.create_default_context(cafile=str(instance.home / "tls" / "ca.pem"))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust, limit=1)) as session:
        # metrics: the line's own process counted the call, the web process tells of it
        assert (await metrics(instance, session))['hotline_agi_flows_total{flow="inbound",outcome="done"}'] >= 1
        await until(lambda: _talking(instance, session), "the call among the metrics")

        # a renewed certificate is served to who comes now; who is there stays connected, and so does the call
        old = await served(instance)
        certificate.issue(instance.home / "tls", certificate.names(), lambda _line: None)
        new = (instance.home / "tls" / "server.pem").read_bytes()

        async def taken_over() -> bool:
            return new.startswith((await served(instance)).strip())

        await until(taken_over, "the new certificate")
        assert not new.startswith(old.strip())
        assert await metrics(instance, session), "on the connection that was there before"

    # another address of the operator's trunk, read by the running Asterisk
    (instance.home / "hotline.toml").write_text(
        '[line]\ntrunk_from = ["127.0.0.1/32", "192.0.2.7/32"]\ntrunk_to = "192.0.2.7:5060"\n'
    )
    roles = set(instance.roles())
    assert await _hotline(instance, "reload") == 0
    await until(lambda: _trunk(instance, "192.0.2.7"), "the new trunk in Asterisk")
    await until(lambda: len(instance.roles()) == 4 and not roles & set(instance.roles()), "all roles anew")

    # the journals begin anew in the middle of the call: what is written from now on is read all the same
    await until(lambda: _rotated(instance), "the journals set aside")

    # the call is the same one, heard to its end, and is on record
    await instance.says(citizen, WORDS)
    await citizen.hang_up()
    after = await instance.call(CITIZEN, "ended_at", "outcome")
    assert after.id == before.id
    assert after.connected_at
    assert before.connected_at
    await until(lambda: _journal_tells(instance, "cel-custom/events.csv", after.linkedid), "the end in the new CEL")
    assert abs(after.connected_at - before.connected_at) < timedelta(milliseconds=100), "two witnesses, one moment"

    # settings that nobody can follow change nothing
    (instance.home / "hotline.toml").write_text('[line]\ntrunk_to = "no host at all"\n')
    assert await _hotline(instance, "reload") == 1
    assert await _trunk(instance, "192.0.2.7")

    await instance.close()
    _logs_name_the_call_and_not_its_caller(instance, str(after.id), after.linkedid)


async def _rotated(instance: Instance) -> bool:
    """Set aside whatever holds a byte, and remove nothing."""
    await Rotation(instance.db, instance.node, largest=1).step()
    log = instance.node.folders.log
    return bool(list(log.glob("cel-custom/events.csv.*")) and list(log.glob("queue_log.*")))


async def _journal_tells(instance: Instance, journal: str, linkedid: str) -> bool:
    path = instance.node.folders.log / journal
    return path.exists() and linkedid in path.read_text(encoding="utf-8")


async def _talking(instance: Instance, session: aiohttp.ClientSession) -> bool:
    return (await metrics(instance, session)).get('hotline_line_talking{queue="hotline"}') == 1


async def _trunk(instance: Instance, address: str) -> bool:
    said = await instance.node.cli("pjsip show identify trunk")
    return address in said and address in await instance.node.cli("pjsip show aor trunk")


async def _hotline(instance: Instance, *arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hotline", *arguments, env=instance.env, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


def _logs_name_the_call_and_not_its_caller(instance: Instance, call: str, linkedid: str) -> None:
    """Every file that grows by telling what happened: the service's, PostgreSQL's, Asterisk's."""
    told = [
        json.loads(line) for line in (instance.home / "service.log").read_text().splitlines() if line.startswith("{")
    ]
    of_call = {line["event"] for line in told if line.get("call") == call}
    assert {"callflow.call-arrived", "callflow.call-connected", "callflow.call-ended"} <= of_call
    assert any(line.get("linkedid") == linkedid for line in told)
    asterisk = [path for path in instance.node.folders.log.rglob("*") if path.is_file()]
    logs = [path for path in asterisk if not any(part.startswith(DATA) for part in path.parts)]
    logs += [instance.home / "service.log", instance.home / "postgres" / "log"]
    assert {"messages.log", "stdout", "service.log", "log"} <= {path.name for path in logs}
    for path in logs:
        text = path.read_text(encoding="utf-8", errors="replace")
        for secret in (CITIZEN, NAME, WORDS, "施工噪音"):
            assert secret not in text, f"{path} tells {secret}"
    assert instance.node.folders.log.stat().st_mode & 0o077 == 0, "others could read the journals"
