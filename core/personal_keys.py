"""The keys of personal data as files among the secrets: `personal`, `personal-2` and so on, `blind-index-1`.

They are looked for again each second, so that a running process writes with a new key as soon as it is there.
"""

import time

from core.errors import Unavailable
from core.personal import Keys
from core.secrets import Secrets

FIRST, INDEX = "personal", "blind-index"
LOOK_EVERY_S = 1.0


class SecretKeys:
    """Gives the keys at each use; see `core.personal.use_keys`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._names: dict[int, str] = {}
        self._index = ""
        self._keys: Keys | None = None
        self._looked = 0.0

    def __call__(self) -> Keys:
        at = time.monotonic()
        if self._keys is None or at - self._looked >= LOOK_EVERY_S:
            self._looked = at
            self._keys = self._look()
        return self._keys

    def make(self) -> int:
        """A new key for encrypting -> its number; this process uses it at once."""
        number = self().present + 1
        self._secrets.get(f"{FIRST}-{number}")
        self._keys = self._look()
        return number

    def make_index(self) -> None:
        """A new key for the index: for whoever writes every value anew before anybody looks one up."""
        self._secrets.make_next(INDEX)
        self._keys = self._look()

    def _look(self) -> Keys:
        names = {int(name.rpartition("-")[2]): name for name in self._secrets.numbered(FIRST)}
        if self._secrets.has(FIRST) or not names:
            names[1] = FIRST
        index = (self._secrets.numbered(INDEX) or [FIRST])[-1]
        if self._keys and (names, index) == (self._names, self._index):
            return self._keys
        if index == FIRST and 1 not in names:
            said = f"secrets 中缺少 {FIRST}：检索个人信息要用它，请从密钥备份中取回。"
            raise Unavailable("personal-key-missing", said)
        self._names, self._index = names, index
        masters = {number: self._secrets.get(name).encode() for number, name in names.items()}
        return Keys.of(masters, self._secrets.get(index).encode())
