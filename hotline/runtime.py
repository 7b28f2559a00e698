"""What every process of one instance stands on: settings, secrets, database, county; opened once, closed once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from callflow import current
from callflow.menu import MenuPolicy
from callflow.policy import LinePolicy
from core import personal
from core.db import Database
from core.postgres import EmbeddedPostgres
from core.secrets import Secrets
from crm import installed
from crm.search import index as _index  # noqa: F401 - whoever writes orders keeps their words
from hotline.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """One instance, as a process sees it."""

    settings: Settings

    @property
    def home(self) -> Path:
        """The instance's folder, absolute."""
        return self.settings.core.home

    def own_names(self) -> list[str]:
        """Names beyond the machine's own by which browsers reach the desks."""
        return [self.settings.web.host, *filter(None, [self.settings.line.external])]

    @cached_property
    def secrets(self) -> Secrets:
        """The instance's secrets."""
        return Secrets(self.home / "secrets")

    @cached_property
    def postgres(self) -> EmbeddedPostgres | None:
        """The embedded server, or None when the settings name another."""
        return None if self.settings.core.database_url else EmbeddedPostgres(self.home / "postgres")

    @cached_property
    def db(self) -> Database:
        """The database."""
        url = self.settings.core.database_url or (self.postgres.url if self.postgres else "")
        return Database(url, pool_size=self.settings.core.database_pool)

    def open(self) -> "Runtime":
        """Make the folder, set the keys of personal data and the county; errors say what is wrong where."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        personal.use_keys(personal.Keys.derive(self.secrets.get("personal").encode()))
        county = installed.read(self.settings.core.county)
        installed.use(county)
        current.use(county.policy[LinePolicy], county.policy[MenuPolicy].menu)
        return self
