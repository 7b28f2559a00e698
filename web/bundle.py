"""Where the built browser assets are: names with content hashes, from the manifest of the build."""

import json
from dataclasses import dataclass
from pathlib import Path

BUILT = Path(__file__).parent / "static" / "build"
PREFIX = "/static/build"


class NotBuilt(RuntimeError):
    """The browser assets are missing: run the set-up first."""


@dataclass(frozen=True)
class Bundle:
    """The addresses of one build's files by their plain names."""

    names: dict[str, str]

    def url(self, name: str) -> str:
        """Address of `desk.js`, `style.css`…; KeyError for a name that no build makes."""
        return f"{PREFIX}/{self.names[name]}"


def load(folder: Path = BUILT) -> Bundle:
    """The present build. Raises `NotBuilt`."""
    try:
        names = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError as error:
        raise NotBuilt("browser assets are not built; `make setup` builds them") from error
    return Bundle(names)
