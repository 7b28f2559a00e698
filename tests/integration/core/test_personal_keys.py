"""A new key for personal data while people work; the index changes at once or not at all."""

import asyncio
import secrets as random
import time
from pathlib import Path

import pytest
from sqlalchemy import Text, func, select, text, type_coerce
from typer.testing import CliRunner

from core import personal, personal_rotate
from core.db import Database
from core.errors import Conflict, Unavailable
from core.personal import KeyMissing
from core.personal_keys import LOOK_EVERY_S, SecretKeys
from core.secrets import Secrets
from crm.citizens.models import Citizen
from crm.citizens.service import known, remember
from crm.sms.models import Sms
from hotline import cli, commands
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.tools import personal as command
from hotline.unfinished import REINDEX

if not any(one.name == "personal" for one in cli.app.registered_groups):
    commands.register(cli.app)
PHONES = [f"+86138{number:08}" for number in range(1200)]


@pytest.fixture
def settings(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", db.dsn)
    made = Settings(home=home, database_url=db.dsn)
    personal.use_keys(SecretKeys(Runtime(made).secrets))
    return made


async def fill(db: Database, phones: list[str]) -> None:
    async with db.session() as session:
        for at, phone in enumerate(phones):
            session.add(Citizen(phone=phone, name=f"张{at}" if at % 2 else None))
            session.add(Sms(key=f"k:{phone}", to=phone, text="已受理", state="delivered"))


async def versions(db: Database) -> dict[str, int]:
    of = func.split_part(type_coerce(Citizen.phone, Text), ":", 1)
    async with db.session() as session:
        return {row[0]: row[1] for row in await session.execute(select(of, func.count()).group_by(of))}


async def test_every_value_is_written_anew_while_people_work(db: Database, settings: Settings) -> None:
    await fill(db, PHONES)
    async with db.session() as session:
        before = {row[0]: row[1] for row in await session.execute(select(Citizen.id, Citizen.updated_at))}
    stop = asyncio.Event()

    async def work() -> int:
        done = 0
        while not stop.is_set():
            async with db.session() as session:
                phone = random.choice(PHONES)
                assert phone in await known(session, phone)
                await remember(session, f"+86139{done:08}", name="李四")
            done += 1
        return done

    async def hold() -> None:
        """Somebody holds a row for as long as most of the work takes."""
        async with db.session() as session:
            await session.scalar(select(Citizen).where(Citizen.phone.matches(PHONES[7])).with_for_update())
            await asyncio.sleep(0.5)

    working = asyncio.gather(work(), hold())
    said: list[str] = []
    done = await command.rotate_key(settings, make=True, index=False, say=said.append)
    stop.set()
    worked, _ = await working
    assert done.number == 2 and done.rows >= 2 * len(PHONES) and worked > 0 and said
    again = await command.rotate_key(settings, make=False, index=False, say=said.append)
    assert await versions(db) == {"v2": len(PHONES) + worked} and again.rows <= worked
    async with db.session() as session:
        after = {row[0]: row[1] for row in await session.execute(select(Citizen.id, Citizen.updated_at))}
        assert {id: after[id] for id in before} == before, "nothing else of a row changed"
        assert (await known(session, PHONES[3]))[PHONES[3]].name == "张3"


async def test_a_process_that_runs_follows_and_an_old_key_may_go_at_last(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = Runtime(settings).secrets
    other = SecretKeys(secrets)
    other()
    await fill(db, PHONES[:3])
    await command.rotate_key(settings, make=True, index=False, say=lambda line: None)
    with monkeypatch.context() as later:
        later.setattr("core.personal_keys.time.monotonic", lambda: time.monotonic_ns() / 1e9 + LOOK_EVERY_S)
        assert other().present == 2
    first = settings.core.home / "secrets" / "personal"
    kept = first.read_text()
    first.unlink()
    with pytest.raises(Unavailable, match="缺少 personal"):
        SecretKeys(secrets)()
    first.write_text(kept)
    await command.rotate_key(settings, make=True, index=True, say=lambda line: None)
    first.unlink()
    (settings.core.home / "secrets" / "personal-2").unlink()
    personal.use_keys(SecretKeys(secrets))
    assert personal.present() == 3
    async with db.session() as session:
        assert PHONES[1] in await known(session, PHONES[1])
    assert not first.exists(), "a key that was removed is not made again"


async def test_without_its_key_a_value_says_which_is_missing(db: Database, settings: Settings) -> None:
    await fill(db, PHONES[:1])
    await command.rotate_key(settings, make=True, index=False, say=lambda line: None)
    (settings.core.home / "secrets" / "personal-2").unlink()
    personal.use_keys(SecretKeys(Runtime(settings).secrets))
    async with db.session() as session:
        with pytest.raises(KeyMissing, match="缺少第 2 个个人信息密钥"):
            await session.scalars(select(Citizen))


async def test_the_index_changes_for_all_or_the_instance_stays_shut(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(db, PHONES[:700])
    old = personal.blind(PHONES[0])
    write = personal_rotate._write
    written = 0

    async def die_in_the_second_batch(*given: object) -> None:
        nonlocal written
        written += 1
        if written > 1:
            raise Unavailable("database-unavailable", "数据库暂时不可用")
        await write(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(personal_rotate, "_write", die_in_the_second_batch)
        with pytest.raises(Unavailable):
            await command.rotate_key(settings, make=True, index=True, say=lambda line: None)
    with pytest.raises(Conflict, match="检索密钥没有更换完"):
        Runtime(settings).open()
    with pytest.raises(Conflict, match="检索密钥没有更换完"):
        await command.rotate_key(settings, make=True, index=True, say=lambda line: None)
    done = await command.rotate_key(settings, make=False, index=True, say=lambda line: None)
    assert done.rows == 1400 and not (settings.core.home / REINDEX).exists()
    assert personal.blind(PHONES[0]) != old and await versions(db) == {"v2": 700}
    async with db.session() as session:
        assert len(await known(session, *PHONES[:700])) == 700
        stale = text("SELECT count(*) FROM citizens WHERE split_part(phone, ':', 3) = :old")
        assert await session.scalar(stale, {"old": old}) == 0
        assert await remember(session, PHONES[0]) in set(await session.scalars(select(Citizen.id)))
        assert await session.scalar(select(func.count()).select_from(Citizen)) == 700


def test_keys_are_files_and_their_numbers_last(home: Path) -> None:
    secrets = Secrets(home / "secrets")
    keys = SecretKeys(secrets)
    assert (keys().present, sorted(keys().encryption)) == (1, [1])
    assert [keys.make(), keys.make()] == [2, 3]
    assert {path.name for path in (home / "secrets").iterdir()} == {"personal", "personal-2", "personal-3"}
    before = keys().index
    keys.make_index()
    assert keys().index != before and SecretKeys(secrets)().index == keys().index


async def test_the_terminal_says_what_was_done(db: Database, settings: Settings) -> None:
    await fill(db, PHONES[:2])
    said = await asyncio.to_thread(CliRunner().invoke, cli.app, ["personal", "rotate-key"])
    assert (said.exit_code, said.stdout) == (0, "现行密钥为第 2 个，重新加密 4 行。请立即运行一次 hotline backup。\n")
    said = await asyncio.to_thread(CliRunner().invoke, cli.app, ["personal", "rotate-key", "--rewrite"])
    assert said.stdout.startswith("现行密钥为第 2 个，重新加密 0 行。")
