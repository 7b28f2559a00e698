"""What every process of one instance stands on: settings, secrets, database, county; opened once, closed once."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from callflow import current
from callflow.menu import MenuPolicy
from callflow.policy import LinePolicy
from core import personal
from core.db import Database
from core.personal_keys import SecretKeys
from core.postgres import EmbeddedPostgres
from core.rules.book import Rulebook
from core.secrets import Secrets
from crm import installed
from crm.search import index as _index  # noqa: F401 - whoever writes orders keeps their words
from hotline.schema import migrate
from hotline.settings import Settings
from hotline.unfinished import require_whole


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

    @property
    def owner_url(self) -> str:
        """The database as the owner of its tables: for what makes, upgrades and restores them."""
        return self.settings.core.database_owner_url or (self.postgres.owner_url if self.postgres else self.db.url)

    def migrate(self) -> None:
        """Bring the tables to this program's version."""
        migrate(self.owner_url, self.db.url)

    def open(self) -> "Runtime":
        """Make the folder, set the keys of personal data and the county; errors say what is wrong where."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_whole(self.home)
        personal.use_keys(SecretKeys(self.secrets))
        installed.use(installed.read(self.settings.core.county))
        self.apply(installed.installed().rules)
        return self

    @cached_property
    def policy_text(self) -> str:
        """The county's policy file: the first version of its rules."""
        return installed.policy_file(self.settings.core.county).read_text(encoding="utf-8")

    def apply(self, rules: Rulebook) -> None:
        """Work by these rules from now on."""
        installed.use(replace(installed.installed(), rules=rules))
        policy = installed.installed().policy
        current.use(policy[LinePolicy], policy[MenuPolicy].menu)
