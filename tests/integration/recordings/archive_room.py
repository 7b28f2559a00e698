"""An encrypted archive between a spool and a database, with its keys, seals and check."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import BY_HAND
from recording_voices import call
from sqlalchemy import select

from core import clock
from core.db import Database
from core.secrets import Secrets
from recordings.archive.ingest import Ingest
from recordings.models import Recording
from recordings.proof.seal import seal_due
from recordings.proof.service import CheckService
from recordings.proof.signing import Signer
from recordings.settings import MAIN
from recordings.store.copies import Copies
from recordings.store.datakeys import TableKeys
from recordings.store.folder import FolderStore
from recordings.store.masters import FileMasters, MasterKeys
from recordings.store.port import SUFFIX, Store
from recordings.store.replicated import ReplicatedStore
from recordings.store.replication import Replication
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Of 23 November 2026 in Shanghai."""
DAY = date(2026, 11, 23)


class Room:
    """One installation's archive."""

    def __init__(
        self, db: Database, home: Path, suite: Suite | None = Suite.AES, replicas: Mapping[str, Store] | None = None
    ) -> None:
        self.db, self.home = db, home
        self.spool, self.root = home / "spool" / "recordings", home / "archive"
        self.spool.mkdir(parents=True, exist_ok=True)
        self.secrets = Secrets(home / "secrets")
        self.masters: MasterKeys = FileMasters(self.secrets)
        self.signer = Signer(self.secrets)
        self.suite = suite
        self.use({MAIN: FolderStore(self.root), **(replicas or {})})
        self.made = 0

    def use(self, stores: Mapping[str, Store]) -> None:
        """These stores from now on, as after new settings."""
        keys = TableKeys(self.db)
        self.store = ReplicatedStore(
            stores, lambda inner: VaultStore(inner, keys, self.masters, self.suite), Copies(self.db)
        )
        self.check = CheckService(self.db, self.store, self.signer, self.masters, days=lambda: 1, mb_per_s=1e6)
        self.replication = Replication(self.db, self.store, days=lambda: 1, mb_per_s=1e6)

    def ingest(self) -> Ingest:
        """What archives the spool of this installation."""
        return Ingest(
            self.db,
            self.store,
            self.spool,
            work=self.home / "work",
            node="node1",
            quiet_after_s=30,
            protected_years=lambda: 3,
        )

    async def record(self, at: datetime = NOON, count: int = 1) -> list[Recording]:
        """So many messages of half a second, archived at this time -> their rows."""
        ingest = self.ingest()
        names = []
        with clock.frozen(at):
            for _ in range(count):
                self.made += 1
                names.append(f"1700000000.{self.made}")
                await call(self.db, names[-1], connected_at=at, seconds=1)
                sound = np.random.default_rng(self.made).integers(-9000, 9000, 4000, "<i2").tobytes()
                path = self.spool / f"{names[-1]}_message.sln"
                path.write_bytes(sound)
                os.utime(path, (at.timestamp() - 60,) * 2)
            assert await ingest.scan() == count
        async with self.db.session() as session:
            rows = await session.scalars(select(Recording).where(Recording.linkedid.in_(names)).order_by(Recording.id))
            return list(rows)

    async def seal(self, at: datetime = NOON + timedelta(days=1)) -> list[date]:
        """What the worker does then."""
        with clock.frozen(at):
            return await seal_due(self.db, self.signer)

    async def checked(self, at: datetime = NOON + timedelta(days=3)) -> tuple[bool, str]:
        """The light after the worker has read everything."""
        with clock.frozen(at):
            await self.check.step()
            health = await self.check.health()
        return health.ok, health.detail

    def path(self, row: Recording) -> Path:
        """Where the encrypted file lies."""
        return self.root / (row.store_key + SUFFIX)

    async def sql(self, statement: Any) -> None:
        """What somebody does in the database by hand who puts its triggers out of action first."""
        async with self.db.session() as session:
            await session.execute(BY_HAND)
            await session.execute(statement)
