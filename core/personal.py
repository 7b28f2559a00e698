"""Personal data at rest: encrypted, searchable by a blind index, recognisable by its last four characters.

One text column holds `v<key>:<last four>:<blind index>:<nonce and ciphertext>`; keys come from the instance's secrets.
AES-256-GCM (NIST SP 800-38D), HMAC-SHA-256 for the index (PIPL Art. 51). Encryption keys are numbered: a new one
encrypts from now on, old ones go on decrypting until every value was written anew (`core.personal_rotate`).
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Dialect, Index, Text, any_, func, literal, text, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator

_NONCE = 12


@dataclass(frozen=True, repr=False)
class Keys:
    """The keys for encrypting, by number, the highest of which is used from now on; and the one for the index."""

    encryption: Mapping[int, AESGCM]
    index: bytes

    @classmethod
    def derive(cls, first: bytes) -> "Keys":
        """Both from one master secret of at least 32 bytes."""
        return cls.of({1: first}, first)

    @classmethod
    def of(cls, masters: Mapping[int, bytes], index: bytes) -> "Keys":
        """From master secrets of at least 32 bytes each, by number, and the one for the index."""
        if any(len(one) < 32 for one in (*masters.values(), index)):
            raise ValueError("a master key must have at least 32 bytes")
        derived = {number: hmac.digest(one, b"personal:encryption", "sha256") for number, one in masters.items()}
        return cls(
            {number: AESGCM(key) for number, key in derived.items()},
            hmac.digest(index, b"personal:index", "sha256"),
        )

    @property
    def present(self) -> int:
        """The number of the key that encrypts from now on."""
        return max(self.encryption)


class KeyMissing(Exception):
    """A value was encrypted with a key that is not among this instance's secrets; the text says which, in Chinese."""


_keys: Callable[[], Keys] | None = None


def use_keys(keys: Keys | Callable[[], Keys]) -> None:
    """Set this process's keys, or what gives them at each use: a new one is then used by a running process too."""
    global _keys
    _keys = (lambda: keys) if isinstance(keys, Keys) else keys


def present() -> int:
    """The number of the key that encrypts now."""
    return _current().present


def _current() -> Keys:
    if _keys is None:
        raise RuntimeError("personal data needs its keys: call core.personal.use_keys first")
    return _keys()


def blind(value: str) -> str:
    """The blind index of `value`: equal values have equal indexes, and nothing else is told."""
    return hmac.digest(_current().index, value.encode(), hashlib.sha256).hex()[:32]


def seal(value: str) -> str:
    """`value` as it is stored."""
    keys, nonce = _current(), secrets.token_bytes(_NONCE)
    number = keys.present
    cipher = keys.encryption[number].encrypt(nonce, value.encode(), None)
    last = value[-4:].replace(":", "") if len(value) > 6 else ""
    return f"v{number}:{last}:{blind(value)}:{b64encode(nonce + cipher).decode()}"


def unseal(stored: str) -> str:
    """The value again. Raises `cryptography.exceptions.InvalidTag` when it was tampered with, `KeyMissing`."""
    version, _, _, body = stored.split(":", 3)
    raw, key = b64decode(body), _current().encryption.get(int(version[1:]))
    if key is None:
        raise KeyMissing(f"缺少第 {version[1:]} 个个人信息密钥")
    return key.decrypt(raw[:_NONCE], raw[_NONCE:], None).decode()


class Personal(TypeDecorator[str]):
    """Column type for names, phone numbers and identity numbers: plain `str` in Python.

    Compare with `Column.matches(value)`; plain `==` would compare ciphertexts and is refused.
    """

    impl = Text
    cache_ok = True

    class comparator_factory(TypeDecorator.Comparator[str]):
        """Adds `matches`, refuses `==`."""

        def matches(self, value: str) -> ColumnElement[bool]:
            """Whether the stored value equals `value`, by the blind index."""
            return blind_index(self.expr) == blind(value)

        def among(self, values: Collection[str]) -> ColumnElement[bool]:
            """Whether the stored value equals one of `values`."""
            return blind_index(self.expr) == any_(literal([blind(value) for value in values], ARRAY(Text)))

        def ends(self, last_four: str) -> ColumnElement[bool]:
            """Whether the stored value ends in these four characters."""
            return _last_four(self.expr) == last_four

        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            if op.__name__ in {"eq", "ne"}:
                raise TypeError("personal data is compared with .matches(value)")
            return super().operate(op, *other, **kwargs)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return seal(value) if value is not None else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return unseal(value) if value is not None else None


def blind_index(column: Any) -> ColumnElement[str]:
    """The SQL expression of a column's blind index, for queries and for `Index(...)`."""
    return _part(column, 3)


def _last_four(column: Any) -> ColumnElement[str]:
    return _part(column, 2)


def _part(column: Any, n: int) -> ColumnElement[str]:
    """With constants, not parameters: a prepared statement's index is found by the expression as it is written."""
    return func.split_part(type_coerce(column, Text), text("':'"), text(str(n)))


def last_four_index_for(name: str, column: Any) -> Index:
    """An index that serves `.ends(digits)` on `column`."""
    return Index(name, _last_four(column))


def index_for(name: str, column: Any) -> Index:
    """An index that serves `.matches(value)` on `column`."""
    return Index(name, blind_index(column))


def mask_name(name: str) -> str:
    """`张伟` -> `张*`, `欧阳小明` -> `欧**明`: a name until somebody gives a reason to see it."""
    if len(name) <= 1:
        return "*" * len(name)
    if len(name) == 2:
        return name[0] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]
