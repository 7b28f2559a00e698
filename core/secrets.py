"""The instance's secrets: generated once, one file each, readable by the owner only."""

import os
import secrets
from pathlib import Path

LENGTH = 32


class Secrets:
    """A folder of secrets. `get("ami-line")` makes it at the first asking and gives the same ever after."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str:
        """A secret of 43 URL-safe characters (256 bits)."""
        if not name.replace("-", "").isalnum():
            raise ValueError(f"not a secret's name: {name!r}")
        path = self._folder / name
        if not path.exists():
            self._make(path)
        return path.read_text().strip()

    def numbered(self, name: str) -> list[str]:
        """Names of those of `name-1`, `name-2`, … that there are, in the order of their making."""
        heads = (path.name.rpartition("-") for path in self._folder.glob(f"{name}-*"))
        return [f"{name}-{number}" for number in sorted(int(last) for head, _, last in heads if last.isdecimal())]

    def has(self, name: str) -> bool:
        """Whether it was made."""
        return (self._folder / name).exists()

    def make_next(self, name: str) -> str:
        """One more of them, the newest -> its name; two who make one at once make one."""
        made = self.numbered(name)
        following = f"{name}-{int(made[-1].rpartition('-')[2]) + 1 if made else 1}"
        self.get(following)
        return following

    def _make(self, path: Path) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(LENGTH) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # the first of two processes wins, and both read the winner's
        except FileExistsError:
            return
        finally:
            draft.unlink()
