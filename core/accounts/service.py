"""Service accounts and tokens: made and ended by a security administrator, checked at every call of the API."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.accounts import tokens
from core.accounts.channels import Channel
from core.accounts.models import AccessToken, ServiceAccount
from core.actor import Actor
from core.edits import require_seen
from core.errors import Conflict, Invalid, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.permissions import Permission

MAX_DAYS: Final = 366
USED_EVERY: Final = timedelta(seconds=30)
_NOBODY: Final = tokens.digest("")


@dataclass(frozen=True)
class Program:
    """Whose call of the API this is."""

    actor: Actor
    account_id: UUID
    channel: Channel
    token_id: UUID


@dataclass(frozen=True)
class Refused:
    """Why a token opens nothing: `unknown` (also: wrong, expired, revoked) or `network`."""

    why: str


async def authenticate(session: AsyncSession, text: str, address: str) -> Program | Refused:
    """Whose token this is. The caller commits either way: what was tried with a real token is on record.

    An unknown prefix costs the same comparison as a known one, and no answer tells them apart.
    """
    prefix = tokens.prefix_of(text)
    found = None
    if prefix is not None:
        wanted = select(AccessToken, ServiceAccount).join(ServiceAccount, ServiceAccount.id == AccessToken.account_id)
        found = (await session.execute(wanted.where(AccessToken.prefix == prefix))).first()
    right = hmac.compare_digest(tokens.digest(text), found[0].digest if found else _NOBODY)
    if found is None or not right:
        return Refused("unknown")
    token, account = found
    actor = Actor(account.id, account.name, unit_id=account.unit_id, scopes=token.permissions, address=address)
    at = clock.now()
    if token.over(at) or not account.active:
        await record(session, actor, "token.refused", "account", account.id, token=token.prefix)
        return Refused("unknown")
    if token.networks and not tokens.within(address, token.networks):
        await record(session, actor, "token.refused", "account", account.id, token=token.prefix)
        return Refused("network")
    if token.last_used_at is None or at - token.last_used_at > USED_EVERY or token.last_used_from != address:
        token.last_used_at, token.last_used_from = at, address[:45]
    return Program(actor, account.id, Channel(account.channel), token.id)


async def create_account(
    session: AsyncSession, actor: Actor, *, name: str, channel: Channel, unit_id: UUID | None = None
) -> ServiceAccount:
    """A program that may be given tokens."""
    actor.require(Permission.USER_ADMIN)
    if await session.scalar(select(ServiceAccount.id).where(ServiceAccount.name == name)):
        raise Invalid("name-taken", "该名称已被使用。", fields={"name": "该名称已被使用。"})
    if channel is Channel.UNIT:
        unit = await session.get(Unit, unit_id) if unit_id else None
        if unit is None or not unit.active:
            raise Invalid("no-such-unit", "请选择在用的单位。", fields={"unit_id": "请选择在用的单位。"})
    elif unit_id is not None:
        raise Invalid("unit-not-due", "只有单位系统属于一个单位。", fields={"unit_id": "该渠道不属于某个单位。"})
    account = ServiceAccount(name=name, channel=channel, unit_id=unit_id)
    session.add(account)
    await session.flush()
    await record(session, actor, "account.create", "account", account.id, name=name, channel=channel.value)
    return account


async def set_account_active(
    session: AsyncSession, actor: Actor, account_id: UUID, version: int, active: bool, reason: str
) -> ServiceAccount:
    """Switch a program on or off; off: none of its tokens opens anything, from the next call on."""
    actor.require(Permission.USER_ADMIN)
    account = await _account(session, account_id)
    require_seen(account, version)
    account.active, account.version = active, account.version + 1
    action = "account.activate" if active else "account.deactivate"
    await record(session, actor, action, "account", account.id, reason=reason)
    return account


async def issue_token(
    session: AsyncSession,
    actor: Actor,
    account_id: UUID,
    *,
    scopes: Collection[Permission],
    days: int,
    networks: Sequence[str] = (),
) -> tuple[AccessToken, str]:
    """A new token -> its row, and the token itself, which nobody can read again."""
    actor.require(Permission.USER_ADMIN)
    account = await _account(session, account_id)
    if not account.active:
        raise Conflict("account-off", "该程序已停用，不能生成令牌。")
    if not scopes or not set(scopes) <= Channel(account.channel).scopes:
        sentence = "请从该渠道可用的权限中选择至少一项。"
        raise Invalid("bad-scopes", sentence, fields={"scopes": sentence})
    if not 1 <= days <= MAX_DAYS:
        sentence = f"有效期为 1 至 {MAX_DAYS} 天。"
        raise Invalid("bad-days", sentence, fields={"days": sentence})
    made = tokens.make()
    token = AccessToken(
        account_id=account.id,
        prefix=made.prefix,
        digest=tokens.digest(made.text),
        scopes=sorted(scopes),
        networks=tokens.networks(networks),
        created_by=actor.user_id,
        expires_at=clock.now() + timedelta(days=days),
    )
    session.add(token)
    await session.flush()
    await record(
        session,
        actor,
        "token.create",
        "account",
        account.id,
        token=token.prefix,
        scopes=token.scopes,
        networks=token.networks,
        days=days,
    )
    return token, made.text


async def revoke_token(session: AsyncSession, actor: Actor, token_id: UUID, reason: str) -> AccessToken:
    """End a token at once; one that is revoked stays so."""
    actor.require(Permission.USER_ADMIN)
    token = await session.get(AccessToken, token_id, with_for_update=True, populate_existing=True)
    if token is None:
        raise NotFound("no-such-token", "没有这个令牌。")
    if token.revoked_at is not None:
        raise Conflict("token-over", "该令牌已经撤销。")
    token.revoked_at = clock.now()
    await record(session, actor, "token.revoke", "account", token.account_id, reason=reason, token=token.prefix)
    return token


async def _account(session: AsyncSession, account_id: UUID) -> ServiceAccount:
    account = await session.get(ServiceAccount, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        raise NotFound("no-such-account", "没有这个程序。")
    return account
