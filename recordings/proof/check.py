"""The check 核验: whether what lies in the archive is what the catalogue says, and the catalogue what was sealed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.errors import HotlineError, NotFound, Unavailable
from core.ledger import record
from core.log import get
from recordings.models import Recording
from recordings.proof.merkle import leaf_hash, root
from recordings.proof.models import ArchiveLeaf, ArchiveSeal
from recordings.proof.seal import DAY
from recordings.proof.signing import signed_by
from recordings.proof.statement import FIRST, chinese_day, leaf, link, text
from recordings.store.digests import digests_while_read, sha256, sm3
from recordings.store.port import Damaged, Store

log = get(__name__)
LONGEST_FINDINGS = 2000
PAGE = 50
AT_ONCE = 2
"""Recordings that are read at once: while one waits for the disk or the database, another is digested."""


async def compare(store: Store, row: Recording) -> str:
    """Read a recording as a whole -> what is wrong with it, in Chinese; empty: nothing.

    Raises `Unavailable` while the store is away, which says nothing of the recording.
    """
    try:
        digests, size = await digests_while_read(store.read(row.store_key))
    except NotFound:
        return "归档文件不存在"
    except Damaged as error:
        return f"归档文件已损坏或被改动：{error.why}"
    except Unavailable:
        raise
    except HotlineError as error:
        return f"归档文件无法读取：{error.message}"
    if size != row.size:
        return f"文件应为 {row.size} 字节，实为 {size} 字节"
    if digests.sha256 != row.digest:
        return "文件内容与目录中的 SHA-256 不一致"
    if row.sm3 and digests.sm3 != row.sm3:
        return "文件内容与目录中的 SM3 不一致"
    return ""


def in_turn(rows: Sequence[Recording]) -> Iterator[Sequence[Recording]]:
    """So many at a time."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


async def check_recording(db: Database, store: Store, row: Recording) -> str:
    """Compare it and write down what was found -> that."""
    finding = await compare(store, row)
    async with db.session() as session:
        kept = await session.get(Recording, row.id, with_for_update=True)
        if kept is None:
            return finding
        if finding != kept.finding:
            log.warning("archive.checked", recording=str(row.id), finding=finding or "mended")
            await record(session, SYSTEM, "archive.check", "recording", row.id, finding=finding)
        kept.checked_at, kept.finding = clock.now(), finding[: Recording.finding.type.length]
    return finding


async def check_seal(db: Database, day: date, known_keys: frozenset[str]) -> list[str]:
    """Compare a day's seal with the seal before, its leaves and the catalogue -> what is wrong, a sentence each."""
    async with db.session() as session:
        seal = await session.get(ArchiveSeal, day, with_for_update=True)
        if seal is None:
            return []
        findings = [*await _of_seal(session, seal, known_keys), *await _of_rows(session, seal)]
        said = "\n".join(findings)[:LONGEST_FINDINGS]
        if said != seal.finding:
            log.warning("archive.seal-checked", day=day.isoformat(), findings=len(findings))
            await record(session, SYSTEM, "archive.check", "archive-seal", day.isoformat(), findings=findings[:PAGE])
        seal.checked_at, seal.finding = clock.now(), said
    return findings


async def _of_seal(session: AsyncSession, seal: ArchiveSeal, known_keys: frozenset[str]) -> list[str]:
    """The seal itself, its chain, and whether its leaves make its roots."""
    findings, name = list[str](), f"{chinese_day(seal.day)}的封存"
    if not signed_by(seal.public_key, seal.signature, text(seal)):
        findings.append(f"{name}：签名不符，封存记录被改动")
    elif seal.public_key not in known_keys:
        findings.append(f"{name}：不是用本系统的密钥签署的")
    before = await session.get(ArchiveSeal, seal.day - DAY)
    first = await session.scalar(select(func.min(ArchiveSeal.day)))
    if before is None and seal.day != first:
        findings.append(f"{chinese_day(seal.day - DAY)}的封存：缺失")
    elif seal.previous != link(before):
        findings.append(f"{name}：与前一天的封存不相衔接")
    leaves = (await session.scalars(_leaves(seal.day))).all()
    roots = (
        root(sha256, [_bytes(one.hash) for one in leaves]).hex(),
        root(sm3, [_bytes(one.hash_sm3) for one in leaves]).hex(),
    )
    if [one.place for one in leaves] != list(range(seal.count)):
        findings.append(f"{name}：应有 {seal.count} 份录音，实有 {len(leaves)} 份")
    elif roots != (seal.root, seal.root_sm3):
        findings.append(f"{name}：其中的录音摘要被改动")
    return findings


async def _of_rows(session: AsyncSession, seal: ArchiveSeal) -> list[str]:
    """Each row of the catalogue against its leaf, and rows of this day that are in no seal."""
    findings, begins, ends = list[str](), clock.midnight(seal.day), clock.midnight(seal.day + DAY)
    rows = await session.execute(
        _leaves(seal.day).add_columns(Recording).outerjoin(Recording, Recording.id == ArchiveLeaf.recording_id)
    )
    for kept, row in rows:
        if row is None:
            findings.append(f"录音 {kept.recording_id}：目录记录被删除")
        elif leaf_hash(sha256, leaf(row)).hex() != kept.hash:
            findings.append(f"录音 {kept.recording_id}：目录记录与封存时不同")
        elif row.catalogued_at < begins and seal.previous != FIRST:
            findings.append(f"录音 {kept.recording_id}：归档时间早于封存的这一天，系倒签补入")
    strays = select(Recording.id).where(Recording.catalogued_at < ends).order_by(Recording.id)
    strays = strays.where(~select(ArchiveLeaf.day).where(ArchiveLeaf.recording_id == Recording.id).exists())
    if seal.previous != FIRST:
        strays = strays.where(Recording.catalogued_at >= begins)
    findings += [
        f"录音 {id}：归档时间在已封存的日期内，却不在封存中，系倒签补入" for id in await session.scalars(strays)
    ]
    return findings


def _bytes(hexadecimal: str) -> bytes:
    """What somebody wrote there that is no hash makes no root either."""
    try:
        return bytes.fromhex(hexadecimal)
    except ValueError:
        return b""


def _leaves(day: date) -> Select[ArchiveLeaf]:
    return select(ArchiveLeaf).where(ArchiveLeaf.day == day).order_by(ArchiveLeaf.place)


async def recordings_to_check(session: AsyncSession, before: datetime) -> Sequence[Recording]:
    """The next that nobody has read since `before`, those never read first."""
    stored = select(Recording).where(Recording.digest != "").limit(PAGE)
    never = stored.where(Recording.checked_at.is_(None)).order_by(Recording.id)
    long_ago = stored.where(Recording.checked_at < before).order_by(Recording.checked_at, Recording.id)
    return (await session.scalars(never)).all() or (await session.scalars(long_ago)).all()


async def seals_to_check(session: AsyncSession, before: datetime) -> Sequence[date]:
    """Days whose seal was not compared since `before`."""
    wanted = select(ArchiveSeal.day).where(or_(ArchiveSeal.checked_at.is_(None), ArchiveSeal.checked_at < before))
    return (await session.scalars(wanted.order_by(ArchiveSeal.day))).all()


@dataclass(frozen=True)
class Standing:
    """How the archive was at the last look."""

    recordings: int
    """With a file."""
    wrong: tuple[UUID, ...]
    """Recordings with a finding, the first few."""
    wrong_count: int
    wrong_days: tuple[date, ...]
    """Days whose seal has a finding."""
    oldest: datetime | None
    """When the recording that was not read for the longest time was read; None where one never was."""
    waiting_since: datetime | None
    """Since when the oldest recording that was never read waits."""


async def standing(session: AsyncSession) -> Standing:
    """What the checks wrote down."""
    stored, of_wrong = Recording.digest != "", Recording.finding != ""
    wrong = (await session.scalars(select(Recording.id).where(of_wrong).order_by(Recording.id).limit(3))).all()
    days = (
        await session.scalars(select(ArchiveSeal.day).where(ArchiveSeal.finding != "").order_by(ArchiveSeal.day))
    ).all()
    return Standing(
        recordings=await session.scalar(select(func.count()).select_from(Recording).where(stored)) or 0,
        wrong=tuple(wrong),
        wrong_count=await session.scalar(select(func.count()).select_from(Recording).where(of_wrong)) or 0,
        wrong_days=tuple(days),
        oldest=await session.scalar(select(func.min(Recording.checked_at)).where(stored)),
        waiting_since=await session.scalar(
            select(func.min(Recording.catalogued_at)).where(stored, Recording.checked_at.is_(None))
        ),
    )


def behind(now: Standing, at: datetime, days: int) -> bool:
    """Whether a recording was not read for two cycles."""
    oldest = [one for one in (now.oldest, now.waiting_since) if one]
    return bool(oldest) and min(oldest) < at - timedelta(days=2 * days)
