"""What a process needs that closes, exports and imports dossiers."""

from dataclasses import dataclass
from pathlib import Path

from recordings.proof.signing import Signer
from recordings.store.port import Store


@dataclass(frozen=True)
class DossierKeeper:
    """The store of all bytes, the key of the seals, a folder for files on their way, and whose installation it is."""

    store: Store
    signer: Signer
    work: Path
    title: str

    @classmethod
    def of(cls, home: Path, store: Store, signer: Signer, title: str) -> "DossierKeeper":
        """Of an instance; its folder is made."""
        work = home / "work" / "dossiers"
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(store, signer, work, title)
