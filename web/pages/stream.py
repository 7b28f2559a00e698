"""The stream of hints to one browser, and the parts of the frame that it makes the browser fetch again."""

from aiohttp import web

from core.permissions import Permission
from web import frame
from web.context import Context
from web.live import HEARTBEAT_S, HUB, TOPICS, Hub, Mailbox
from web.route import Asks, Nothing, Route


class After(Asks):
    """Where the browser's stream broke off."""

    after: str = ""


async def stream(ctx: Context, asked: After) -> web.StreamResponse:
    """Hints for as long as the browser listens and the session lives (WHATWG server-sent events)."""
    hub = ctx.request.app[HUB]
    topics = frozenset(topic for topic, needed in TOPICS.items() if any(map(ctx.actor.may, needed)))
    after = ctx.request.headers.get("Last-Event-ID", asked.after)[:40]
    who = ctx.signed_in
    box = hub.open(topics, after, str(who.user.id), who.session.id)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    try:
        await response.prepare(ctx.request)
        await response.write(f"retry: 2000\nid: {hub.last}\nevent: hello\ndata: \n\n".encode())
        await _forward(hub, box, response)
    except ConnectionResetError:
        return response
    finally:
        hub.close(box)
    return response


async def _forward(hub: Hub, box: Mailbox, response: web.StreamResponse) -> None:
    while not hub.closing.is_set():
        gap, hints = await box.take(HEARTBEAT_S)
        if box.ended:
            await response.write(b"event: end\ndata: \n\n")
            return
        lines = [f"id: {hub.id(gap)}\nevent: gap\ndata: \n\n"] if gap else []
        lines += [f"id: {hub.id(number)}\nevent: hint\ndata: {topic} {id}\n\n" for number, topic, id in hints]
        await response.write("".join(lines or [": still here\n\n"]).encode())


async def show_frame(ctx: Context, asked: Nothing) -> web.Response:
    """Rail and top bar as they are now."""
    return ctx.bare("frame.html", frame=await frame.show(ctx))


async def session_token(ctx: Context, asked: Nothing) -> web.Response:
    """The present session's CSRF token, for a page that outlived an older session."""
    return ctx.data({"csrf": ctx.signed_in.session.csrf})


ROUTES = (
    Route("GET", "/live", Permission.SELF, After, stream, "实时更新", ("too-many-listeners",), stream=True),
    Route("GET", "/frame", Permission.SELF, Nothing, show_frame, "页面框架"),
    Route("GET", "/session", Permission.SELF, Nothing, session_token, "会话令牌"),
)
