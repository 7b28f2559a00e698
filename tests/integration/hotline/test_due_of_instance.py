"""`hotline due` in an instance: by the policy that was in force at the dispatch, and the newest calendar."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.actor import Actor
from core.calendar.seed import seed
from core.clock import SHANGHAI, frozen
from core.db import Database, new_id
from core.permissions import Role
from core.rules import service
from core.rules.keeper import load
from core.rules.kinds import Kind
from hotline import cli, commands

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"
TEXT = (COUNTY / "policy.toml").read_text(encoding="utf-8")
FIRST = Actor(new_id(), "徐珍", frozenset({Role.SUPERVISOR}))
SECOND = Actor(new_id(), "何春", frozenset({Role.BUREAU_LEADER}))
APRIL = datetime(2026, 4, 1, tzinfo=SHANGHAI)
commands.register(cli.app)


async def decide(db: Database, kind: Kind, text: str, since: datetime | None = None) -> None:
    async with db.session() as session:
        base = (await service.confirmed(session, kind))[-1].id
        row = await service.propose(
            session, FIRST, kind, text, based_on=base, document="弋政数字〔2026〕3号", note="", since=since
        )
        await service.confirm(session, SECOND, kind, row.id)


async def ask(*arguments: str) -> dict[str, object]:
    done = await asyncio.to_thread(CliRunner().invoke, cli.app, ["due", "--category", "投诉", "--json", *arguments])
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def instance(db: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", db.dsn)


@pytest.mark.proves("D35", "F13-1")
async def test_the_version_of_the_dispatch_counts(db: Database, instance: None) -> None:
    assert (await ask("--from", "2026-03-02T10:00"))["due_date"] == "2026-03-16"
    async with db.session() as session:
        await load(session, TEXT)
    with frozen(APRIL - timedelta(days=1)):
        await decide(db, Kind.POLICY, TEXT.replace("complaint = 10", "complaint = 8"), APRIL)
        closure = '[[closures]]\nday = 2026-04-07\nname = "暴雪停工"\ndocument = "弋府办字〔2026〕7号"\n\n'
        await decide(db, Kind.CALENDAR, closure + seed())
    before, after = await ask("--from", "2026-03-31T23:59"), await ask("--from", "2026-04-01T00:00")
    assert (before["limit"], before["due_date"]) == (10, "2026-04-16")
    assert (after["limit"], after["due_date"]) == (8, "2026-04-15")
    assert before["policy"] != after["policy"]


async def test_without_a_database_the_file_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert (await ask("--from", "2026-03-02T10:00"))["limit"] == 10
