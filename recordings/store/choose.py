"""Which store this instance uses, and with which keys."""

from pathlib import Path

from core.db import Database
from core.secrets import Secrets
from recordings.settings import RecordingSettings
from recordings.store.bucket import BucketStore
from recordings.store.datakeys import TableKeys
from recordings.store.folder import FolderStore
from recordings.store.masters import FileMasters, GivenMasters, MasterKeys
from recordings.store.port import Store
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

KEY_CONNECTIONS = 2
"""To the database, for data keys alone: who stores a file may hold one of the others meanwhile, and many who do must
not wait for one another."""


def open_store(settings: RecordingSettings, home: Path, db: Database, secrets: Secrets) -> Store:
    """The bucket when one is set, else the folder; encrypted as the settings say.

    Raises `Invalid("suite-unavailable")` where this machine does not have the algorithm.
    """
    inner = BucketStore.s3(settings.s3) if settings.s3 else FolderStore(settings.archive or home / "archive")
    suite = None if settings.encryption == "off" else Suite(settings.encryption)
    work = home / "work" / "archive"
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = TableKeys(Database(db.url, pool_size=KEY_CONNECTIONS))
    return VaultStore(inner, keys, masters_of(settings, secrets), suite, work=work)


def masters_of(settings: RecordingSettings, secrets: Secrets) -> MasterKeys:
    """The settings' master keys, else the files among the secrets."""
    return GivenMasters(settings.master_keys) if settings.master_keys else FileMasters(secrets)
