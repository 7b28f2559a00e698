"""Master keys that never leave a device: it wraps and unwraps behind PKCS#11, and this process never has them.

Of the mechanisms CKM_AES_GCM, because it binds a wrapped key to its object's name as files do; CKM_AES_KEY_WRAP knows
no such context, and needs the data key as an object in the device that gives its value out.
"""

import hmac
from collections.abc import Callable
from secrets import token_bytes
from typing import Any, Protocol, cast

from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import PKCS11Error
from pkcs11.mechanisms import GCMParams
from pkcs11.types import Session

from core.errors import Unavailable
from core.secrets import Secrets
from recordings.settings import Pkcs11Settings
from recordings.store.masters import AbsentMaster, CannotUnwrap
from recordings.store.suite import NONCE, TAG, Suite
from recordings.store.token import Token

FORM = b"\x10"
"""Before a key that a device wrapped; apart from the numbers of suites, which stand before the others."""
_BITS = 256
_CHECKED = b"hotline archive!"
"""The block whose encryption names a key. Not the zero block of the usual key check value: in GCM that is the key that
authenticates. Nor can it be a counter of GCM: no wrapped key has so many blocks."""


class AesKey(Protocol):
    """What the library gives for a secret key that encrypts and decrypts: its own type leaves these out."""

    id: bytes

    def encrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams | None = None) -> bytes: ...

    def decrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams | None = None) -> bytes: ...

    def destroy(self) -> None: ...

    def __getitem__(self, attribute: Attribute, /) -> Any: ...


class DeviceMasters:
    """Keys of one label in one token, the one with the highest `CKA_ID` in use; see `MasterKeys`.

    They are looked up anew for each wrapping: a process that runs learns of a new key with its next object.
    """

    def __init__(self, settings: Pkcs11Settings, secrets: Secrets) -> None:
        self._token, self._label = Token(settings, secrets), settings.key_label
        self._named: dict[str, AesKey] = {}

    async def present(self) -> str:
        """See `MasterKeys.present`. Raises `Unavailable("key-device-empty")`."""
        return await self._token.ask(lambda session: _name(self._newest(session)))

    async def known(self) -> frozenset[str]:
        """See `MasterKeys.known`."""
        return frozenset(await self._token.ask(self._names))

    async def wrap(self, data_key: bytes, context: bytes, suite: Suite) -> tuple[str, bytes]:
        """See `MasterKeys.wrap`. The device's own cipher is AES for either suite. Raises as `present`."""

        def work(session: Session) -> tuple[str, bytes]:
            key = self._newest(session)
            return _name(key), _wrapped(key, data_key, context)

        return await self._token.ask(work)

    async def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `MasterKeys.unwrap`."""
        return await self._token.ask(lambda session: self._unwrapped(session, master_id, wrapped, context))

    async def make(self) -> str:
        """See `MasterKeys.make`. A key that can be read out, or a device that does not give back what it wrapped, is
        refused with `Unavailable("key-device-unsuited")`, and the key is removed again."""
        return await self._token.ask(self._made)

    def _keys(self, session: Session) -> list[AesKey]:
        """All of them, the newest first."""
        kind = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
        found = cast(list[AesKey], list(session.get_objects({**kind, Attribute.LABEL: self._label})))
        if not found:
            self._token.still_there()
        return sorted(found, key=_number, reverse=True)

    def _newest(self, session: Session) -> AesKey:
        keys = self._keys(session)
        if not keys:
            said = f"密码设备“{self._token.label}”中没有主密钥（{self._label}），请运行 hotline archive rotate-key。"
            raise Unavailable("key-device-empty", said)
        return keys[0]

    def _names(self, session: Session) -> dict[str, AesKey]:
        """All of them by name, as of now."""
        self._named = {_name(key): key for key in reversed(self._keys(session))}
        return self._named

    def _unwrapped(self, session: Session, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        if wrapped[:1] == FORM and (key := self._named.get(master_id)):
            try:
                return _plain(key, wrapped, context)
            except PKCS11Error:
                self._named = {}  # of a session that ended, of a key that is gone, or the device means the data
        key = self._names(session).get(master_id)
        if key is None:
            self._token.still_there()
            raise AbsentMaster(master_id)
        if wrapped[:1] != FORM or len(wrapped) < 1 + NONCE + TAG:
            raise CannotUnwrap("数据密钥的格式不可识别")
        try:
            return _plain(key, wrapped, context)
        except PKCS11Error as error:
            # drivers tell a wrong tag and a broken device by the same codes; one that answers for the same key means it
            if _name(key) != master_id:
                raise
            raise CannotUnwrap("数据密钥已损坏、被改动或属于另一份文件") from error

    def _made(self, session: Session) -> str:
        number = max(map(_number, self._keys(session)), default=0) + 1
        with session.token.open(rw=True) as writing:
            made = writing.generate_key(
                KeyType.AES,
                _BITS,
                id=number.to_bytes(4, "big"),
                label=self._label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
            key = cast(AesKey, made)
            try:
                _prove(key)
            except (PKCS11Error, Unavailable):
                key.destroy()
                raise
            return _name(key)


def _number(key: AesKey) -> int:
    return int.from_bytes(key.id, "big")


def _name(key: AesKey) -> str:
    """A key's id, as `masters.fingerprint` is: another key under the same label and number has another."""
    block = key.encrypt(_CHECKED, mechanism=Mechanism.AES_ECB)
    return hmac.digest(block, b"archive:id", "sha256").hex()[:16]


def _wrapped(key: AesKey, data_key: bytes, context: bytes) -> bytes:
    nonce = token_bytes(NONCE)
    params = GCMParams(nonce, context, TAG * 8)
    return FORM + nonce + key.encrypt(data_key, mechanism=Mechanism.AES_GCM, mechanism_param=params)


def _plain(key: AesKey, wrapped: bytes, context: bytes) -> bytes:
    params = GCMParams(wrapped[1 : 1 + NONCE], context, TAG * 8)
    return key.decrypt(wrapped[1 + NONCE :], mechanism=Mechanism.AES_GCM, mechanism_param=params)


def _prove(key: AesKey) -> None:
    """That a new key does what it is for. Devices that choose the nonce themselves (FIPS 140) show here."""
    said = "密码设备不能作为主密钥的存放处"
    if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
        raise Unavailable("key-device-unsuited", f"{said}：它生成的密钥可以导出。")
    data_key, context = token_bytes(_BITS // 8), b"archive:proof"
    wrapped = _wrapped(key, data_key, context)
    bound = _refuses(lambda: _plain(key, wrapped, context + b"!"))
    if not bound or len(wrapped) != 1 + NONCE + len(data_key) + TAG or _plain(key, wrapped, context) != data_key:
        raise Unavailable("key-device-unsuited", f"{said}：它的 AES-256-GCM 与标准不符（例如不接受给定的随机数）。")


def _refuses(work: Callable[[], object]) -> bool:
    try:
        work()
    except PKCS11Error:
        return True
    return False
