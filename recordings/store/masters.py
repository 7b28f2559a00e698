"""Master keys: they wrap the data keys and nothing else, so that they can live in a device that never gives them out.

A key is named by a fingerprint of itself: another key under the old one's file name is never mistaken for it.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from secrets import token_bytes
from typing import Protocol

from cryptography.exceptions import InvalidTag

from core.errors import Invalid, Unavailable
from core.secrets import Secrets
from recordings.store.suite import NONCE, Suite, suite_of

SECRET = "archive-master"
LEAST_BYTES = 32
_PURPOSE = b"archive:wrap:"


class CannotUnwrap(Exception):
    """The wrapped key was changed or is another one's, or its master key is absent; the text says which, in Chinese."""


class AbsentMaster(CannotUnwrap):
    """The key that wrapped it is not here."""

    def __init__(self, master_id: str) -> None:
        super().__init__(f"缺少主密钥 {master_id}")


class MasterKeys(Protocol):
    """The master keys of one installation: files, the environment, or a device behind PKCS#11.

    Every method raises `Unavailable` with a Chinese sentence while a device does not answer.
    """

    async def present(self) -> str:
        """Id of the key that wraps from now on."""

    async def known(self) -> frozenset[str]:
        """Ids of all that unwrap."""

    async def wrap(self, data_key: bytes, context: bytes, suite: Suite) -> tuple[str, bytes]:
        """Id of the present key, and the data key wrapped by it so that it unwraps with the same `context` only."""

    async def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """The data key. Raises `CannotUnwrap`, and of its kinds `AbsentMaster`."""

    async def make(self) -> str:
        """A new present key -> its id. Raises `Invalid("keys-given")` where keys come from outside."""


class _Held(ABC):
    """Keys whose secrets this process holds, the present one first."""

    @abstractmethod
    def _secrets(self) -> Iterable[str]:
        """All of them."""

    @abstractmethod
    def _newest(self) -> str:
        """The present key's secret."""

    async def present(self) -> str:
        """See `MasterKeys.present`."""
        return fingerprint(self._newest())

    async def known(self) -> frozenset[str]:
        """See `MasterKeys.known`."""
        return frozenset(map(fingerprint, self._secrets()))

    async def wrap(self, data_key: bytes, context: bytes, suite: Suite) -> tuple[str, bytes]:
        """See `MasterKeys.wrap`."""
        secret, nonce = self._newest(), token_bytes(NONCE)
        aead = suite.aead(suite.derive(secret.encode(), _PURPOSE))
        return fingerprint(secret), bytes([suite.code]) + nonce + aead.encrypt(nonce, data_key, context)

    async def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `MasterKeys.unwrap`."""
        secret = next((one for one in self._secrets() if fingerprint(one) == master_id), None)
        if secret is None:
            raise AbsentMaster(master_id)
        suite = suite_of(wrapped[0]) if wrapped else None
        if suite is None:
            raise CannotUnwrap("数据密钥的格式不可识别")
        aead = suite.aead(suite.derive(secret.encode(), _PURPOSE))
        try:
            return aead.decrypt(wrapped[1 : 1 + NONCE], wrapped[1 + NONCE :], context)
        except (InvalidTag, ValueError) as error:
            raise CannotUnwrap("数据密钥已损坏、被改动或属于另一份文件") from error


class FileMasters(_Held):
    """Files `archive-master-1`, `archive-master-2` … among the instance's secrets; the highest number is the present.

    They are read anew each time: a process that runs learns of a new key with its next object.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._folder = secrets

    async def make(self) -> str:
        """See `MasterKeys.make`."""
        return fingerprint(self._folder.get(self._folder.make_next(SECRET)))

    def _newest(self) -> str:
        return self._folder.get((self._folder.numbered(SECRET) or [f"{SECRET}-1"])[-1])

    def _secrets(self) -> Iterator[str]:
        return map(self._folder.get, reversed(self._folder.numbered(SECRET)))


class GivenMasters(_Held):
    """Secrets from the settings or the environment, the present one first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._given = tuple(secrets)
        if not self._given or any(len(one) < LEAST_BYTES for one in self._given):
            raise Invalid("bad-master-key", f"主密钥至少应有 {LEAST_BYTES} 个字符。")

    async def make(self) -> str:
        """See `MasterKeys.make`."""
        said = (
            "主密钥由设置提供：请把新的主密钥写在 recordings.master_keys 的最前面，重新启动服务，再以 --rewrap 运行。"
        )
        raise Invalid("keys-given", said)

    def _newest(self) -> str:
        return self._given[0]

    def _secrets(self) -> Iterable[str]:
        return self._given


class JoinedMasters:
    """Several places of keys: one wraps, each unwraps what it wrapped, so that keys can move from one to another."""

    def __init__(self, present: MasterKeys, places: Iterable[MasterKeys]) -> None:
        self._present, self._all = present, tuple(places)

    async def present(self) -> str:
        """See `MasterKeys.present`."""
        return await self._present.present()

    async def known(self) -> frozenset[str]:
        """See `MasterKeys.known`."""
        return frozenset().union(*[await one.known() for one in self._all])

    async def wrap(self, data_key: bytes, context: bytes, suite: Suite) -> tuple[str, bytes]:
        """See `MasterKeys.wrap`."""
        return await self._present.wrap(data_key, context, suite)

    async def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `MasterKeys.unwrap`. A key is absent only where every place answered."""
        away: Unavailable | None = None
        for one in self._all:
            try:
                return await one.unwrap(master_id, wrapped, context)
            except AbsentMaster:
                continue
            except Unavailable as error:
                away = away or error
        raise away or AbsentMaster(master_id)

    async def make(self) -> str:
        """See `MasterKeys.make`."""
        return await self._present.make()


def fingerprint(secret: str) -> str:
    """The id of a master key: it tells two keys apart and tells nothing of either."""
    return hmac.digest(secret.encode(), b"archive:id", "sha256").hex()[:16]
