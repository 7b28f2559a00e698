"""A real Chromium at the real web role: TLS, a real database, no request to anywhere else."""

import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest
import trustme
from aiohttp import web_app
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from core.db import Database
from core.secrets import Secrets
from crm import installed
from crm.installed import Installation
from recordings.store.folder import FolderStore
from web import bundle
from web.parts import Parts
from web.service import WebService
from web.settings import WebSettings

CHROMIUM = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--lang=zh-CN",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-rasterization",
    "--ignore-certificate-errors",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    "--disable-domain-reliability",
    "--no-pings",
    "--disable-features=OptimizationHints,MediaRouter",
    "--proxy-server=direct://",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
SIZE = {"width": 1366, "height": 768}
PASSWORD = "Yiyang-12345-A"
PATIENCE_MS = 30_000
"""How long a condition may take to come true on a busy machine."""
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """The running web role and what browsers asked of it and of others."""

    url: str
    browser: Browser
    store: FolderStore
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def open(self) -> Page:
        """A fresh browser window with its own cookies."""
        context = await self.browser.new_context(viewport=SIZE, ignore_https_errors=True, locale="zh-CN")  # type: ignore[arg-type]
        page = await context.new_page()
        context.on("request", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message))
        return page

    async def enter(self, login: str, shows: str = "#rail") -> Page:
        """A window in which this person is signed in, and sees this."""
        page = await self.open()
        await page.goto(f"{self.url}/sign-in")
        await page.get_by_label("登录名").fill(login)
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await page.wait_for_selector(shows)
        return page

    async def enrol(self, login: str) -> Page:
        """The same for a privileged role: the second factor is bound on the way, as its owner would."""
        page = await self.open()
        await page.goto(f"{self.url}/sign-in")
        await page.get_by_label("登录名").fill(login)
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await page.get_by_text("不能扫描时").click()
        secret = await page.locator(".secret").inner_text()
        await page.get_by_label("六位动态口令").fill(pyotp.TOTP(secret).now())
        await page.get_by_role("button", name="绑定并完成登录").click()
        await page.wait_for_selector("#rail")
        return page

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(request.url)

    def _hear(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(f"{message.page.url if message.page else ''} {message.location} {message.text}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
async def site(db: Database, home: Path, installation: Installation) -> AsyncIterator[Site]:
    """The site; at the end nothing may have been asked of anybody else, and no policy violated."""
    installed.use(installation)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    (home / "tls").mkdir()
    certificate.cert_chain_pems[0].write_to_path(home / "tls" / "server.pem")
    certificate.private_key_pem.write_to_path(home / "tls" / "server.key")
    settings = WebSettings(port=free_port())
    store = FolderStore(home / "archive")
    service = WebService(Parts(db, settings, Secrets(home / "secrets"), bundle.load(), home, "弋阳12345", store))
    await service.start()
    async with async_playwright() as playwright:
        browser: Any = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        made = Site(f"https://127.0.0.1:{settings.port}", browser, store)
        try:
            yield made
        finally:
            await browser.close()
            await service.stop()
            web_app._cached_build_middleware.cache_clear()  # it holds every application that ever answered
    assert made.foreign == []
    assert made.complaints == []
