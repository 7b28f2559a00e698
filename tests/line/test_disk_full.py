"""The recordings' disks are really full under real calls: calls go on, what can be kept is, the rest is on record."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from aftermath import WORDS, draft, recording, served
from instance import Instance
from ringing import until
from sqlalchemy import select

from callflow.incidents.models import Incident
from callflow.rules import Outcome
from core import board
from recordings.models import Recording, RecordingState

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("instance")]

DISK_MB = 4
"""Room for two minutes of talk, more than the reserve that the instance keeps."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own over `folder`; its filler, which fills it to the last byte once it is written to."""
    folder.mkdir(exist_ok=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mounting, check=False).returncode:
        pytest.skip("a small disk needs root and the right to mount")
    try:
        yield folder / "filler"
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(filler: Path) -> None:
    """Leave no byte."""
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(filler.parent).free == 0


async def well(instance: Instance, part: str) -> bool:
    """What the health board says of this part."""
    async with instance.db.session() as session:
        return await board.troubled(session, part) is False


async def incident_open(instance: Instance, kind: str) -> bool:
    """Whether the trouble is on record, and going on."""
    async with instance.db.session() as session:
        found = await session.scalars(select(Incident).where(Incident.kind == kind, Incident.closed_at.is_(None)))
        return found.one_or_none() is not None


async def over(instance: Instance, part: str, kind: str) -> None:
    """Wait until the board says that this part is well, and its incident is closed."""
    await until(lambda: well(instance, part), f"{part} is well again")

    async def closed() -> bool:
        return not await incident_open(instance, kind)

    await until(closed, f"the incident {kind} is closed")


async def test_given_the_archive_is_full_then_the_raw_recording_waits_and_is_archived_when_there_is_room(
    instance: Instance,
) -> None:
    actor = await instance.desk()
    with small_disk(instance.archive) as filler:
        fill(filler)
        citizen = await instance.rings("13800005001")
        await until(lambda: instance.talks("13800005001"), "the agent talks although the archive is full")
        await instance.says(citizen, WORDS)
        await citizen.hang_up()
        call = await instance.call("13800005001", "ended_at", "outcome", "connected_at")
        assert call.outcome == Outcome.ANSWERED
        await draft(instance, call.id)
        await until(lambda: incident_open(instance, "archive-away"), "the incident is on record")
        assert not await well(instance, "录音归档")
        assert instance.recorded("13800005001") > 0, "the raw recording is kept"
        async with instance.db.session() as session:
            assert not (await session.scalars(select(Recording).where(Recording.call_id == call.id))).all()

        filler.unlink()
        await served(instance, "13800005001", actor)
        await until(lambda: instance.recorded("13800005001") == 0, "the raw recording goes once it is catalogued")
        await over(instance, "录音归档", "archive-away")


async def test_given_the_spool_is_full_then_calls_go_on_and_what_was_recorded_is_archived(instance: Instance) -> None:
    actor = await instance.desk()
    with small_disk(instance.node.folders.recordings) as filler:
        citizen = await instance.rings("13800005101")
        await until(lambda: instance.talks("13800005101"), "the talk")
        await instance.says(citizen, WORDS)
        fill(filler)
        before = instance.recorded("13800005101")
        await until(lambda: incident_open(instance, "spool-full"), "the incident is on record")
        assert not await well(instance, "录音暂存区")
        assert instance.recorded("13800005101") <= before + 65_536, "no sample finds room"
        assert await instance.talks("13800005101"), "they talk on"
        await citizen.hang_up()
        await served(instance, "13800005101", actor)

        # archiving made room; without any, whoever calls is served too, unrecorded, and the archive says so
        fill(filler)
        deaf = await instance.rings("13800005102")
        await until(lambda: instance.talks("13800005102"), "the next talk")
        await deaf.hang_up()
        call = await instance.call("13800005102", "ended_at", "outcome", "connected_at")
        assert call.outcome == Outcome.ANSWERED
        assert (await recording(instance, call.id)).state == RecordingState.EMPTY

        filler.unlink()
        await over(instance, "录音暂存区", "spool-full")
