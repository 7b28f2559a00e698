"""What machines read: built assets, health by part, metrics."""

from aiohttp import web
from pydantic import Field

from core import board
from web import metrics
from web.bundle import BUILT
from web.context import Context
from web.doors import address, is_loopback
from web.route import Asks, Door, Nothing, Route

TYPES = {".js": "text/javascript", ".css": "text/css", ".map": "application/json", ".txt": "text/plain"}


class Asset(Asks):
    """A file of the build by its hashed name."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")


async def asset(ctx: Context, asked: Asset) -> web.StreamResponse:
    """A built file, compressed where the browser reads that; its name carries its content's hash, so it never changes.

    Pages are not compressed: beside what a stranger may put into them, their length would tell their tokens (BREACH).
    """
    path = BUILT / asked.name
    if path.suffix not in TYPES or ".." in asked.name or not path.is_file():
        raise web.HTTPNotFound
    headers = {
        "Content-Type": f"{TYPES[path.suffix]}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
    }
    return web.FileResponse(path, headers=headers)


async def health(ctx: Context, asked: Nothing) -> web.Response:
    """200 when every part is well, else 503; from elsewhere only the sum, on this machine each part."""
    parts = await board.read(ctx.session, ctx.parts.expected)
    well = all(part.ok for part in parts)
    body: dict[str, object] = {"ok": well}
    if is_loopback(address(ctx.request)):
        body["parts"] = [{"part": part.part, "ok": part.ok, "detail": part.detail, "mend": part.mend} for part in parts]
    return ctx.data(body, 200 if well else 503)


async def show_metrics(ctx: Context, asked: Nothing) -> web.Response:
    """Samples of all processes of this instance on this machine."""
    return web.Response(body=metrics.collect(ctx.parts.home), headers={"Content-Type": metrics.CONTENT_TYPE})


ROUTES = (
    Route("GET", "/static/build/{name}", Door.OPEN, Asset, asset, "页面资源", stream=True),
    Route("GET", "/health", Door.OPEN, Nothing, health, "各部分状态"),
    Route("GET", "/metrics", Door.MACHINE, Nothing, show_metrics, "监控指标", ("machines-only",), stream=True),
)
