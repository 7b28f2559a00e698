"""`hotline archive import` and `hotline archive export`: archive packages by the terminal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from core import ledger, personal
from core.actor import SYSTEM
from core.clock import now
from core.errors import Conflict, NotFound
from core.personal_keys import SecretKeys
from crm.dossiers.exporting import package_of
from crm.dossiers.importing import Imported, bring
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.models import Dossier
from crm.dossiers.opening import open_package
from crm.dossiers.rules import Asked, checked
from crm.dossiers.targets import FolderTarget
from crm.dossiers.verifying import Verified, told, verify
from crm.dossiers.writing import Taken, write
from crm.search.taking import number_of
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.wiring import TITLE
from recordings.proof.signing import Signer
from recordings.store.choose import open_store


@asynccontextmanager
async def _instance(settings: Settings) -> AsyncIterator[tuple[Runtime, DossierKeeper]]:
    runtime = Runtime(settings)
    personal.use_keys(SecretKeys(runtime.secrets))
    store = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets)
    try:
        yield runtime, DossierKeeper.of(runtime.home, store, Signer(runtime.secrets), TITLE)
    finally:
        await runtime.db.close()


def look(settings: Settings, path: Path, *, trust: bool) -> list[str]:
    """Verify a package and write nothing -> what stands in it. Raises Invalid."""
    opened = open_package(path)
    try:
        return told(verify(opened, None if trust else Signer(Runtime(settings).secrets).known()))
    finally:
        opened.close()


async def bring_back(settings: Settings, path: Path, *, trust: bool) -> Imported:
    """Verify a package, then take it in. Raises Invalid, Conflict."""
    opened = open_package(path)
    try:
        async with _instance(settings) as (runtime, keeper):
            verified: Verified = verify(opened, None if trust else keeper.signer.known())
            return await bring(runtime.db, keeper, SYSTEM, opened, verified, path.name)
    finally:
        opened.close()


async def take_out(settings: Settings, number: str, to: Path, asked: Asked) -> str:
    """Write an order's package into a new folder -> the export's number. Raises NotFound, Conflict, Invalid."""
    async with _instance(settings) as (runtime, keeper):
        async with runtime.db.session() as session:
            found = (await session.scalars(select(Dossier).where(Dossier.number == number.strip()))).all()
            if len(found) != 1:
                raise NotFound("no-such-dossier", f"没有工单 {number} 的档案包，或者不止一个。")
            good = checked(SYSTEM, found[0], asked)
            package = await package_of(session, found[0].id, good.needs)
            if not package.parts:
                raise Conflict("not-closed", "档案包正在成卷，请稍后再导出。")
            taken = Taken(number_of("DA"), now(), SYSTEM.name, good.reason, good.identity, good.sound)
            target = FolderTarget(to)
            about = {"number": taken.number, "identity": good.identity, "sound": good.sound}
            await ledger.record(
                session, SYSTEM, "dossier.export", "order", found[0].ticket_id, reason=good.reason, **about
            )

        async def silent(done: int) -> None:
            return None

        await write(keeper, package, taken, target, silent)
        return taken.number
