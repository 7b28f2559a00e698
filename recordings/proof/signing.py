"""The seals' signature: Ed25519 (RFC 8032), whose key the set-up makes among the instance's secrets.

A key that is lost or given up is followed by `archive-seal-2` and so on: seals signed with the earlier ones stay valid.
"""

from base64 import urlsafe_b64decode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.secrets import Secrets

SECRET = "archive-seal"


class Signer:
    """Signs with the newest key, and knows the public keys of all."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def public_key(self) -> str:
        """Of the key that signs now, hexadecimal."""
        return _public(self._key())

    def known(self) -> frozenset[str]:
        """Public keys of all keys of this installation."""
        return frozenset(_public(_read(self._secrets.get(name))) for name in self._secrets.numbered(SECRET))

    def sign(self, text: str) -> str:
        """The signature, hexadecimal."""
        return self._key().sign(text.encode()).hex()

    def _key(self) -> Ed25519PrivateKey:
        return _read(self._secrets.get((self._secrets.numbered(SECRET) or [f"{SECRET}-1"])[-1]))


def signed_by(public_key: str, signature: str, text: str) -> bool:
    """Whether this key signed this text."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(secret + "="))


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
