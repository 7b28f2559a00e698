"""Doors that are watched: who was refused there, and at what, is in the ledger, not only who got in."""

from typing import Any
from uuid import UUID

from aiohttp import web

from core.db import Database
from core.errors import HotlineError
from core.identity.service import Identified
from core.ledger import record
from web.route import Route

KINDS = {"/recordings/{id}": "recording", "/dossiers/{id}": "dossier", "/dossier-exports/{id}": "dossier"}
"""Beginning of an address -> what it is of, as the ledger says it."""
NOBODYS = "—"
"""Stands for an id that is none."""


def is_refusal(route: Route[Any], error: HotlineError) -> bool:
    """Refused for want of a right or of the thing, because its time is over, or at an address of no page of ours."""
    return error.status in (403, 404, 410, 416) or (route.method == "GET" and error.status == 422)


async def note_refusal(
    database: Database, request: web.Request, route: Route[Any], who: Identified, error: HotlineError
) -> None:
    """One line, in a transaction of its own: the refused one has been rolled back."""
    async with database.session() as session:
        subject, id = _subject(request, route)
        told = {"route": f"{route.method} {route.path}", "error": error.id}
        await record(session, who.actor, "recording.refused", subject, id, **told)


def _subject(request: web.Request, route: Route[Any]) -> tuple[str, str]:
    kind = next((kind for begins, kind in KINDS.items() if route.path.startswith(begins)), "listening")
    try:
        return kind, str(UUID(request.match_info.get("id", "")))
    except ValueError:
        return kind, NOBODYS
