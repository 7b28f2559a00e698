"""An archived order with everything around it, and the keeper of its package."""

import subprocess
import sys
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from chained_ledger import chained
from crm_desk import MOBILE, Desk, at
from sqlalchemy import select, text

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.events import publish
from core.jobs import run_pending
from core.secrets import Secrets
from crm.dossiers import exporting
from crm.dossiers import jobs as _jobs  # noqa: F401 - its subscribers close the packages
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import Manifest, parse
from crm.dossiers.models import Dossier, DossierPart
from crm.dossiers.rules import Asked
from crm.sms.models import Sms, SmsEvent
from crm.tickets.files import attach
from crm.tickets.models import Ticket
from crm.tickets.states import Act
from recordings.archive.sound import encode
from recordings.events import RecordingStored
from recordings.forms import Encoding
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment
from recordings.proof.seal import seal_due
from recordings.proof.signing import Signer
from recordings.store.datakeys import TableKeys
from recordings.store.folder import FolderStore
from recordings.store.masters import FileMasters
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

PDF = b"%PDF-1.7\n" + b"x" * 100
NAME = "张小明"
SAID = "我叫张小明，电话13800001234，胜利路上的摊贩占道"
NIGHT = at("2026-03-20 01:00")


class DossierRoom:
    """One installation: its desk, its encrypted store, its key."""

    def __init__(self, db: Database, office: Any, home: Path) -> None:
        self.db, self.office, self.home = db, office, home
        secrets = Secrets(home / "secrets")
        self.store = VaultStore(FolderStore(home / "archive"), TableKeys(db), FileMasters(secrets), Suite.AES)
        self.keeper = DossierKeeper(self.store, Signer(secrets), home / "work" / "dossiers", "弋阳12345")
        self.keeper.work.mkdir(parents=True, exist_ok=True)
        self.desk = Desk(db, office)

    async def order(self, **fields: Any) -> Ticket:
        """An order that was handled and rated, with its call, recording, words, SMS and a file."""
        await self.desk.open(**{"caller_name": NAME, "content": f"{SAID}，每天傍晚"} | fields)
        ticket = await self.desk.ticket()
        assert ticket.call_id is not None
        async with self.db.session() as session:
            call = Call(id=ticket.call_id, node="node1", linkedid="1772416800.1", arrived_at=self.desk.now)
            call.caller, call.connected_at = MOBILE, self.desk.now + timedelta(seconds=5)
            call.ended_at = self.desk.now + timedelta(seconds=65)
            session.add(call)
            session.add(
                TranscriptSegment(
                    call_id=call.id, side=Side.CITIZEN, start_s=0.5, end_s=3.0, text=SAID, words=[], source=Source.LIVE
                )
            )
            sms = Sms(id=new_id(), key=f"receipt:{ticket.id}", ticket_id=ticket.id, to=MOBILE, state="delivered")
            sms.text = "您的诉求已受理"
            session.add(sms)
            await session.flush()
            session.add(SmsEvent(sms_id=sms.id, kind="delivered"))
        await self.record(ticket.call_id, self.desk.now)
        dispatched: dict[str, Any] = {"identity_checked": True, "not_accused": "不涉及"} if ticket.sealed else {}
        await self.desk.dispatch(**dispatched)
        with clock.frozen(self.desk.now):
            await attach(self.db, self.store, self.office.clerk, ticket.id, "现场照片.pdf", PDF)
        await self.desk.handled()
        await self.desk.act(self.office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied")
        return await self.desk.ticket()

    async def record(self, call_id: UUID, when: datetime, part: int = 1) -> Recording:
        """A second of noise of a call, in the store and catalogued; the policy of its first part was lossless."""
        with clock.frozen(when), tempfile.TemporaryFile() as target:
            samples = np.random.default_rng(part).integers(-9000, 9000, 8000, "<i2")
            raw = self.home / f"{part}.sln"
            raw.write_bytes(samples.tobytes())
            made = encode([raw, raw], target, Encoding.FLAC if part == 1 else Encoding.OPUS_48)
            row = Recording(id=new_id(), call_id=call_id, node="node1", linkedid="1772416800.1", kind=Kind.TALK)
            row.part, row.started_at, row.seconds, row.channels = part, when, 1.0, 2
            row.digest, row.sm3, row.size, row.state = made.digest, made.sm3, made.size, RecordingState.STORED
            row.store_key, row.protected_until = f"recordings/{row.id}.{made.form}", date(2029, 3, 2)
            await self.store.put(row.store_key, target, row.digest)
            async with self.db.session() as session:
                session.add(row)
                await session.flush()
                await publish(session, RecordingStored(recording_id=row.id, call_id=call_id, kind="talk"))
        return row

    async def sealed_nights(self) -> None:
        """What the worker does after midnight."""
        with clock.frozen(NIGHT):
            await seal_due(self.db, self.keeper.signer)

    async def work(self) -> None:
        """All jobs that wait, and those that they ask for."""
        waiting = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL")
        for _ in range(10):
            await chained(self.db)
            await run_pending(self.db, services={DossierKeeper: self.keeper})
            async with self.db.session() as session:
                if not await session.scalar(waiting):
                    return
        raise AssertionError("jobs go on and on")

    async def archived(self, **fields: Any) -> Dossier:
        """An order whose package is closed."""
        await self.order(**fields)
        await self.desk.act(self.office.director, Act.ARCHIVE)
        await self.work()
        return await self.dossier()

    async def dossier(self) -> Dossier:
        """Of the desk's order."""
        async with self.db.session() as session:
            return (await session.scalars(select(Dossier).where(Dossier.ticket_id == self.desk.id))).one()

    async def parts(self) -> list[DossierPart]:
        """Its parts."""
        async with self.db.session() as session:
            wanted = select(DossierPart).join(Dossier, Dossier.id == DossierPart.dossier_id)
            wanted = wanted.where(Dossier.ticket_id == self.desk.id).order_by(DossierPart.n)
            return list(await session.scalars(wanted))

    async def manifests(self) -> list[Manifest]:
        """What its parts say."""
        return [parse(one.manifest.encode(), "manifest") for one in await self.parts()]

    async def exported(self, who: Actor, **asked: Any) -> Path:
        """What somebody takes out, as a ZIP on a disk."""
        dossier = await self.dossier()
        async with self.db.session() as session:
            made = await exporting.ask(session, who, dossier.id, Asked("移交档案馆", **asked))
            if await exporting.waits(session, made):
                await exporting.decide(session, self.office.director, made.id)
        await self.work()
        async with self.db.session() as session:
            done, _ = await exporting.fetch(session, who, made.id)
        path = self.home / f"{done.number}.zip"
        path.write_bytes(b"".join([block async for block in self.store.read(done.store_key)]))
        return path


def verified(path: Path, *more: str) -> tuple[int, str]:
    """What the stand-alone script says, on a Python without this product."""
    script = Path(__file__).parents[3] / "docs" / "verify_package.py"
    done = subprocess.run([sys.executable, "-I", script, path, *more], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
