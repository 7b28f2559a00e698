"""Signing in and out: password, second factor, lock-out, sessions and their revocation."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
from sqlalchemy import ColumnElement, Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import Actor
from core.db import Database, among
from core.errors import Denied, Invalid, NotFound
from core.identity import passwords
from core.identity.models import User, WebSession
from core.identity.profiles import require_another_clerk, review
from core.identity.roles import require_fitting
from core.identity.stand_ins import leads_now
from core.ledger import record
from core.live import hint
from core.permissions import PRIVILEGED, Permission, Role

FAILURES_BEFORE_LOCK = 5
LOCKED_FOR = timedelta(minutes=15)
IDLE_LIMIT = timedelta(minutes=30)
SESSION_LIMIT = timedelta(hours=12)
SEEN_EVERY = timedelta(seconds=30)
SESSIONS = "sessions"
"""Hint: sessions of the user with this id ended; open streams look again. It never leaves the server."""

Busy = Callable[[AsyncSession, UUID], Awaitable[bool]]
"""Whether this user is in the middle of what must not be cut off, such as a call."""


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: the cookie's token (known to nobody else) and what must still be done."""

    token: str
    session_id: UUID
    needs_second_factor: bool
    needs_enrolment: bool
    must_change_password: bool


@dataclass(frozen=True)
class Identified:
    """Whose request this is."""

    actor: Actor
    user: User
    session: WebSession

    @property
    def complete(self) -> bool:
        """Whether every factor was given, so that more than signing in is allowed."""
        return self.session.second_factor and not self.user.must_change_password


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def actor_of(user: User, *, leads: bool = False, address: str = "") -> Actor:
    """The user as an actor at `address`; `leads`: who acts for the unit's leader meanwhile (B角)."""
    roles = user.role_set | {Role.UNIT_LEADER} if leads else user.role_set
    return Actor(user.id, user.name, roles, user.unit_id, address=address)


def _is_privileged(user: User) -> bool:
    return bool(user.role_set & PRIVILEGED)


async def sign_in(db: Database, login: str, password: str, *, address: str, agent: str, before: str = "") -> SignedIn:
    """Password step -> a session. Raises `Denied("bad-credentials")` or `Denied("locked")`.

    Failures are counted in a transaction of their own, so that the refusal does not undo the count. `before`: the
    token that this browser carried, whoever put it there; its session ends (no session fixation).
    """
    async with db.session() as session:
        user = await session.scalar(select(User).where(func.lower(User.login) == login.strip().lower()))
        stored = user.password_hash if user and user.active else None
        locked = bool(user and user.locked_until and user.locked_until > clock.now())
    if locked:
        raise Denied("locked", "登录失败次数过多，账号已暂时锁定，请 15 分钟后再试或联系安全管理员。")
    good = await passwords.verify(stored, password)
    async with db.session() as session:
        if user:
            user = (await session.execute(select(User).where(User.id == user.id).with_for_update())).scalar_one()
        if user is None or not good:
            await _count_failure(session, user, login, address)
        else:
            user.failures, user.locked_until = 0, None
            await session.execute(_revoking(WebSession.token_digest == _digest(before)))
            token, row = _fresh(
                user_id=user.id,
                second_factor=not _is_privileged(user),
                address=address,
                agent=agent[:200],
            )
            session.add(row)
            await session.flush()
            await record(session, actor_of(user, address=address), "session.sign-in", "user", user.id)
            return SignedIn(token, row.id, not row.second_factor, not user.totp_enrolled, user.must_change_password)
    raise Denied("bad-credentials", "登录名或密码不正确。")


async def _count_failure(session: AsyncSession, user: User | None, login: str, address: str) -> None:
    if user is None:
        return
    user.failures += 1
    if user.failures >= FAILURES_BEFORE_LOCK:
        user.locked_until, user.failures = clock.now() + LOCKED_FOR, 0
    await record(session, actor_of(user, address=address), "session.refused", "user", user.id)


async def identify(
    session: AsyncSession, token: str, *, address: str = "", busy: Busy | None = None, touch: bool = True
) -> Identified | None:
    """Whose cookie this is, or None when unknown, revoked, or idle too long (never while the user is `busy`; who was is
    idle from then on).

    `address`: where the request came from. `touch=False`: a request that no person made, which keeps no session alive.
    """
    found = (
        await session.execute(
            select(WebSession, User, leads_now())
            .join(User, User.id == WebSession.user_id)
            .where(WebSession.token_digest == _digest(token), WebSession.revoked_at.is_(None), User.active)
        )
    ).first()
    if found is None:
        return None
    row, user, leads = found
    at = clock.now()
    if too_old(row, at):
        if not (busy and await busy(session, user.id)):
            row.revoked_at = at
            return None
        row.seen_at = at
    if touch and at - row.seen_at > SEEN_EVERY:
        row.seen_at = at
    return Identified(actor_of(user, leads=leads, address=address), user, row)


async def living(session: AsyncSession, ids: Collection[UUID], *, busy: Busy) -> set[UUID]:
    """Which of these sessions are complete and have not ended; idle ones end now, unless their people are `busy`. To
    ask is no sign of life of any of them."""
    found = await session.scalars(
        select(WebSession)
        .join(User, User.id == WebSession.user_id)
        .where(
            among(WebSession.id, ids), WebSession.revoked_at.is_(None), WebSession.second_factor,
            User.active, User.must_change_password.is_(False),
        )
    )  # fmt: skip
    at, alive = clock.now(), set[UUID]()
    for row in found.all():
        if too_old(row, at):
            if not await busy(session, row.user_id):
                row.revoked_at = at
                continue
            row.seen_at = at
        alive.add(row.id)
    return alive


def too_old(row: WebSession, at: datetime) -> bool:
    """Whether a session's time is over, unless its person is busy."""
    return at - row.seen_at > IDLE_LIMIT or at - row.created_at > SESSION_LIMIT


async def begin_enrolment(session: AsyncSession, who: Identified, issuer: str) -> str:
    """A new TOTP secret for a user without one -> its `otpauth://` address (RFC 6238); `issuer` names the hotline."""
    if who.user.totp_enrolled:
        raise Denied("already-enrolled", "该账号已绑定动态口令；如需更换，请联系安全管理员。")
    user = await session.get_one(User, who.user.id, with_for_update=True)
    if not user.totp_secret:
        user.totp_secret = pyotp.random_base32()
    return pyotp.TOTP(user.totp_secret).provisioning_uri(name=user.login, issuer_name=issuer)


async def give_second_factor(session: AsyncSession, who: Identified, code: str) -> str | None:
    """Check a six-digit code, once each -> the token of the complete session, None when the code is wrong.

    The half-open session ends and a fresh one begins, so that a token seen before the second factor opens nothing
    after it (OWASP ASVS 3.2.1). The first right code completes the enrolment; wrong ones count as failed sign-ins
    and lock the account alike; the caller commits either way.
    """
    user = await session.get_one(User, who.user.id, with_for_update=True)
    if user.locked_until and user.locked_until > clock.now():
        raise Denied("locked", "登录失败次数过多，账号已暂时锁定，请 15 分钟后再试或联系安全管理员。")
    step = _matching_step(user, code)
    if step is None:
        await _count_failure(session, user, user.login, who.session.address)
        return None
    user.totp_last_step, user.totp_enrolled, user.failures = step, True, 0
    half = who.session
    await session.execute(_revoking(WebSession.id == half.id))
    token, row = _fresh(user_id=user.id, second_factor=True, address=half.address, agent=half.agent)
    session.add(row)
    await record(session, who.actor, "session.second-factor", "user", user.id)
    return token


def _fresh(*, user_id: UUID, second_factor: bool, address: str, agent: str) -> tuple[str, WebSession]:
    """A token that nobody has seen and the session that it opens."""
    token = secrets.token_urlsafe(32)
    row = WebSession(
        user_id=user_id,
        token_digest=_digest(token),
        csrf=secrets.token_urlsafe(24),
        second_factor=second_factor,
        address=address,
        agent=agent,
    )
    return token, row


def _revoking(which: ColumnElement[bool]) -> Update:
    """The statement that ends these sessions, of those that are open."""
    return update(WebSession).where(which, WebSession.revoked_at.is_(None)).values(revoked_at=clock.now())


def _matching_step(user: User, code: str) -> int | None:
    """The time step whose code this is: the present one or a neighbour, and newer than the last used."""
    if not user.totp_secret or not code.isascii() or not code.isdigit():
        return None
    totp = pyotp.TOTP(user.totp_secret)
    present = int(clock.now().timestamp()) // totp.interval
    for step in (present, present - 1, present + 1):
        expected = totp.generate_otp(step)
        if secrets.compare_digest(expected, code) and step > (user.totp_last_step or 0):
            return step
    return None


async def sign_out(session: AsyncSession, who: Identified) -> None:
    """End this session."""
    await session.execute(_revoking(WebSession.id == who.session.id))
    hint(session, SESSIONS, who.user.id)
    await record(session, who.actor, "session.sign-out", "user", who.user.id)


async def revoke(session: AsyncSession, actor: Actor, session_id: UUID) -> None:
    """End a session of one's own, or anybody's as user administrator."""
    row = await session.get(WebSession, session_id)
    if row is None or (row.user_id != actor.user_id and not actor.may(Permission.USER_ADMIN)):
        raise NotFound("no-such-session", "没有这个登录，可能已经退出。")
    row.revoked_at = row.revoked_at or clock.now()
    hint(session, SESSIONS, row.user_id)
    await record(session, actor, "session.revoke", "user", row.user_id)


async def change_password(db: Database, who: Identified, present: str, new: str) -> None:
    """Change one's own password; every other session of the user ends."""
    if not await passwords.verify(who.user.password_hash, present):
        raise Invalid("bad-credentials", "原密码不正确。", fields={"present": "原密码不正确"})
    passwords.require_good(new, who.user.login)
    hashed = await passwords.hash_password(new)
    async with db.session() as session:
        user = await session.get_one(User, who.user.id, with_for_update=True)
        user.password_hash, user.must_change_password = hashed, False
        await revoke_all(session, user.id, but=who.session.id)
        await record(session, who.actor, "user.password", "user", user.id)


async def revoke_all(session: AsyncSession, user_id: UUID, *, but: UUID | None = None) -> None:
    """End every session of a user, besides `but`. For commands that were already allowed and go on record."""
    wanted = _revoking(WebSession.user_id == user_id)
    await session.execute(wanted if but is None else wanted.where(WebSession.id != but))
    hint(session, SESSIONS, user_id)


async def create_user(
    session: AsyncSession,
    actor: Actor,
    *,
    login: str,
    name: str,
    roles: frozenset[Role],
    unit_id: UUID | None = None,
    password: str | None = None,
    hashed: str | None = None,
) -> tuple[User, str]:
    """A new user -> the user and the first password, which must be changed at the first sign-in unless it was given.

    `hashed`: the hash of `password`, by who makes many users with one.
    """
    actor.require(Permission.USER_ADMIN)
    require_fitting(roles, unit_id)
    if await session.scalar(select(User.id).where(func.lower(User.login) == login.lower())):
        raise Invalid("login-taken", "该登录名已被使用。", fields={"login": "该登录名已被使用"})
    first = password or passwords.generate()
    user = User(
        login=login,
        name=name,
        roles=sorted(roles),
        unit_id=unit_id,
        password_hash=hashed or await passwords.hash_password(first),
        must_change_password=password is None,
    )
    session.add(user)
    await session.flush()
    if unit_id is not None:
        await review(session, unit_id)
    await record(session, actor, "user.create", "user", user.id, roles=sorted(roles))
    return user, first


async def set_active(
    session: AsyncSession, actor: Actor, user_id: UUID, active: bool, reason: str | None = None
) -> None:
    """Switch a user on or off; switching off ends all sessions at once."""
    actor.require(Permission.USER_ADMIN)
    if user_id == actor.user_id:
        raise Invalid("not-oneself", "不能停用自己的账号。")
    user = await session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("no-such-user", "没有这个用户。")
    if not active:
        await require_another_clerk(session, user)
    user.active, user.version = active, user.version + 1
    if not active:
        await revoke_all(session, user_id)
    if user.unit_id is not None:
        await review(session, user.unit_id)
    await record(session, actor, "user.activate" if active else "user.deactivate", "user", user_id, reason=reason)


async def reset_password(session: AsyncSession, actor: Actor, user_id: UUID, reason: str | None = None) -> str:
    """A new first password; lock and sessions of the user are gone, the second factor stays."""
    actor.require(Permission.USER_ADMIN)
    user = await session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("no-such-user", "没有这个用户。")
    first = passwords.generate()
    user.password_hash, user.must_change_password = await passwords.hash_password(first), True
    user.failures, user.locked_until = 0, None
    await revoke_all(session, user_id)
    await record(session, actor, "user.reset", "user", user_id, reason=reason)
    return first
