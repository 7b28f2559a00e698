"""What this machine needs: the core's section of the settings."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

MaybePath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
"""A path, or none where the setting is empty: TOML and the environment know no null."""


class Section(BaseModel):
    """Base of each package's settings section: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CoreSettings(Section):
    """Folder of this instance, its database and its logs."""

    home: Path = Path("var")
    """The folder of this instance; set by `home`."""
    database_url: str | None = None
    """A PostgreSQL >= 15 server or cluster; empty means the embedded one in `home`."""
    database_owner_url: str | None = None
    """The same as the owner of its tables, who upgrades them; empty: the application's user owns them."""
    database_pool: int = 10
    """Connections to the database that each process holds at most."""
    log_level: str = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    log_json: bool = True
    """One JSON object a line; False, or on a terminal: lines for a person."""
    county: Path = Path("counties/yiyang")
    """Folder with this county's policy, units, gazetteer and catalogue."""
