"""Authenticated encryption for what is stored: AES-256-GCM, or SM4-GCM where the bureau's cryptography is to be 国密.

GCM as in NIST SP 800-38D and GB/T 36624; SM4 is GB/T 32907, SM3 GB/T 32905. Both come from OpenSSL.
"""

from enum import StrEnum
from functools import cache
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

from core.errors import Invalid

NONCE = 12
TAG = 16
"""Bytes of a nonce, and of the tag behind each message."""


class Aead(Protocol):
    """One key of one suite. `decrypt` raises `cryptography.exceptions.InvalidTag`."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes, /) -> bytes: ...


class Suite(StrEnum):
    """What an object is encrypted with; its header says which."""

    AES = "aes-256-gcm"
    SM4 = "sm4-gcm"

    @property
    def code(self) -> int:
        """Its number in a header and before a wrapped key."""
        return {"aes-256-gcm": 1, "sm4-gcm": 2}[self.value]

    @property
    def key_bytes(self) -> int:
        """Length of a key."""
        return {"aes-256-gcm": 32, "sm4-gcm": 16}[self.value]

    @property
    def quick(self) -> bool:
        """Whether a block is decrypted in less time than it takes to hand it to a thread: processors know AES."""
        return self is Suite.AES

    def aead(self, key: bytes) -> Aead:
        """Encryption with this key. Raises `Invalid("suite-unavailable")` where OpenSSL was built without it."""
        if self is Suite.AES:
            return AESGCM(key)
        if not sm4_is_there():
            raise Invalid("suite-unavailable", "本机的 OpenSSL 不含 SM4，请改用 aes-256-gcm。")
        return _Sm4(key)

    def derive(self, secret: bytes, purpose: bytes) -> bytes:
        """A key of this suite from a secret of at least 32 bytes, by HMAC with the suite's own hash."""
        mac = HMAC(secret, hashes.SHA256() if self is Suite.AES else hashes.SM3())
        mac.update(purpose + self.value.encode())
        return mac.finalize()[: self.key_bytes]


def suite_of(code: int) -> Suite | None:
    """The suite of this number; None for one that this program does not know."""
    return next((suite for suite in Suite if suite.code == code), None)


@cache
def sm4_is_there() -> bool:
    """Whether this OpenSSL encrypts with SM4-GCM."""
    try:
        _Sm4(bytes(16)).encrypt(bytes(NONCE), b"", b"")
    except UnsupportedAlgorithm:
        return False
    return True


class _Sm4:
    """SM4-GCM in the shape of `AESGCM`."""

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """The ciphertext and its tag."""
        cipher = Cipher(self._key, modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(associated_data)
        return cipher.update(data) + cipher.finalize() + cipher.tag

    def decrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes) -> bytes:
        """What was encrypted."""
        if len(data) < TAG:
            raise InvalidTag
        cipher = Cipher(self._key, modes.GCM(nonce, bytes(data[-TAG:]))).decryptor()
        cipher.authenticate_additional_data(associated_data)
        return cipher.update(data[:-TAG]) + cipher.finalize()
