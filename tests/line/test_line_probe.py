"""The line's own citizen hears what a citizen hears and tells what is wrong; it disturbs nobody and counts nowhere."""

import asyncio
import json
import sys
import wave

import pytest
from instance import Instance
from ringing import MENU, Line, until
from sqlalchemy import func, select

from callflow.asterisk import PROBE_SECRET
from callflow.menu import Menu
from callflow.models import Call
from callflow.sources import cdr, cel
from core.errors import Unavailable
from core.secrets import Secrets
from hotline.line_probe import probe

pytestmark = pytest.mark.line
bare = pytest.mark.xdist_group("asterisk")


async def call(line: Line, menu: Menu = MENU) -> None:
    await probe(line.settings, Secrets(line.node.folders.home / "secrets").get(PROBE_SECRET), menu)


@bare
async def test_a_line_that_is_well_passes_and_its_probe_is_no_call(line: Line) -> None:
    await call(line)
    await until(lambda: line.count("probe", "LINKEDID_END") == 1, "the end of the call")
    rows = [cel.parse(",".join(f'"{value}"' for value in row)) for row in line.events("probe")]
    assert [fact for row in rows for fact in cel.facts(row, "node1")] == []
    assert not any(row.app == "Queue" for row in rows)
    records = (line.node.folders.log / "cdr-custom" / "calls.csv").read_text().splitlines()
    mine = [one for one in records if "PJSIP/probe-" in one]
    assert [fact for one in mine for fact in cdr.facts(one, "node1")] == []
    assert "Callers" not in (await line.node.cli("queue show hotline")).replace("No Callers", "")


@bare
async def test_without_keys_the_greeting_ends_by_itself(line: Line) -> None:
    await line.rostered(menu=Menu())
    await call(line, Menu())


@bare
async def test_a_key_that_leads_elsewhere_is_told(line: Line) -> None:
    await line.rostered(menu=Menu(keys=MENU.keys[1:]))
    with pytest.raises(Unavailable, match="按键没有反应"):
        await call(line)


@bare
async def test_a_silent_greeting_is_told(line: Line) -> None:
    prompts = line.node.folders.sounds / "zh" / "hotline"
    for name in ("notice", "greeting"):
        path = prompts / f"{name}.wav"
        sound = path.read_bytes()
        line.stack.callback(path.write_bytes, sound)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(12 * 16000))
    with pytest.raises(Unavailable, match="没有听到欢迎语"):
        await call(line)


@bare
async def test_a_line_that_does_not_take_the_call_is_told(line: Line) -> None:
    await line.node.cli("dialplan remove extension 12345@hotline-probe")
    line.stack.push_async_callback(line.node.reload, "pbx_config.so")
    with pytest.raises(Unavailable, match="没有应答"):
        await call(line)


@pytest.mark.xdist_group("instance")
async def test_the_doctor_calls_the_running_line_once_and_nobody_has_called(instance: Instance) -> None:
    doctor = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hotline", "doctor", "--line", "--json", env=instance.env, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await doctor.communicate()
    [found] = [one for one in json.loads(said) if one["part"] == "线路自检"]
    assert (found["ok"], found["detail"]) == (True, "应答、按键和双向声音正常")
    async with instance.db.session() as session:
        assert (
            await session.scalar(select(func.count()).select_from(Call).where(Call.linkedid.in_(probed(instance)))) == 0
        )


def probed(instance: Instance) -> list[str]:
    """Linkedids of the probe's calls."""
    found = [row[2] for row in Line(instance.node, instance.home / "clips").events("probe")]
    assert found
    return found
