"""What a security administrator does about users besides making them: edit, second factor, sessions."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core import phone as numbers
from core.actor import Actor
from core.edits import apply, readable, require_seen
from core.errors import Invalid, NotFound
from core.identity.models import Unit, User
from core.identity.profiles import require_another_clerk, review
from core.identity.roles import require_fitting
from core.identity.service import revoke_all
from core.ledger import record
from core.permissions import Permission, Role


async def edit_user(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    version: int,
    *,
    name: str,
    roles: frozenset[Role],
    unit_id: UUID | None,
    phone: str | None = None,
) -> User:
    """Change name, roles, unit and mobile. Other roles end the user's sessions: the next sign-in is theirs."""
    user = await _locked(session, actor, user_id)
    require_seen(user, version)
    await require_consistent(session, roles, unit_id, kept=user.unit_id)
    if Role.UNIT_CLERK not in roles or unit_id != user.unit_id:
        await require_another_clerk(session, user)
    before = user.unit_id
    if user_id == actor.user_id and Role.SECURITY_ADMIN not in roles:
        sentence = "不能取消自己的安全管理员岗位。"
        raise Invalid("not-oneself", sentence, fields={"roles": sentence})
    changed = apply(user, {"name": name, "roles": sorted(roles), "unit_id": unit_id, "phone": phone})
    if "roles" in changed or "unit_id" in changed:
        await revoke_all(session, user_id)
    if "unit_id" in changed:
        changed["unit_id"] = [await _unit_name(session, one) for one in changed["unit_id"]]
    if "phone" in changed:
        changed["phone"] = [numbers.mask(one) if one else None for one in changed["phone"]]
    for unit in sorted({one for one in (before, unit_id) if one}):
        await review(session, unit)
    if changed:
        await record(session, actor, "user.edit", "user", user_id, changes=readable(changed))
    return user


async def require_consistent(
    session: AsyncSession, roles: frozenset[Role], unit_id: UUID | None, *, kept: UUID | None = None
) -> None:
    """Raise `Invalid` unless roles and unit fit and the unit is in use; `kept`: where the user is."""
    require_fitting(roles, unit_id)
    if unit_id is not None:
        unit = await session.get(Unit, unit_id)
        if unit is None or not (unit.active or unit_id == kept):
            raise Invalid("no-such-unit", "没有这个单位，或已停用。", fields={"unit_id": "请选择在用的单位。"})


async def reset_second_factor(session: AsyncSession, actor: Actor, user_id: UUID, reason: str) -> User:
    """The telephone with the codes is lost: the binding is undone, every session ends, the next sign-in binds anew."""
    user = await _locked(session, actor, user_id)
    user.totp_secret, user.totp_enrolled, user.totp_last_step = None, False, None
    await revoke_all(session, user_id)
    await record(session, actor, "user.reset-second-factor", "user", user_id, reason=reason)
    return user


async def unlock(session: AsyncSession, actor: Actor, user_id: UUID, reason: str) -> User:
    """End a lock-out before its time."""
    user = await _locked(session, actor, user_id)
    user.failures, user.locked_until = 0, None
    await record(session, actor, "user.unlock", "user", user_id, reason=reason)
    return user


async def end_sessions(session: AsyncSession, actor: Actor, user_id: UUID, reason: str) -> User:
    """Sign a user out everywhere at once."""
    user = await _locked(session, actor, user_id)
    await revoke_all(session, user_id)
    await record(session, actor, "user.end-sessions", "user", user_id, reason=reason)
    return user


async def _unit_name(session: AsyncSession, unit_id: UUID | None) -> str | None:
    unit = await session.get(Unit, unit_id) if unit_id else None
    return unit.name if unit else None


async def _locked(session: AsyncSession, actor: Actor, user_id: UUID) -> User:
    actor.require(Permission.USER_ADMIN)
    user = await session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound("no-such-user", "没有这个用户。")
    return user
