"""An agent at the desk's page in a real Chromium, with a microphone that says what it is given."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instance import Instance
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError
from ringing import until
from sqlalchemy import select

from callflow.agents import service as agents
from callflow.agents.models import Agent, AgentQueue
from callflow.queues import models as _queues  # noqa: F401 - the agents' places point there
from callflow.speak import speak
from core.actor import SYSTEM, Actor
from core.identity import passwords
from core.identity.models import User

CHROMIUM = "/usr/bin/chromium"
SAYS = "您好这里是政务服务热线请讲"
PASSWORD = "Yiyang-12345-A"
PICTURES = os.environ.get("HOTLINE_PICTURES")
FLAGS = [
    "--lang=zh-CN",
    "--no-sandbox",
    "--ignore-certificate-errors",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    "--disable-domain-reliability",
    "--no-pings",
    "--disable-features=OptimizationHints,MediaRouter,WebRtcHideLocalIpsWithMdns",
    "--proxy-server=direct://",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
]
WATCH = """
window.pcs = [];
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...a) { super(...a); window.pcs.push(this); }
};
window.heard = async () => {
  let energy = 0;
  for (const pc of window.pcs) for (const one of (await pc.getStats()).values())
    if (one.type === "inbound-rtp" && one.kind === "audio") energy = Math.max(energy, one.totalAudioEnergy || 0);
  return energy;
};
"""
"""Keeps the page's connections where a test can measure what arrived."""
ALERTS = "[...document.querySelectorAll('[role=alert]')].map((one) => one.textContent).filter(Boolean)"


@dataclass
class Desk:
    """One agent's window."""

    instance: Instance
    page: Page
    actor: Actor
    extension: str

    @property
    def phone(self) -> Any:
        return self.page.locator("#softphone")

    async def state(self, words: str) -> None:
        """Wait until the telephone says so."""
        await until(lambda: self.says(words), f"the telephone says {words}")

    async def says(self, words: str) -> bool:
        """Whether the telephone says so."""
        return words in await self.phone.locator(".phone-state").inner_text()

    async def picture(self, name: str) -> None:
        """A photograph, where somebody wants to look."""
        if PICTURES:
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png", caret="initial")

    async def tells(self, name: str) -> None:
        """What the page and the service say, for whoever reads why a test failed."""
        await self.picture(name)
        with suppress(PlaywrightError):
            print(self.page.url, await self.phone.inner_text(timeout=5_000), await self.page.evaluate(ALERTS))
        print(self.instance.last_words())

    async def heard(self) -> float:
        """Energy of what arrived at the agent's ear, in all calls of this page so far (W3C webrtc-stats)."""
        return float(await self.page.evaluate("heard()"))

    async def hears(self, more_than: float = 0.0) -> None:
        """Wait until sound arrives."""

        async def louder() -> bool:
            return await self.heard() > more_than + 0.001

        await until(louder, "sound at the agent's ear")

    async def takes_calls(self) -> None:
        """签入, and wait until Asterisk would ring the page."""
        async with self.instance.db.session() as session:
            agent = await session.get_one(Agent, self.actor.user_id)
            if agent.logged_in_at is None:
                await agents.log_in(session, self.actor, agent.user_id)
        self.instance.desks.append(self.actor)
        await self.instance.ready(self.extension)


async def give_page_phone(instance: Instance, login: str, *, in_page: bool = True) -> Actor:
    """This agent's telephone is the one in the page; the password is known."""
    hashed = await passwords.hash_password(PASSWORD)
    async with instance.db.session() as session:
        user = (await session.scalars(select(User).where(User.login == login))).one()
        user.password_hash, user.must_change_password = hashed, False
        agent = await session.get_one(Agent, user.id)
        places = await session.scalars(select(AgentQueue).where(AgentQueue.user_id == user.id))
        queues = {one.queue: one.penalty for one in places}
        await agents.enrol(session, SYSTEM, user.id, agent.extension, agent.name, queues, in_page=in_page)
        return Actor(user.id, user.name, user.role_set)


async def sign_in(page: Page, instance: Instance, login: str) -> None:
    """As the agent does it."""
    await page.goto(f"https://127.0.0.1:{instance.settings.web.port}/sign-in")
    await page.get_by_label("登录名").fill(login)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_selector("#rail")


@asynccontextmanager
async def browser(instance: Instance, says: str) -> AsyncIterator[Browser]:
    """A Chromium whose microphones say `says`, over and over."""
    clip: Path = speak(says, instance.home / "clips")
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={clip}"]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        try:
            yield chromium
        finally:
            await chromium.close()


async def window(chromium: Browser) -> Page:
    """A window of somebody's own, as of another machine."""
    context = await chromium.new_context(
        viewport={"width": 1366, "height": 768}, ignore_https_errors=True, locale="zh-CN"
    )
    await context.add_init_script(WATCH)
    context.set_default_timeout(30_000)
    page = await context.new_page()
    page.on("console", lambda message: print(message.text))
    page.on("pageerror", lambda error: print("page error", error))
    return page


@asynccontextmanager
async def desk(
    instance: Instance, login: str = "agent1", *, says: str = SAYS, inside: Browser | None = None
) -> AsyncIterator[Desk]:
    """An agent signed in at the page, with the telephone registered; in a Chromium of one's own, or in `inside`."""
    actor = await give_page_phone(instance, login)
    async with instance.db.session() as session:
        extension = (await session.get_one(Agent, actor.user_id)).extension
    async with nullcontext(inside) if inside else browser(instance, says) as chromium:
        page = await window(chromium)
        await sign_in(page, instance, login)
        made = Desk(instance, page, actor, extension)
        await made.state("话机就绪")
        try:
            yield made
        except BaseException:
            await made.tells(f"{login}-failed")
            raise
        finally:
            await give_page_phone(instance, login, in_page=False)
