"""Where backups go."""

from pydantic import Field

from core.settings import MaybePath, Section


class BackupSettings(Section):
    """What `hotline backup` does without being told."""

    folder: MaybePath = None
    """Where database and files are copied to: another disk, or a share of another machine."""
    keys: MaybePath = None
    """Where keys are copied to: another place than `folder`, for whoever has both reads everything."""
    keep_days: int = Field(30, ge=1)
    """Days after which a copy of the database is removed; the last one stays."""
    keep_keys_days: int = Field(14, ge=1)
    """Days after which a copy of the keys is removed; a recording whose key was destroyed is gone for good then."""
