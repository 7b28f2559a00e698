"""Asterisk's journals and its log begin anew when they are large, and old ones go once they were read."""

from datetime import timedelta
from pathlib import Path

from callflow.asterisk import AsteriskNode
from callflow.models import JournalPosition
from callflow.reconcile import JOURNALS
from core.clock import now
from core.db import Database
from core.log import get

log = get(__name__)
LARGEST = 64 << 20
"""Bytes; a busy county writes this much in a few weeks."""
KEEP = timedelta(days=14)
"""Longer than any reading lags; they hold callers' numbers in clear, so not for ever."""
MESSAGES = "messages.log"


class Rotation:
    """One node's files. `step()` may run at any time and any number of times."""

    def __init__(self, db: Database, node: AsteriskNode, *, largest: int = LARGEST, keep: timedelta = KEEP) -> None:
        self._db = db
        self._node = node
        self._largest = largest
        self._keep = keep

    async def step(self) -> None:
        """Set aside what is too large and tell Asterisk to open its files again; remove what is too old.

        A journal is touched only while its reader stands in the present file: then all before it were read, and
        the reader finds the one set aside by its inode.
        """
        folder = self._node.folders.log
        moved = [path for path in [folder / MESSAGES, *await self._read_journals()] if self._set_aside(path)]
        if moved:
            log.info("line.files-rotated", files=[path.name for path in moved])
            await self._node.cli("logger reload")

    async def _read_journals(self) -> list[Path]:
        """Journals whose reader stands in the present file; older ones that are past keeping are removed."""
        found = []
        for name, (file, _) in JOURNALS.items():
            path = self._node.folders.log / file
            async with self._db.session() as session:
                at = await session.get(JournalPosition, (self._node.settings.node, name))
            if at is not None and path.exists() and path.stat().st_ino == at.inode:
                found.append(path)
        return found

    def _set_aside(self, path: Path) -> bool:
        if not path.exists():
            return False
        before = (now() - self._keep).timestamp()
        for old in path.parent.glob(f"{path.name}.*"):
            if old.stat().st_mtime < before:
                old.unlink()
        if path.stat().st_size < self._largest:
            return False
        path.rename(path.with_name(f"{path.name}.{now():%Y%m%dT%H%M%S%f}"))
        return True
