"""Signing in: passwords, second factor, lock-out, idleness, revocation."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from core import clock
from core.actor import SYSTEM, Actor
from core.db import Database
from core.errors import Denied, Invalid, NotFound
from core.identity import service
from core.identity.models import User, WebSession
from core.permissions import Role

PASSWORD = "Correct-Horse-9"


async def make(db: Database, login: str, *roles: Role) -> User:
    async with db.session() as session:
        user, _ = await service.create_user(
            session, SYSTEM, login=login, name="测试", roles=frozenset(roles), password=PASSWORD
        )
        return user


async def enter(db: Database, login: str, password: str = PASSWORD) -> service.SignedIn:
    return await service.sign_in(db, login, password, address="127.0.0.1", agent="test")


async def always_busy(session: object, user_id: object) -> bool:
    return True


async def who(db: Database, signed: service.SignedIn, **options: Any) -> service.Identified | None:
    async with db.session() as session:
        return await service.identify(session, signed.token, **options)


async def test_a_password_opens_a_session_and_the_token_is_not_stored(db: Database) -> None:
    await make(db, "wang", Role.AGENT)
    signed = await enter(db, "WANG")
    found = await who(db, signed)
    assert found is not None and found.complete and found.actor.roles == {Role.AGENT}
    async with db.session() as session:
        row = (await session.scalars(select(WebSession))).one()
        assert signed.token not in row.token_digest


async def test_signing_in_ends_the_session_that_the_browser_carried(db: Database) -> None:
    await make(db, "wang", Role.AGENT)
    planted = await enter(db, "wang")
    signed = await service.sign_in(db, "wang", PASSWORD, address="127.0.0.1", agent="test", before=planted.token)
    assert signed.token != planted.token
    assert await who(db, planted) is None
    assert await who(db, signed) is not None


async def test_five_failures_lock_the_account_even_for_the_right_password(db: Database) -> None:
    await make(db, "wang", Role.AGENT)
    for _ in range(service.FAILURES_BEFORE_LOCK):
        with pytest.raises(Denied, match="bad-credentials"):
            await enter(db, "wang", "wrong")
    with pytest.raises(Denied, match="locked"):
        await enter(db, "wang")
    with clock.frozen(clock.now() + service.LOCKED_FOR + timedelta(seconds=1)):
        await enter(db, "wang")


async def test_an_unknown_login_is_refused_in_the_same_words(db: Database) -> None:
    with pytest.raises(Denied, match="bad-credentials"):
        await enter(db, "nobody")


async def test_a_privileged_role_needs_its_second_factor_once_each(db: Database) -> None:
    await make(db, "chen", Role.ARCHIVIST)
    signed = await enter(db, "chen")
    assert signed.needs_second_factor and signed.needs_enrolment
    found = await who(db, signed)
    assert found is not None and not found.complete
    async with db.session() as session:
        uri = await service.begin_enrolment(session, found, "信江12345")
    assert pyotp.parse_uri(uri).issuer == "信江12345", "the telephone's list of codes names this hotline"
    code = pyotp.parse_uri(uri).now()  # type: ignore[attr-defined]
    async with db.session() as session:
        assert not await service.give_second_factor(session, found, "000000" if code != "000000" else "111111")
    async with db.session() as session:
        token = await service.give_second_factor(session, found, code)
    assert token is not None and token != signed.token
    assert await who(db, signed) is None, "the token from before the second factor must open nothing"
    async with db.session() as session:
        again = await service.identify(session, token)
    assert again is not None and again.complete
    assert again.session.csrf != found.session.csrf
    other = await who(db, await enter(db, "chen"))
    assert other is not None and not other.complete
    async with db.session() as session:
        assert not await service.give_second_factor(session, other, code)


async def test_an_idle_session_ends_but_never_during_a_call(db: Database) -> None:
    await make(db, "wang", Role.AGENT)
    signed = await enter(db, "wang")
    with clock.frozen(clock.now() + service.IDLE_LIMIT + timedelta(minutes=1)):
        assert await who(db, signed, busy=always_busy) is not None
    with clock.frozen(clock.now() + 3 * service.IDLE_LIMIT):
        assert await who(db, signed) is None
    assert await who(db, signed) is None


async def test_switching_a_user_off_ends_the_sessions(db: Database) -> None:
    user = await make(db, "wang", Role.AGENT)
    signed = await enter(db, "wang")
    async with db.session() as session:
        await service.set_active(session, SYSTEM, user.id, False)
    assert await who(db, signed) is None


async def test_nobody_revokes_another_persons_session(db: Database) -> None:
    await make(db, "wang", Role.AGENT)
    signed = await enter(db, "wang")
    stranger = await make(db, "li", Role.AGENT)
    async with db.session() as session:
        with pytest.raises(NotFound):
            await service.revoke(session, service.actor_of(stranger), signed.session_id)
    assert await who(db, signed) is not None


async def test_a_new_password_ends_the_other_sessions(db: Database) -> None:
    await make(db, "wang", Role.AGENT)
    first, second = await enter(db, "wang"), await enter(db, "wang")
    found = await who(db, first)
    assert found is not None
    with pytest.raises(Invalid, match="weak-password"):
        await service.change_password(db, found, PASSWORD, "wang-1234567-A")
    await service.change_password(db, found, PASSWORD, "Another-Horse-8")
    assert await who(db, first) is not None
    assert await who(db, second) is None


async def test_no_administrator_is_made_with_a_second_role(db: Database) -> None:
    async with db.session() as session:
        with pytest.raises(Invalid, match="administrators-apart"):
            both = frozenset({Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
            await service.create_user(session, SYSTEM, login="x", name="x", roles=both)
    async with db.session() as session:
        assert await session.scalar(select(User.id).where(User.login == "x")) is None


async def test_only_a_user_administrator_makes_users(db: Database) -> None:
    async with db.session() as session:
        with pytest.raises(Denied, match="not-permitted"):
            await service.create_user(
                session, Actor(None, "无权者"), login="x", name="x", roles=frozenset({Role.AGENT})
            )
