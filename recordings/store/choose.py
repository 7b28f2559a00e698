"""Which store this instance uses."""

from pathlib import Path

from recordings.settings import RecordingSettings
from recordings.store.bucket import BucketStore
from recordings.store.folder import FolderStore
from recordings.store.port import Store


def open_store(settings: RecordingSettings, home: Path) -> Store:
    """The bucket when one is set, else the folder."""
    if settings.s3:
        return BucketStore.s3(settings.s3)
    return FolderStore(settings.archive or home / "archive")
