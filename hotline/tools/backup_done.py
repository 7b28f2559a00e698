"""`hotline backup-done`: the bureau's backup script says that it has finished (F06-3)."""

from datetime import datetime

from crm.operations.service import report_backup
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.tools.reckon import instant


async def report(settings: Settings, at: str, note: str) -> datetime:
    """Store it -> when the backup was done. Raises Invalid, or Unavailable without the database."""
    done = instant(at, "备份完成的时间")
    db = Runtime(settings).db
    try:
        async with db.session() as session:
            return (await report_backup(session, done, note)).at
    finally:
        await db.close()
