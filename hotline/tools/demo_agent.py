"""`hotline agent`: an agent of the demo county whose telephone answers by itself."""

import asyncio
import signal
import tempfile
from pathlib import Path

from sqlalchemy import func, select

from callflow.agents import service
from callflow.agents.models import Agent
from callflow.speak import speak
from core.actor import Actor
from core.errors import NotFound
from core.identity.models import User
from hotline.runtime import Runtime
from hotline.softphone import On, Softphone

GREETING = "您好，弋阳一二三四五热线，请讲。"


async def work(runtime: Runtime, login: str, greeting: str) -> None:
    """Register, log in, answer until interrupted, log out. Raises NotFound("no-agent")."""
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    actor, desk = await find(runtime, login)
    line = runtime.settings.line
    try:
        with tempfile.TemporaryDirectory(prefix="hotline-agent-") as folder:
            phone = Softphone(
                Path(folder) / "phone",
                server=f"{line.bind}:{line.sip_port}",
                user=desk.extension,
                password=desk.sip_secret,
                auto_answer=True,
                greeting=await asyncio.to_thread(speak, greeting, Path(folder)),
            )
            async with phone:
                await _log_in(runtime, actor)
                print(f"话务员 {desk.name}（分机 {desk.extension}）已签入，按 Ctrl-C 签出。", flush=True)
                told = asyncio.create_task(_tell(phone))
                try:
                    await ending.wait()
                finally:
                    told.cancel()
                    await _log_out(runtime, actor)
    finally:
        await runtime.db.close()
    print("已签出。")


async def find(runtime: Runtime, login: str) -> tuple[Actor, Agent]:
    """The user of this login as an actor, and that user's telephone."""
    async with runtime.db.session() as session:
        user = await session.scalar(select(User).where(func.lower(User.login) == login.lower(), User.active))
        desk = await session.get(Agent, user.id) if user else None
    if user is None or desk is None:
        raise NotFound("no-agent", f"没有话务员 {login}，请先运行 make setup 建立演示数据。")
    return Actor(user.id, user.name, user.role_set, user.unit_id), desk


async def _log_in(runtime: Runtime, actor: Actor) -> None:
    assert actor.user_id is not None
    async with runtime.db.session() as session:
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
