"""What this machine needs: the core's section of the settings."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of each package's settings section: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CoreSettings(Section):
    """Folder of this instance, its database and its logs."""

    home: Path = Path("var")
    database_url: str | None = None
    """A PostgreSQL >= 15 server or cluster; empty means the embedded one in `home`."""
    database_pool: int = 10
    log_level: str = "INFO"
    log_json: bool = True
    county: Path = Path("counties/yiyang")
    """Folder with this county's policy, units, gazetteer and catalogue."""
