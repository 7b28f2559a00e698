"""What a handler is given: who asks, one database session, and the ways to answer."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.service import Program
from core.actor import Actor
from core.identity.service import Identified
from web import frame, problems
from web.doors import LIVE_HEADER, NotSignedIn, csrf_token
from web.live import HUB
from web.parts import PARTS, Parts
from web.render import RENDERER

NOTE_COOKIE = "__Host-hotline-note"
PAGE = "main#page"


@dataclass
class Context:
    """One request. `session` exists unless the route streams."""

    request: web.Request
    who: Identified | None
    database_session: AsyncSession | None
    program: Program | None = None
    _cookies: dict[str, str | None] = field(default_factory=dict)
    live_at: str = field(init=False)
    """The last hint before this page looked at anything: what comes after it, the page may not show."""

    def __post_init__(self) -> None:
        self.live_at = self.request.app[HUB].last

    @property
    def parts(self) -> Parts:
        """What the process gave to the web role."""
        return self.request.app[PARTS]

    @property
    def session(self) -> AsyncSession:
        """This command's session; commits when the handler returns."""
        if self.database_session is None:
            raise RuntimeError("a streaming route opens its own sessions")
        return self.database_session

    @property
    def signed_in(self) -> Identified:
        """The person. Raises `NotSignedIn`."""
        if self.who is None:
            raise NotSignedIn
        return self.who

    @property
    def actor(self) -> Actor:
        """The person, or the program, as an actor."""
        return self.program.actor if self.program else self.signed_in.actor

    @property
    def called_by(self) -> Program:
        """The program that calls the API. Raises `NotSignedIn`."""
        if self.program is None:
            raise NotSignedIn
        return self.program

    @property
    def swapped(self) -> bool:
        """Whether htmx fetches this into the present shell."""
        return "HX-Request" in self.request.headers

    @property
    def by_itself(self) -> bool:
        """Whether the page asks for a part of itself again, which nobody has asked it for."""
        return LIVE_HEADER in self.request.headers

    async def page(
        self, template: str, *, place: str = "", status: int = 200, at: str = "", **values: Any
    ) -> web.Response:
        """A page of the frame: only `<main>` when htmx swaps it in, else with the whole shell.

        `at`: the address that shows this page again, where an act answers with a page of its own.
        """
        shell: dict[str, Any] = {}
        if not self.swapped:
            shell = {"frame": await frame.show(self), "nonce": problems.nonce(self.request), "live_at": self.live_at}
        note = "" if self.by_itself else unquote(self.request.cookies.get(NOTE_COOKIE, ""))[:200]
        text = self.render(
            template, layout="part.html" if self.swapped else "shell.html", place=place, note=note, **shell, **values
        )
        response = web.Response(text=text, content_type="text/html", status=status)
        if at and self.swapped:
            response.headers["HX-Push-Url"] = at
        if note:
            response.del_cookie(NOTE_COOKIE, path="/", secure=True)
        return response

    def bare(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page without the frame, or a part of one."""
        return web.Response(text=self.render(template, **values), content_type="text/html", status=status)

    def public(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page for anybody: without frame, cookie or script."""
        text = self.request.app[RENDERER].render(template, **values)
        return web.Response(text=text, content_type="text/html", status=status)

    def render(self, template: str, **values: Any) -> str:
        """The template's text, with what every template may use."""
        return self.request.app[RENDERER].render(
            template, who=self.who, csrf=csrf_token(self.request, self.who), path=self.request.path, **values
        )

    def redirect(self, url: str, note: str = "") -> web.Response:
        """After an act: to the page that shows its effect, with one sentence about it."""
        response = web.Response(status=303, headers={"Location": url})
        if note:
            response.set_cookie(
                NOTE_COOKIE, quote(note), max_age=60, path="/", secure=True, httponly=True, samesite="Strict"
            )
        return response

    def leave(self, url: str) -> web.Response:
        """To another shell (sign-in, sign-out): a full navigation also from htmx."""
        if self.swapped:
            return web.Response(status=204, headers={"HX-Redirect": url})
        return web.Response(status=303, headers={"Location": url})

    def data(self, value: Any, status: int = 200) -> web.Response:
        """JSON."""
        return web.Response(
            text=json.dumps(value, ensure_ascii=False, default=str), content_type="application/json", status=status
        )
