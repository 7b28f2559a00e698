"""Room for sound: the disk that Asterisk writes recordings to is looked at, since Asterisk itself says nothing."""

import asyncio
import shutil
from pathlib import Path

from core.health import Health

PART = "录音暂存区"
MIB = 1024 * 1024


class SpoolSpace:
    """Service without a task of its own: whoever asks for its health has the disk looked at.

    Calls go on while the disk is full; what people say then is not recorded.
    """

    name = "spool-space"

    def __init__(self, spool: Path, reserve_mb: int) -> None:
        self._spool = spool
        self._reserve_mb = reserve_mb

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def health(self) -> Health:
        """Well while the disk has more than the reserve."""
        try:
            free_mb = (await asyncio.to_thread(shutil.disk_usage, self._spool)).free // MIB
        except OSError:
            return Health(PART, False, "录音暂存区无法读取。", "请检查录音暂存区所在的磁盘。")
        detail = f"剩余空间 {free_mb} MB"
        if free_mb >= self._reserve_mb:
            return Health(PART, True, detail)
        return Health(
            PART, False, f"{detail}，写满后通话照常进行但不再录音。", "请尽快清理或扩充录音暂存区所在的磁盘。"
        )
