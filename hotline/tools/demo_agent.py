"""`hotline agent`: an agent of the demo county whose telephone answers by itself."""

import asyncio
import signal
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from callflow.agents import service
from callflow.agents.models import Agent, Presence
from callflow.speak import speak
from core.actor import Actor
from core.errors import NotFound, Unavailable
from core.identity.models import User
from hotline.runtime import Runtime
from hotline.softphone import On, Softphone

PATIENCE_S, LOOK_EVERY_S = 30.0, 0.5


async def work(runtime: Runtime, login: str, greeting: str) -> None:
    """Register, log in, answer until interrupted, log out. Raises NotFound("no-agent"), Unavailable."""
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    actor, desk = await find(runtime, login)
    try:
        with tempfile.TemporaryDirectory(prefix="hotline-agent-") as folder:
            phone = await _registered(
                runtime, desk, Path(folder), await asyncio.to_thread(speak, greeting, Path(folder))
            )
            try:
                await _log_in(runtime, actor)
                await _ready(runtime, desk.extension)
                print(f"话务员 {desk.name}（分机 {desk.extension}）已签入，按 Ctrl-C 签出。", flush=True)
                told = asyncio.create_task(_tell(phone))
                try:
                    await ending.wait()
                finally:
                    told.cancel()
                    await _log_out(runtime, actor)
            finally:
                await phone.stop()
    finally:
        await runtime.db.close()
    print("已签出。")


async def _registered(runtime: Runtime, desk: Agent, folder: Path, greeting: Path) -> Softphone:
    """The desk's telephone, once the line takes it: a service that has just started may not know it yet."""
    line, until = runtime.settings.line, time.monotonic() + PATIENCE_S
    while True:
        phone = Softphone(
            folder / "phone", server=f"{line.bind}:{line.sip_port}", user=desk.extension, password=desk.sip_secret,
            auto_answer=True, greeting=greeting,
        )  # fmt: skip
        try:
            await phone.start()
            return phone
        except Unavailable as error:
            if error.id != "phone-refused" or time.monotonic() > until:
                raise
        await asyncio.sleep(LOOK_EVERY_S)


async def _ready(runtime: Runtime, extension: str) -> None:
    """Wait until the line would ring this agent. Raises Unavailable("agent-not-ready")."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        async with runtime.db.session() as session:
            seen = await session.scalar(select(Presence).where(Presence.extension == extension))
        if seen and seen.device == "idle" and not seen.paused:
            return
        await asyncio.sleep(LOOK_EVERY_S)
    raise Unavailable("agent-not-ready", f"分机 {extension} 已签入，但线路没有把它加入队列，请查看 hotline doctor。")


async def find(runtime: Runtime, login: str) -> tuple[Actor, Agent]:
    """The user of this login as an actor, and that user's telephone."""
    async with runtime.db.session() as session:
        user = await session.scalar(select(User).where(func.lower(User.login) == login.lower(), User.active))
        desk = await session.get(Agent, user.id) if user else None
    if user is None or desk is None:
        raise NotFound("no-agent", f"没有话务员 {login}，请先运行 make setup 建立演示数据。")
    return Actor(user.id, user.name, user.role_set, user.unit_id), desk


async def _log_in(runtime: Runtime, actor: Actor) -> None:
    """Enter the queue; an agent whose former terminal was closed stands in it still."""
    assert actor.user_id is not None
    async with runtime.db.session() as session:
        desk = await session.get(Agent, actor.user_id)
        if desk is not None and desk.logged_in_at is not None:
            await service.log_out(session, actor, actor.user_id)
        await service.log_in(session, actor, actor.user_id)


async def _log_out(runtime: Runtime, actor: Actor) -> None:
    assert actor.user_id is not None
    async with runtime.db.session() as session:
        await service.log_out(session, actor, actor.user_id)


async def _tell(phone: Softphone) -> None:
    words = {On.INCOMING: "来电", On.ESTABLISHED: "接通", On.CLOSED: "挂断"}
    async for event in phone.events():
        if event.kind in words:
            print(words[On(event.kind)], flush=True)
