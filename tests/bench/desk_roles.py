"""The ground that desks are measured on, and the line's reader and the web role on it, each in a process of its own as
the product runs them:
`python -m tests.bench.desk_roles line|web HOME URL PORT`.

The line hears the manager at PORT and follows a journal of channel events in `HOME/log`; desks are served at PORT.
A role says `ready` once it serves, and ends when its input ends.
"""

import asyncio
import contextlib
import gc
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import trustme
import uvloop

from callflow import current
from callflow.feed import LineFeed
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.policy import LinePolicy
from callflow.settings import LineSettings
from core import log, personal
from core.db import Database
from core.postgres import EmbeddedPostgres
from core.secrets import Secrets
from core.service import Service
from crm import installed
from crm.knowledge.finder import FinderService
from hotline.schema import migrate
from recordings.store.folder import FolderStore
from tests.bench.clerk import COUNTY, KEYS
from web import bundle
from web.parts import Parts
from web.service import WebService
from web.settings import WebSettings

JOURNAL = "log/cel-custom/events.csv"


@contextlib.asynccontextmanager
async def ground() -> AsyncIterator[tuple[Path, str]]:
    """A folder with a certificate for 127.0.0.1, and a database in it with full durability -> the folder, its URL."""
    with tempfile.TemporaryDirectory(prefix="hl-desk-", ignore_cleanup_errors=True) as name:
        home, authority = Path(name), trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        (home / "tls").mkdir()
        (home / "state").mkdir()
        authority.cert_pem.write_to_path(home / "tls" / "ca.pem")
        issued.cert_chain_pems[0].write_to_path(home / "tls" / "server.pem")
        issued.private_key_pem.write_to_path(home / "tls" / "server.key")
        server = EmbeddedPostgres(home / "postgres")
        await asyncio.to_thread(server.start)
        try:
            await asyncio.to_thread(migrate, server.owner_url, server.url)
            yield home, server.url
        finally:
            await asyncio.to_thread(server.stop)


@contextlib.asynccontextmanager
async def role(name: str, home: Path, url: str, port: int) -> AsyncIterator[int]:
    """One role at work -> its process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, name, str(home), url, str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        async with asyncio.timeout(60):
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{name} did not start")
        yield process.pid
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


def _line(home: Path, db: Database, port: int) -> Sequence[Service]:
    intake = Intake(db, home / "state" / "set-aside.txt")
    return (LineFeed(db, intake, LineSettings(ami_port=port), lambda: "right", home / "log", CallerLimits()),)


def _web(home: Path, db: Database, port: int) -> Sequence[Service]:
    store = FolderStore(home / "archive")
    parts = Parts(db, WebSettings(port=port), Secrets(home / "secrets"), bundle.load(), home, "弋阳12345", store)
    return FinderService(db), WebService(parts)


async def _serve(name: str, home: Path, url: str, port: int) -> None:
    log.setup("ERROR", json=False, role=name)
    personal.use_keys(KEYS)
    county = installed.read(COUNTY)
    installed.use(county)
    current.use(county.policy[LinePolicy])
    db = Database(url)
    services = (_line if name == "line" else _web)(home, db, port)
    for one in services:
        await one.start()
    gc.collect()
    gc.freeze()  # as the product's roles do
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for one in reversed(services):
        await one.stop()
    await db.close()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
