"""The check 核验: whether what lies in the archive is what the catalogue says, and the catalogue what was sealed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.errors import HotlineError, NotFound, Unavailable
from core.ledger import record
from core.ledger.models import LedgerEntry
from core.ledger.service import Link, verify
from core.log import get
from recordings.archive.rules import last_protected_day
from recordings.archived import Archived, catalogues
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.models import Recording
from recordings.policy import LEAST_YEARS
from recordings.proof.merkle import root
from recordings.proof.models import ArchiveLeaf, ArchiveSeal
from recordings.proof.seal import AT_ONCE as ROWS_AT_ONCE
from recordings.proof.seal import DAY, SETTLE
from recordings.proof.signing import signed_by
from recordings.proof.statement import FIRST, SEALED, archived, chinese_day, leaf_digest, link, text
from recordings.store.digests import digests_while_read, sha256, sm3
from recordings.store.port import Damaged, Store
from recordings.store.replicated import ReplicatedStore

log = get(__name__)
LONGEST_FINDINGS = 2000
"""Of a seal."""
LONGEST_FINDING = 300
"""Of an object."""
PAGE = 50
UNSIGNED = timedelta(days=1)
"""So long after its first recording's end a certificate has its signature, unless something is wrong."""
SHOWN = 3
"""Objects with a finding that the light names."""
AT_ONCE = 2
"""Objects that are read at once: while one waits for the disk or the database, another is digested."""


async def compare(store: Store, row: Archived) -> str:
    """Read an object as a whole -> what is wrong with it, in Chinese; empty: nothing.

    Raises `Unavailable` while the store is away, which says nothing of the object.
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


def in_turn(rows: Sequence[Archived]) -> Iterator[Sequence[Archived]]:
    """So many at a time."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


@dataclass(frozen=True)
class Found:
    """What is wrong with an object, or was, where a replica mended it."""

    finding: str = ""
    mended_from: str = ""

    @property
    def left(self) -> str:
        """What is wrong still."""
        return "" if self.mended_from else self.finding


async def check_object(db: Database, stores: ReplicatedStore, row: Archived) -> Found:
    """Compare what the primary holds, mend it from a replica that holds it right, and write down both."""
    found = await _compared_and_mended(stores, row)
    async with db.session() as session:
        kept = await session.get(type(row), row.id, with_for_update=True)
        if kept is None:
            return found
        if kept.destroyed_at:  # meanwhile, and lawfully: its file is no longer asked for
            return Found()
        if found.mended_from:
            log.warning("archive.mended", what=row.what, id=str(row.id), finding=found.finding, store=found.mended_from)
            said = {"finding": found.finding, "store": found.mended_from}
            await record(session, SYSTEM, "archive.mend", row.what, row.id, **said)
        elif found.finding != kept.finding:
            log.warning("archive.checked", what=row.what, id=str(row.id), finding=found.finding or "mended")
            await record(session, SYSTEM, "archive.check", row.what, row.id, finding=found.finding)
        kept.checked_at, kept.finding = clock.now(), found.left[:LONGEST_FINDING]
    return found


async def _compared_and_mended(stores: ReplicatedStore, row: Archived) -> Found:
    async def right(store: Store) -> bool:
        return not await compare(store, row)

    finding = await compare((await stores.primary())[1], row)
    if not finding:
        return Found()
    source = await stores.mend(row.store_key, right)
    _, primary = await stores.primary()
    return Found(finding, source if source and await right(primary) else "")


async def check_seal(db: Database, day: date, known_keys: frozenset[str]) -> list[str]:
    """Compare a day's seal with the seal before, its leaves and the catalogue -> what is wrong, a sentence each."""
    async with db.session() as session:
        seal = await session.get(ArchiveSeal, day, with_for_update=True)
        if seal is None:
            return []
        findings = await _of_seal(session, seal, known_keys)
        before = frozenset[str]() if seal.previous == FIRST else (await _told(session, day - DAY)).kinds
        told, noted = await _told(session, day), await _archived(session, day)
        for table in catalogues():
            since = clock.midnight(day) if table.what in before else None
            kind = Kind(table, day, since, noted.get(archived(table.what), {}))
            findings += await _of_rows(session, kind, known_keys)
            if table.what in told.kinds:
                findings += await _missing(session, kind)
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
    if seal.sealed_at < clock.midnight(seal.day + DAY) + SETTLE:
        findings.append(f"{name}：封存时间早于这一天结束，被改动")
    before = await session.get(ArchiveSeal, seal.day - DAY)
    first = await session.scalar(select(func.min(ArchiveSeal.day)))
    if before is None and seal.day != first:
        findings.append(f"{chinese_day(seal.day - DAY)}的封存：缺失")
    elif seal.previous != link(before):
        findings.append(f"{name}：与前一天的封存不相衔接")
    if (first_made := (await _told(session, seal.day)).digest) and first_made != link(seal):
        findings.append(f"{name}：与审计日志中登记的不是同一份，封存被删除后重新制作")
    of_day = _leaves(seal.day).with_only_columns(ArchiveLeaf.place, ArchiveLeaf.hash, ArchiveLeaf.hash_sm3)
    leaves = (await session.execute(of_day)).all()
    roots = (
        root(sha256, [_bytes(one.hash) for one in leaves]).hex(),
        root(sm3, [_bytes(one.hash_sm3) for one in leaves]).hex(),
    )
    if [one.place for one in leaves] != list(range(seal.count)):
        findings.append(f"{name}：应有 {seal.count} 份，实有 {len(leaves)} 份")
    elif roots != (seal.root, seal.root_sm3):
        findings.append(f"{name}：其中的摘要被改动")
    return [*findings, *await _of_ledger(session, seal, before)]


@dataclass(frozen=True)
class Told:
    """What the ledger says of a day's seal as it was made first."""

    digest: str | None = None
    """None where it says nothing yet."""
    kinds: frozenset[str] = frozenset({Recording.what})
    """What was asked for then; recordings alone, where it does not say."""


async def _told(session: AsyncSession, day: date) -> Told:
    of_day = (LedgerEntry.subject == "archive-seal", LedgerEntry.subject_id == day.isoformat())
    made = select(LedgerEntry.detail).where(*of_day, LedgerEntry.action == SEALED).order_by(LedgerEntry.id).limit(1)
    detail = await session.scalar(made) or {}
    return Told(detail.get("digest"), frozenset(detail.get("of") or Told.kinds))


async def _of_ledger(session: AsyncSession, seal: ArchiveSeal, before: ArchiveSeal | None) -> list[str]:
    """What was written into the ledger between the two seals is what was chained then."""
    if seal.ledger_place is None or seal.ledger_digest is None:
        return []
    after = Link()
    if before is not None and before.ledger_place is not None and before.ledger_digest is not None:
        after = Link(before.ledger_place, before.ledger_digest)
    broken = await verify(session, after, Link(seal.ledger_place, seal.ledger_digest))
    return [] if broken is None else [f"审计日志：{chinese_day(seal.day)}封存的第 {broken} 条被改动或删除"]


async def _archived(session: AsyncSession, day: date) -> dict[str, dict[UUID, str]]:
    """What the ledger calls it -> objects of which it says that they came on this day -> their leaf hashes then."""
    of_day = (LedgerEntry.at >= clock.midnight(day), LedgerEntry.at < clock.midnight(day + DAY))
    told = select(LedgerEntry.action, LedgerEntry.subject_id, LedgerEntry.detail["leaf"].astext)
    told = told.where(*of_day, LedgerEntry.action.in_([archived(table.what) for table in catalogues()]))
    found: dict[str, dict[UUID, str]] = {}
    for action, id, leaf in await session.execute(told.order_by(LedgerEntry.id)):
        found.setdefault(action, {})[UUID(id)] = leaf
    return found


@dataclass(frozen=True)
class Kind:
    """One kind of objects in one seal."""

    table: type[Archived]
    day: date
    since: datetime | None
    """Since when they may have come; None, whenever: in the first seal that asked for this kind."""
    noted: Mapping[UUID, str]
    """Those of which the ledger says that they came on this day, with their leaf hashes."""


async def _of_rows(session: AsyncSession, kind: Kind, known_keys: frozenset[str]) -> list[str]:
    """Each leaf against its row of the catalogue, and against what the ledger said when it came."""
    table, findings = kind.table, list[str]()
    rows = await session.stream(
        _leaves(kind.day)
        .where(ArchiveLeaf.what == table.what)
        .add_columns(table, table.came(), table.amiss(), Disposal, DisposalCertificate)
        .outerjoin(table, table.id == ArchiveLeaf.object_id)
        .outerjoin(Disposal, Disposal.object_id == ArchiveLeaf.object_id)
        .outerjoin(DisposalCertificate, DisposalCertificate.number == Disposal.certificate)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    async for leaf, row, came, amiss, disposal, certificate in rows:
        if row is None:
            why = "目录记录被删除"
        elif leaf_digest(row) != leaf.hash:
            why = "目录记录与封存时不同"
        elif kind.noted.get(row.id, leaf.hash) != leaf.hash:
            why = "目录记录在封存以前被改动，与审计日志中归档时的登记不同"
        elif kind.since and came < kind.since:
            why = "归档时间早于封存的这一天，系倒签补入"
        else:
            why = amiss or _of_row(row, disposal, certificate, known_keys)
        findings += [f"{table.called} {leaf.object_id}：{why}"] if why else []
    return findings


async def _missing(session: AsyncSession, kind: Kind) -> list[str]:
    """What should stand in this seal, or in one before it, and does not."""
    table, leaf = kind.table, select(ArchiveLeaf.object_id).where(ArchiveLeaf.what == kind.table.what)
    sealed = set(await session.scalars(leaf.where(ArchiveLeaf.day == kind.day)))
    strays = select(table.id).where(table.came() < clock.midnight(kind.day + DAY)).order_by(table.id)
    strays = strays.where(~leaf.where(ArchiveLeaf.object_id == table.id).exists())
    if kind.since:
        strays = strays.where(table.came() >= kind.since)
    gone = (id for id in kind.noted if id not in sealed)
    return [
        *(f"{table.called} {id}：审计日志登记了归档，目录记录在封存以前被删除" for id in gone),
        *(
            f"{table.called} {id}：归档时间在已封存的日期内，却不在封存中，系倒签补入"
            for id in await session.scalars(strays)
        ),
    ]


def _of_row(
    row: Archived, disposal: Disposal | None, certificate: DisposalCertificate | None, known_keys: frozenset[str]
) -> str:
    """What is wrong with what may change of a row; empty: nothing."""
    if row.protected_until < last_protected_day(row.since, LEAST_YEARS):
        return f"最后保护日早于{row.since_called}起{LEAST_YEARS}年，被改动"
    if row.destroyed_at and (why := _unlawful(row, disposal, certificate, known_keys)):
        return f"目录记为依法销毁，{why}"
    return ""


def _unlawful(
    row: Archived, disposal: Disposal | None, certificate: DisposalCertificate | None, known_keys: frozenset[str]
) -> str:
    """What is wrong with the end that its row tells of; empty: nothing. While a list is executed it has no signature
    yet."""
    if disposal is None or certificate is None or certificate.number != row.certificate:
        return "却没有销毁证书"
    if certificate.finished_at is None:
        late = disposal.erased_at < clock.now() - UNSIGNED
        return f"但销毁证书 {certificate.number} 一直没有完成和签署" if late else ""
    mine = certificate.public_key in known_keys
    if not mine or not signed_by(certificate.public_key, certificate.signature, certificate.document):
        return f"但销毁证书 {certificate.number} 的签名不符"
    return ""


def _bytes(hexadecimal: str) -> bytes:
    """What somebody wrote there that is no hash makes no root either."""
    try:
        return bytes.fromhex(hexadecimal)
    except ValueError:
        return b""


def _leaves(day: date) -> Select[ArchiveLeaf]:
    return select(ArchiveLeaf).where(ArchiveLeaf.day == day).order_by(ArchiveLeaf.place)


async def to_check(session: AsyncSession, before: datetime) -> Sequence[Archived]:
    """The next that nobody has read since `before`, of each kind those never read first."""
    for table in catalogues():
        stored = select(table).where(*_stored(table)).limit(PAGE)
        never = stored.where(table.checked_at.is_(None)).order_by(table.id)
        long_ago = stored.where(table.checked_at < before).order_by(table.checked_at, table.id)
        if rows := (await session.scalars(never)).all() or (await session.scalars(long_ago)).all():
            return rows
    return []


def _stored(table: type[Archived]) -> tuple[ColumnElement[bool], ...]:
    return (table.digest != "", table.destroyed_at.is_(None))


async def seals_to_check(session: AsyncSession, before: datetime) -> Sequence[date]:
    """Days whose seal was not compared since `before`."""
    wanted = select(ArchiveSeal.day).where(or_(ArchiveSeal.checked_at.is_(None), ArchiveSeal.checked_at < before))
    return (await session.scalars(wanted.order_by(ArchiveSeal.day))).all()


@dataclass(frozen=True)
class Wrong:
    """Objects of one kind with a finding."""

    called: str
    count: int
    first: tuple[UUID, ...]


@dataclass(frozen=True)
class Standing:
    """How the archive was at the last look."""

    counts: Mapping[str, int]
    """How many objects there are with a file, by what they are called."""
    wrong: tuple[Wrong, ...]
    wrong_days: tuple[date, ...]
    """Days whose seal has a finding."""
    oldest: datetime | None
    """When the object that was not read for the longest time was read; None where one never was."""
    waiting_since: datetime | None
    """Since when the oldest object that was never read waits."""

    @property
    def wrong_count(self) -> int:
        """Objects with a finding."""
        return sum(one.count for one in self.wrong)


async def standing(session: AsyncSession) -> Standing:
    """What the checks wrote down."""
    counts, wrong, read, waits = dict[str, int](), list[Wrong](), list[datetime](), list[datetime]()
    for table in catalogues():
        stored = _stored(table)
        counts[table.called] = await session.scalar(select(func.count()).select_from(table).where(*stored)) or 0
        of_wrong = table.finding != ""
        if count := await session.scalar(select(func.count()).select_from(table).where(of_wrong)):
            first = await session.scalars(select(table.id).where(of_wrong).order_by(table.id).limit(SHOWN))
            wrong.append(Wrong(table.called, count, tuple(first)))
        if oldest := await session.scalar(select(func.min(table.checked_at)).where(*stored)):
            read.append(oldest)
        if since := await session.scalar(select(func.min(table.came())).where(*stored, table.checked_at.is_(None))):
            waits.append(since)
    days = await session.scalars(select(ArchiveSeal.day).where(ArchiveSeal.finding != "").order_by(ArchiveSeal.day))
    return Standing(counts, tuple(wrong), tuple(days), min(read, default=None), min(waits, default=None))


def behind(now: Standing, at: datetime, days: int) -> bool:
    """Whether an object was not read for two cycles."""
    oldest = [one for one in (now.oldest, now.waiting_since) if one]
    return bool(oldest) and min(oldest) < at - timedelta(days=2 * days)
