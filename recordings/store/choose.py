"""Which stores this instance uses, and with which keys."""

from pathlib import Path
from typing import cast

from core.db import Database
from core.secrets import Secrets
from recordings.settings import MAIN, RecordingSettings, ReplicaSettings
from recordings.store.bucket import BucketStore
from recordings.store.copies import Copies
from recordings.store.datakeys import TableKeys
from recordings.store.folder import FolderStore
from recordings.store.masters import FileMasters, GivenMasters, JoinedMasters, MasterKeys
from recordings.store.port import Store
from recordings.store.replicated import ReplicatedStore
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore

KEY_CONNECTIONS = 2
"""To the database, for data keys and copies alone: who stores a file may hold one of the others meanwhile, and many who
do must not wait for one another."""


def open_store(
    settings: RecordingSettings, home: Path, db: Database, secrets: Secrets, masters: MasterKeys | None = None
) -> ReplicatedStore:
    """All stores of the settings as one, the bucket or else the folder as `main`; encrypted as the settings say.

    Raises `Invalid("suite-unavailable")` where this machine does not have the algorithm.
    """
    main = BucketStore.s3(settings.s3) if settings.s3 else FolderStore(settings.archive or home / "archive")
    stores: dict[str, Store] = {MAIN: main, **{name: _opened(one) for name, one in settings.replicas.items()}}
    suite = None if settings.encryption == "off" else Suite(settings.encryption)
    work = home / "work" / "archive"
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    apart = Database(db.url, pool_size=KEY_CONNECTIONS)
    keys, masters = TableKeys(apart), masters or masters_of(settings, secrets)
    return ReplicatedStore(
        stores, lambda store: VaultStore(store, keys, masters, suite, work=work), Copies(apart), work=work
    )


def _opened(settings: ReplicaSettings) -> Store:
    return BucketStore.s3(settings.s3) if settings.s3 else FolderStore(cast(Path, settings.folder), given=True)


def masters_of(settings: RecordingSettings, secrets: Secrets) -> MasterKeys:
    """The settings' master keys, else the files among the secrets; and before them the devices of the settings."""
    files = GivenMasters(settings.master_keys) if settings.master_keys else FileMasters(secrets)
    if settings.pkcs11 is None and settings.pkcs11_former is None:
        return files
    from recordings.store.device import DeviceMasters  # its library loads where a device is set up only

    present, former = (one and DeviceMasters(one, secrets) for one in (settings.pkcs11, settings.pkcs11_former))
    return JoinedMasters(present or files, [files, *(one for one in (present, former) if one)])
