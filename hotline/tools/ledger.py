"""`hotline ledger verify`: the ledger's chain, reckoned anew from its first row and held against each day's seal."""

from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from core.ledger import service
from core.ledger.models import LedgerEntry
from core.ledger.service import Link
from hotline.runtime import Runtime
from hotline.settings import Settings
from recordings.proof.models import ArchiveSeal
from recordings.proof.statement import chinese_day


@dataclass
class Verified:
    """How far the chain goes, how many seals it was held against, what does not hold."""

    head: Link
    waiting: int
    seals: int = 0
    findings: list[str] = field(default_factory=list)

    def as_text(self) -> list[str]:
        """The summary, and a line for each finding."""
        found = f"发现 {len(self.findings)} 处问题。" if self.findings else "未发现问题。"
        said = [f"核验审计日志 {self.head.place} 条，比对封存 {self.seals} 天：{found}", *self.findings]
        return [*said, f"链尾 {self.head.place} {self.head.digest}", f"尚未上链 {self.waiting} 条（通常一秒内上链）"]


async def verify(settings: Settings) -> Verified:
    """Reckon everything anew; the service may go on meanwhile."""
    db = Runtime(settings).db
    try:
        async with db.session() as session:
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            counted = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.seal.is_(None))
            done = Verified(await service.head(session), await session.scalar(counted) or 0)
            broken = await service.verify(session)
            if broken is not None:
                done.findings.append(f"第 {broken} 条被改动、删除或插入，链在此断开")
            sealed = select(ArchiveSeal).where(ArchiveSeal.ledger_place.is_not(None)).order_by(ArchiveSeal.day)
            for seal in (await session.scalars(sealed)).all():
                done.seals += 1
                known = select(LedgerEntry.digest).where(LedgerEntry.seal == seal.ledger_place)
                if seal.ledger_place and await session.scalar(known) != seal.ledger_digest:
                    said = f"{chinese_day(seal.day)}封存时链尾在第 {seal.ledger_place} 条，现在的日志与当时不同"
                    done.findings.append(said)
        return done
    finally:
        await db.close()
