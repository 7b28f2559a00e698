"""Recordings with sound in an encrypted archive, for tests of what is heard, asked for and taken along."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from web_desk import Desk

from callflow.models import Call
from core import clock
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.secrets import Secrets
from recordings.archive.rules import RATE
from recordings.archive.sound import encode
from recordings.forms import Encoding
from recordings.models import Kind, Recording, RecordingState
from recordings.store.datakeys import TableKeys
from recordings.store.folder import FolderStore
from recordings.store.masters import FileMasters
from recordings.store.port import Store
from recordings.store.suite import Suite
from recordings.store.vault import SUFFIX, VaultStore

WHY = {"purpose": "核实诉求内容", "reason": "市民来电催办"}
GRANT = re.compile(r'data-query="([^"]+)"')
Serve = Callable[[], Desk]


def encrypted(db: Database, home: Path) -> Store:
    """The archive as an installation has it."""
    secrets = Secrets(home / "secrets")
    return VaultStore(FolderStore(home / "archive"), TableKeys(db), FileMasters(secrets), Suite.AES)


def tone(seconds: float, hertz: float, loud: int = 8000) -> bytes:
    """A voice that can be told from another."""
    at = np.arange(round(seconds * RATE)) / RATE
    return (loud * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


async def recorded(
    db: Database, store: Store, folder: Path, *, seconds: float = 4.0, voices: tuple[bytes, ...] = (),
    encoding: Encoding = Encoding.FLAC, **row: Any
) -> Recording:  # fmt: skip
    """A talk of two voices in the archive, with its call."""
    sides = voices or (tone(seconds, 440), tone(seconds, 1000))
    paths: list[Path | None] = []
    for number, side in enumerate(sides):
        paths.append(folder / f"{new_id()}-{number}.sln")
        paths[-1].write_bytes(side)  # type: ignore[union-attr]
    sound = io.BytesIO()
    made = encode(paths, sound, encoding)
    at, linkedid = clock.now() - timedelta(hours=1), f"1700000000.{new_id().int % 10**9}"
    call = Call(id=new_id(), node="node1", linkedid=linkedid, arrived_at=at, connected_at=at)
    call.ended_at, call.agent_name, call.caller = at + timedelta(seconds=seconds), "王丽", "+8613807931234"
    kept = Recording(
        id=new_id(), call_id=call.id, node="node1", linkedid=linkedid, kind=Kind.TALK, part=1, started_at=at,
        seconds=made.samples / RATE, channels=len(sides), digest=made.digest, sm3=made.sm3, size=made.size,
        store_key=f"2026/11/30/{linkedid}.{made.form}", protected_until=clock.today(), state=RecordingState.STORED,
    )  # fmt: skip
    for name, value in row.items():
        setattr(kept, name, value)
    await store.put(kept.store_key, sound, made.digest)
    async with db.session() as session:
        session.add_all([call, kept])
    return kept


def stored_at(home: Path, row: Recording) -> Path:
    """Where the encrypted file lies."""
    return home / "archive" / (row.store_key + SUFFIX)


async def granted(desk: Desk, recording_id: UUID, **why: str) -> str:
    """The query that the player of this desk plays by."""
    page = await (await desk.post(f"/recordings/{recording_id}", WHY | why)).text()
    found = GRANT.search(page)
    assert found, page
    return found[1].replace("&amp;", "&")


async def heard(desk: Desk, recording_id: UUID, query: str, **headers: str) -> tuple[int, bytes]:
    """Status and bytes of the sound."""
    answer = await desk.get(f"/recordings/{recording_id}/audio?{query}", headers={"Accept": "audio/*", **headers})
    return answer.status, await answer.read()


async def ledger(db: Database, *actions: str) -> list[tuple[str, str, str, str | None]]:
    """Who did which of these, at what, why."""
    async with db.session() as session:
        rows = await session.scalars(
            select(LedgerEntry).where(LedgerEntry.action.in_(actions)).order_by(LedgerEntry.id)
        )
        return [(one.actor_name, one.action, one.subject_id, one.reason) for one in rows]
