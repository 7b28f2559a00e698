"""`hotline backup-done`, as the bureau's script calls it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.clock import local, now
from core.db import Database
from core.errors import Invalid, Unavailable
from crm.operations.models import BackupReport
from hotline import cli, commands

commands.register(cli.app)


@pytest.fixture
def instance(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", db.dsn)


async def call(*arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, ["backup-done", *arguments])


async def reports(db: Database) -> list[BackupReport]:
    async with db.session() as session:
        return list(await session.scalars(select(BackupReport).order_by(BackupReport.reported_at)))


@pytest.mark.proves("F06-3")
async def test_the_script_reports_when_it_has_finished(db: Database, instance: None) -> None:
    before = now()
    assert (await call()).exit_code == 0
    said = await call("--at", "2026-02-13T02:10", "--note", "备份服务器 38 GB")
    assert said.stdout == "已登记 2026年2月13日 02:10 的备份。\n"
    first, second = await reports(db)
    assert before <= first.at <= now()
    assert (local(second.at).isoformat(), second.note) == ("2026-02-13T02:10:00+08:00", "备份服务器 38 GB")


@pytest.mark.parametrize(("at", "said"), [("昨天", "无法识别备份完成的时间“昨天”"), ("2999-01-01", "不能晚于现在")])
async def test_a_time_that_cannot_be_is_refused(db: Database, instance: None, at: str, said: str) -> None:
    done = await call("--at", at)
    assert isinstance(done.exception, Invalid)
    assert said in done.exception.message
    assert await reports(db) == []


async def test_without_the_database_the_script_learns_that_nothing_was_noted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    done = await call()
    assert done.exit_code != 0
    assert isinstance(done.exception, Unavailable)
