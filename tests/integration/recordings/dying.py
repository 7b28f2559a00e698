"""Processes that work on the archive and are killed: one is started for each test, and forks a child for each death.

A script beside this module tells `serve` what a child does; `Mortals` is the test's end of it. Each line of its input
is JSON with `die_at`, `after_s` and whatever the child asks for; it answers with a line, `{"steps", "killed",
"failed"}`. The child counts its steps: every system call that changes a folder, every piece that is written, every
statement that writes (or the first of each transaction) and every commit. Before step `die_at` it sends SIGKILL to
itself; with -1 it lives on and tells the steps' names. With `after_s` it is killed from outside, so many seconds after
its birth.
"""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
from by_hand import BY_HAND
from psycopg.pq import TransactionStatus
from sqlalchemy import delete, event

from core.db import Base, Database
from recordings.store import folder

PIECE = 4 * 1024
"""Bytes of a file that are written at a time, so that files are half written between two steps."""
Asked = dict[str, Any]


class Steps:
    """Counts, and dies."""

    def __init__(self, die_at: int) -> None:
        self.names: list[str] = []
        self.written = False
        """Whether a statement has written since the last commit."""
        self._die_at = die_at

    def before(self, name: str) -> None:
        """The next thing that changes something."""
        if len(self.names) == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)

    def watch(self, owner: Any, name: str, told: Callable[..., str | None]) -> None:
        """Count the calls of a function; `told` names each, None for one that changes nothing."""
        real = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            if step := told(*given, **named):
                self.before(step)
            return real(*given, **named)

        setattr(owner, name, counted)


def watch_everything(steps: Steps, db: Database, *, statements: bool) -> None:
    """From here on each step is counted; of a transaction without `statements` its beginning and its commit."""
    steps.watch(os, "fsync", lambda _: "fsync")
    steps.watch(os, "rename", lambda *_, **__: "rename")
    steps.watch(os, "unlink", lambda path, **_: f"unlink {Path(path).suffix}" if Path(path).exists() else None)
    steps.watch(os, "mkdir", lambda *_, **__: "mkdir")
    steps.watch(os, "open", lambda path, flags, *_, **__: "create" if flags & os.O_CREAT else None)
    watch_writes(steps)
    watch_commits(steps)
    watch_statements(steps, db, all_of_them=statements)


def watch_writes(steps: Steps) -> None:
    real = folder._private

    def counted(path: Path) -> Any:
        file = real(path)
        write = file.write

        class Writer:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def write(self, data: bytes) -> None:
                for start in range(0, len(data), PIECE):
                    steps.before("write")
                    write(data[start : start + PIECE])
                    file.flush()

            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

        return Writer()

    folder._private = counted


def watch_commits(steps: Steps) -> None:
    real = psycopg.AsyncConnection.commit

    async def counted(connection: Any) -> None:
        if connection.info.transaction_status is TransactionStatus.INTRANS and steps.written:
            steps.before("commit")
            steps.written = False
        await real(connection)

    psycopg.AsyncConnection.commit = counted


def watch_statements(steps: Steps, db: Database, *, all_of_them: bool) -> None:
    def before(*given: Any) -> None:
        words = given[2].split()
        if words[0] in {"INSERT", "UPDATE", "DELETE"} and (all_of_them or not steps.written):
            steps.before(" ".join(words[:3]).lower())
            steps.written = True

    event.listen(db.engine.sync_engine, "before_cursor_execute", before)


def ended(pid: int, after_s: float | None) -> int:
    """How the child ended, which is killed after so long if it has not by then."""
    give_up = time.monotonic() + (after_s or 0)
    while after_s is not None and time.monotonic() < give_up:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.001)
    if after_s is not None:
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def serve(
    warm: Callable[[Database], Awaitable[None]],
    work: Callable[[Database, Asked], Awaitable[None]],
    watch: Callable[[Steps], None] = lambda _: None,
    *,
    statements: bool = True,
) -> None:
    """The script: `work` is what each child does, `watch` counts what is its own. `warm` is one life before all others,
    of which nothing remains but statements that every child finds ready."""
    db = Database(sys.argv[1], pool_size=4)

    async def first() -> None:
        await warm(db)
        async with db.session() as session:
            await session.execute(BY_HAND)
            for table in Base.metadata.tables.values():
                await session.execute(delete(table))
        await db.close()

    asyncio.run(first())
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            code = 1
            try:
                _child(db, asked, writer, work, watch, statements=statements)
                code = 0
            finally:
                os._exit(code)
        os.close(writer)
        status = ended(pid, asked.get("after_s"))
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        failed = not killed and os.waitstatus_to_exitcode(status) != 0
        print(json.dumps({"steps": json.loads(said or "[]"), "killed": killed, "failed": failed}), flush=True)


def _child(db: Database, asked: Asked, answer: int, work: Any, watch: Any, *, statements: bool) -> None:
    steps = Steps(asked["die_at"])
    watch_everything(steps, db, statements=statements)
    watch(steps)

    async def life() -> None:
        await work(db, asked)
        await db.close()

    asyncio.run(life())
    os.write(answer, json.dumps(steps.names).encode())


class Mortals:
    """The process that forks, as a test sees it."""

    def __init__(self, script: Path, url: str) -> None:
        path = os.pathsep.join([str(script.parent), *sys.path])
        self._process = subprocess.Popen(
            [sys.executable, script, url],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read_line() == "ready\n"

    async def run(self, die_at: int, after_s: float | None = None, **asked: Any) -> Asked:
        """One life; with `after_s` it is killed from outside, so long after its birth."""
        return await asyncio.to_thread(self._run, {"die_at": die_at, "after_s": after_s, **asked})

    def _run(self, asked: Asked) -> Asked:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        said: Asked = json.loads(self._read_line())
        assert not said["failed"], "the child ended by itself, with an error"
        return said

    def end(self) -> None:
        """No further lives."""
        self._process.communicate()

    def _read_line(self) -> str:
        assert self._process.stdout
        while (line := self._process.stdout.readline()) and line[0] not in "{r":
            continue  # what the child logs
        return line
