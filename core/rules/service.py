"""Proposing, confirming and withdrawing a version: always two persons, the policy always for the future (A06-1)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.digest import short_digest
from core.errors import Conflict, Denied, Invalid, NotFound
from core.events import publish
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.rules.events import RulesConfirmed
from core.rules.kinds import LONGEST_TEXT as LONGEST_TEXT
from core.rules.kinds import Kind, Standing
from core.rules.models import RuleVersion

TOPIC = "rules"
AHEAD = timedelta(minutes=5)
"""A policy is confirmed at least this long before it is in force, so that every process knows it by then."""
LATEST = timedelta(days=2 * 366)
"""Nobody decides about rules further ahead than this."""


async def versions(session: AsyncSession, kind: Kind) -> list[RuleVersion]:
    """All versions of a kind, the newest proposal first."""
    rows = select(RuleVersion).where(RuleVersion.kind == kind).order_by(RuleVersion.proposed_at.desc(), RuleVersion.id)
    return list(await session.scalars(rows))


async def confirmed(session: AsyncSession, kind: Kind) -> list[RuleVersion]:
    """The chain of what is or was in force, or will be, oldest first."""
    rows = select(RuleVersion).where(RuleVersion.kind == kind, RuleVersion.state == Standing.CONFIRMED)
    return list(await session.scalars(rows.order_by(RuleVersion.since, RuleVersion.id)))


async def one(session: AsyncSession, kind: Kind, version_id: UUID) -> RuleVersion:
    """Raises `NotFound("no-such-version")`."""
    row = await session.get(RuleVersion, version_id, populate_existing=True)
    if row is None or row.kind != kind:
        raise NotFound("no-such-version", f"没有这个版本的{kind.label}。")
    return row


async def propose(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    text: str,
    *,
    based_on: UUID,
    document: str,
    note: str,
    since: datetime | None = None,
) -> RuleVersion:
    """Lay a text before a second person; `text` was parsed by the caller. Raises Invalid with its fields, Conflict."""
    actor.require(kind.duties.propose)
    await lock(session, f"rules-{kind}")
    chain = await confirmed(session, kind)
    _require_newest(chain, based_on)
    version = short_digest(text)
    if len(text) > kind.longest:
        raise Invalid("rules-too-long", f"{kind.label}的文字过长。")
    if version == chain[-1].version:
        raise Invalid("nothing-changed", f"与现有的{kind.label}没有差别。")
    if not document.strip():
        raise Invalid("no-document", "请填写依据的文号或文件名称。", fields={"document": "请填写文号或文件名称"})
    if kind is Kind.POLICY:
        _require_future(since, chain[-1].since)
    row = RuleVersion(
        kind=kind,
        version=version,
        text=text,
        based_on=based_on,
        since=since,
        document=document.strip(),
        note=note.strip(),
        proposed_by=actor.user_id,
        proposed_name=actor.name,
    )
    session.add(row)
    await session.flush()
    await record(session, actor, f"{kind}.propose", kind, row.id, reason=row.note or None, version=version)
    hint(session, TOPIC, kind)
    return row


async def confirm(session: AsyncSession, actor: Actor, kind: Kind, version_id: UUID) -> RuleVersion:
    """The second person's yes. Raises Denied to whoever proposed it, Conflict when something else was decided."""
    actor.require(kind.duties.confirm)
    await lock(session, f"rules-{kind}")
    row = await one(session, kind, version_id)
    _require_state(row, Standing.PROPOSED)
    if actor.user_id is None or actor.user_id == row.proposed_by:
        raise Denied("second-person", f"{kind.label}的变更须由提出人以外的人员确认。")
    chain = await confirmed(session, kind)
    assert row.based_on is not None
    _require_newest(chain, row.based_on)
    if kind is Kind.POLICY:
        _require_future(row.since, chain[-1].since)
    else:
        row.since = now()
    row.state, row.settled_at, row.settled_by, row.settled_name = Standing.CONFIRMED, now(), actor.user_id, actor.name
    since = row.since.isoformat() if row.since else None
    await record(session, actor, f"{kind}.confirm", kind, row.id, version=row.version, since=since)
    hint(session, TOPIC, kind)
    await publish(session, RulesConfirmed(kind=kind, version=row.version))
    await session.flush()
    return row


async def withdraw(session: AsyncSession, actor: Actor, kind: Kind, version_id: UUID, reason: str) -> RuleVersion:
    """Take back a proposal, or a policy that was confirmed and is not yet in force."""
    if not (actor.may(kind.duties.propose) or actor.may(kind.duties.confirm)):
        actor.require(kind.duties.propose)
    if not reason.strip():
        raise Invalid("no-reason", "请填写撤回原因。", fields={"reason": "请填写撤回原因"})
    await lock(session, f"rules-{kind}")
    row = await one(session, kind, version_id)
    if row.state == Standing.CONFIRMED:
        _require_withdrawable(row, await confirmed(session, kind))
    elif row.state == Standing.WITHDRAWN:
        raise Conflict("settled-meanwhile", "这一版本已经撤回。")
    row.state, row.settled_at, row.settled_by, row.settled_name = Standing.WITHDRAWN, now(), actor.user_id, actor.name
    await record(session, actor, f"{kind}.withdraw", kind, row.id, reason=reason.strip(), version=row.version)
    hint(session, TOPIC, kind)
    await session.flush()
    return row


async def seed(session: AsyncSession, kind: Kind, text: str, since: datetime, document: str) -> None:
    """The first version, from the county's file or from the program, unless there is one already."""
    await lock(session, f"rules-{kind}")
    if await session.scalar(select(RuleVersion.id).where(RuleVersion.kind == kind).limit(1)):
        return
    settled = {"state": Standing.CONFIRMED, "settled_at": now(), "settled_name": "系统"}
    session.add(
        RuleVersion(
            kind=kind,
            version=short_digest(text),
            text=text,
            since=since,
            document=document,
            note="初始版本",
            proposed_name="系统",
            **settled,
        )
    )
    hint(session, TOPIC, kind)


def _require_newest(chain: list[RuleVersion], based_on: UUID) -> None:
    if not chain or chain[-1].id != based_on:
        raise Conflict("rules-changed-meanwhile", "其间已有其他变更被确认。请按最新的内容重新提出。")


def _require_state(row: RuleVersion, state: Standing) -> None:
    if row.state != state:
        raise Conflict("settled-meanwhile", f"这一版本{Standing(row.state).label}，不能再确认。")


def _require_future(since: datetime | None, last: datetime | None) -> None:
    if since is None or since < now() + AHEAD:
        minutes = int(AHEAD.total_seconds() // 60)
        raise Invalid(
            "not-in-the-future",
            f"生效时间须晚于现在至少{minutes}分钟；已过的请撤回后重新提出。",
            fields={"since": f"生效时间须晚于现在至少{minutes}分钟"},
        )
    if since > now() + LATEST:
        raise Invalid("too-far-ahead", "生效时间最多在两年以内。", fields={"since": "最多在两年以内"})
    if last is not None and since <= last:
        raise Invalid(
            "before-the-last", "生效时间须晚于上一版本的生效时间。", fields={"since": "须晚于上一版本的生效时间"}
        )


def _require_withdrawable(row: RuleVersion, chain: list[RuleVersion]) -> None:
    if row.kind != Kind.POLICY or row.since is None or row.since < now() + AHEAD:
        raise Conflict("in-force-already", "这一版本已经生效或即将生效，不能撤回；请提出新的变更。")
    if chain[-1].id != row.id:
        raise Conflict("others-follow", "其后已有别的变更以它为基础，请先撤回那一项。")
