"""An archive whose master keys are in a real PKCS#11 token: moved there and back, away and back, and what is said."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_room import NOON, Room
from softhsm_token import SoftToken, soft_token
from sqlalchemy import select, update
from typer.testing import CliRunner

from core import clock
from core.db import Database
from core.errors import Unavailable
from core.health import Health
from core.service import Service
from hotline import cli, commands
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.setup import checks_instance as checks
from hotline.wiring import common
from recordings.models import Recording
from recordings.settings import MAIN, Pkcs11Settings, RecordingSettings
from recordings.store import token as tokens
from recordings.store.choose import masters_of
from recordings.store.folder import FolderStore
from recordings.store.models import ArchiveKey
from recordings.store.port import Damaged

if not any(one.name == "backup" for one in cli.app.registered_commands):
    commands.register(cli.app)
ENVIRONMENT = "HOTLINE_RECORDINGS__{}__{}"


@pytest.fixture
def token(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    monkeypatch.setattr(tokens, "RETRY_S", 0.0)
    with soft_token(home / "device") as made:
        made.write_pin(home)
        yield made


@pytest.fixture
def room(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", db.dsn)
    return Room(db, home)


def with_keys_in(room: Room, patch: pytest.MonkeyPatch, **devices: Pkcs11Settings | None) -> None:
    """The installation after a restart with these settings; commands find them in the environment."""
    for name, device in devices.items():
        for field in ("module", "token"):
            variable = ENVIRONMENT.format(name.upper(), field.upper())
            patch.setenv(variable, str(getattr(device, field))) if device else patch.delenv(variable)
    kept = {name: device for name, device in devices.items() if device}
    room.masters = masters_of(RecordingSettings(**kept), room.secrets)
    room.use({MAIN: FolderStore(room.root)})


async def hotline(*arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, ["archive", *arguments])


async def sound(room: Room, row: Recording) -> bytes:
    return b"".join([block async for block in room.store.read(row.store_key)])


async def masters_used(room: Room) -> set[str]:
    async with room.db.session() as session:
        return set(await session.scalars(select(ArchiveKey.master_id)))


async def test_keys_move_from_files_to_the_device_and_back(
    room: Room, token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = await room.record()
    heard, of_files = await sound(room, old), await room.masters.present()
    with_keys_in(room, monkeypatch, pkcs11=token.settings())
    assert await sound(room, old) == heard
    done = await hotline("rotate-key")
    in_device = await room.masters.present()
    assert done.exit_code == 0 and f"现行主密钥 {in_device}，重新包裹 1 个数据密钥" in done.stdout
    (new,) = await room.record()
    assert await masters_used(room) == {in_device} != {of_files}
    (room.home / "secrets" / "archive-master-1").unlink()
    assert await sound(room, old) == heard and (await hotline("verify")).exit_code == 0
    assert (await room.checked())[0]

    assert (await hotline("rotate-key")).exit_code == 0
    second = await room.masters.present()
    assert await masters_used(room) == {second} and await room.masters.known() == {in_device, second}
    token.delete_key(1)
    assert await sound(room, new) and await sound(room, old) == heard

    with_keys_in(room, monkeypatch, pkcs11=None, pkcs11_former=token.settings())
    assert await sound(room, old) == heard
    assert (await hotline("rotate-key")).exit_code == 0
    with_keys_in(room, monkeypatch, pkcs11_former=None)
    token.unplug()
    assert await masters_used(room) == {await room.masters.present()}
    assert await sound(room, old) == heard and (await hotline("verify")).exit_code == 0


async def test_recordings_wait_while_the_device_is_away(
    room: Room, token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys_in(room, monkeypatch, pkcs11=token.settings())
    await room.masters.make()
    (row,) = await room.record()
    token.unplug()
    with pytest.raises(Unavailable, match="密码设备"):
        await sound(room, row)
    for command in (["verify"], ["rotate-key", "--rewrap"]):
        assert isinstance((await hotline(*command)).exception, Unavailable)
    with pytest.raises(Unavailable, match="密码设备"):
        await room.checked()
    waiting = room.spool / f"{row.linkedid}_message.sln"
    waiting.write_bytes(b"\0\1" * 4000)
    with clock.frozen(NOON), pytest.raises(Unavailable, match="密码设备"):
        await room.ingest().scan()
    assert waiting.exists()
    async with room.db.session() as session:
        assert [(one.checked_at, one.finding) for one in await session.scalars(select(Recording))] == [(None, "")]
    token.plug_in()
    waiting.unlink()
    await room.record()
    assert await sound(room, row) and (await room.checked())[0]


async def test_what_is_gone_or_changed_is_named(room: Room, token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys_in(room, monkeypatch, pkcs11=token.settings())
    first = await room.masters.make()
    (lost,) = await room.record()
    await room.masters.make()
    changed, whole = await room.record(count=2)
    token.delete_key(1)
    async with room.db.session() as session:
        kept = (await session.scalars(select(ArchiveKey).where(ArchiveKey.store_key == changed.store_key))).one()
        other = bytes([*kept.wrapped[:-1], kept.wrapped[-1] ^ 1])
        await session.execute(update(ArchiveKey).where(ArchiveKey.id == kept.id).values(wrapped=other))
    for row, why in ((lost, f"缺少主密钥 {first}"), (changed, "数据密钥已损坏、被改动")):
        with pytest.raises(Damaged, match=why):
            await sound(room, row)
        done = await hotline("verify", str(row.id))
        assert done.exit_code == 1 and why in done.stdout
    assert await sound(room, whole)
    ok, detail = await room.checked()
    assert not ok and f"缺少主密钥 {first}" in detail
    assert "缺少主密钥" in (await hotline("rotate-key", "--rewrap")).stderr


async def test_the_doctor_says_what_is_wrong_with_the_device(room: Room, token: SoftToken) -> None:
    def runtime(**more: Any) -> Runtime:
        recordings = RecordingSettings(pkcs11=token.settings(**more))
        return Runtime(Settings(home=room.home, database_url=room.db.dsn, recordings=recordings))

    async def doctor(**more: Any) -> Health:
        return await asyncio.to_thread(checks.encryption, runtime(**more))

    name = f"密码设备“{token.label}”"
    empty = await doctor()
    assert (empty.ok, empty.mend) == (False, checks.DEVICE_MEND) and f"{name}中没有主密钥" in empty.detail
    await masters_of(runtime().settings.recordings, room.secrets).make()
    assert await doctor() == Health("录音加密", True, f"aes-256-gcm，主密钥 1 个，现行的在{name}中", checks.SETUP)
    token.write_pin(room.home, "000000")
    assert (await doctor(token="another's")).detail == "密码设备“another's”找不到：设备没有连接，或令牌名称不对。"
    assert (await doctor()).detail == f"{name}的 PIN 不正确。"
    assert (await doctor(module="/nowhere.so")).detail == "无法加载密码设备的驱动 /nowhere.so。"
    token.write_pin(room.home)


async def test_the_light_follows_the_device(room: Room, token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "DEVICE_EVERY_S", 0.01)
    settings = RecordingSettings(pkcs11=token.settings())
    masters = masters_of(settings, room.secrets)
    assert common.key_device(RecordingSettings(), masters) == []
    (light,) = common.key_device(settings, masters)
    await light.start()
    try:
        await shown(
            light, f"密码设备“{token.label}”中没有主密钥（archive-master），请运行 hotline archive rotate-key。"
        )
        await masters.make()
        await shown(light, "运行正常")
        token.unplug()
        await shown(light, f"密码设备“{token.label}”没有应答（GeneralError）。")
        token.plug_in()
        await shown(light, "运行正常")
    finally:
        await light.stop()


async def shown(light: Service, detail: str) -> None:
    async with asyncio.timeout(60):
        while (await light.health()).detail != detail:  # noqa: ASYNC110 - a light has no event
            await asyncio.sleep(0.01)
