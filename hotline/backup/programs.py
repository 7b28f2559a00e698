"""PostgreSQL's own programs, run on a database's address; a password reaches them by the environment only."""

import asyncio
import os
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.errors import Unavailable
from core.postgres import BIN

KEYS = "archive_keys"
"""The one table that is copied apart from the others."""


async def dump(dsn: str, target: Path, snapshot: str) -> None:
    """Everything besides the keys, as of `snapshot`, into `target`, which is read back."""
    except_for = (f"--exclude-table-data={KEYS}", "--no-unlogged-table-data")
    await _run("pg_dump", dsn, "--format=custom", f"--snapshot={snapshot}", *except_for, f"--file={target}")
    await _listed(target)


async def dump_keys(dsn: str, target: Path, snapshot: str) -> None:
    """The rows of the keys' table as of `snapshot`."""
    wanted = ("--format=custom", f"--snapshot={snapshot}", "--data-only", f"--table={KEYS}")
    await _run("pg_dump", dsn, *wanted, f"--file={target}")
    await _listed(target)


async def load(dsn: str, source: Path) -> None:
    """A dump into a database without tables; all of it or nothing."""
    await _run("pg_restore", dsn, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", source)


async def load_keys(dsn: str, source: Path) -> None:
    """The rows of the keys' table."""
    await _run("pg_restore", dsn, "--data-only", "--single-transaction", "--exit-on-error", source)


async def _listed(dumped: Path) -> None:
    await _finish([str(BIN / "pg_restore"), "--list", str(dumped)], {})


async def _run(program: str, dsn: str, *options: str | Path) -> None:
    parts = conninfo_to_dict(dsn)
    password = parts.pop("password", None)
    environment = {"PGPASSWORD": str(password)} if password else {}
    address = make_conninfo("", **parts)
    await _finish([str(BIN / program), f"--dbname={address}", *map(str, options)], environment)


async def _finish(command: list[str], environment: dict[str, str]) -> None:
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    try:
        _, said = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise
    if child.returncode:
        told = said.decode(errors="replace").strip()[-500:]
        raise Unavailable("postgres-program-failed", f"{Path(command[0]).name} 没有成功：{told}")
