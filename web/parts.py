"""What the web role is given by the process that runs it."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from callflow.phones.handset import Handset
from core.db import Database
from core.secrets import Secrets
from recordings.store.port import Store
from web.bundle import Bundle
from web.settings import WebSettings


@dataclass(frozen=True)
class Parts:
    """Everything that a handler may reach besides the queries and services of the lower packages."""

    database: Database
    settings: WebSettings
    secrets: Secrets
    bundle: Bundle
    home: Path
    title: str
    """The hotline's name as the screens show it: 弋阳12345."""
    store: Store
    """The archive of recordings."""
    handset: Handset | None = None
    """The agents' hands on Asterisk; None where no line is near."""
    phone_address: str = ""
    """Where the telephones in the page lead: Asterisk's WebSocket."""
    expected: frozenset[str] = frozenset()
    """Processes that must report to the health board."""


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
