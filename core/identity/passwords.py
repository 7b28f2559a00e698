"""Passwords: argon2id (RFC 9106), hashed off the event loop, and what a password must be."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from core.errors import Invalid

MIN_LENGTH = 10
MAX_LENGTH = 128
_hasher = PasswordHasher()  # argon2id, 64 MiB, 3 passes (RFC 9106, second choice)
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


async def hash_password(password: str) -> str:
    """The hash to store."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify(stored: str | None, password: str) -> bool:
    """Whether `password` is the one; takes as long when there is no such user."""

    def check() -> bool:
        try:
            return _hasher.verify(stored or _NOBODY, password) and stored is not None
        except (VerifyMismatchError, InvalidHashError):
            return False

    return len(password) <= MAX_LENGTH and await asyncio.to_thread(check)


def require_good(password: str, login: str) -> None:
    """Raise `Invalid("weak-password")` unless the password is long and mixed enough (GB/T 22239 8.1.4.1)."""
    kinds = sum(
        any(test(c) for c in password) for test in (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    )
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or kinds < 3 or login.lower() in password.lower():
        sentence = (
            f"密码须为 {MIN_LENGTH} 至 {MAX_LENGTH} 位，含大写字母、小写字母、数字、符号中的三种，且不得包含登录名。"
        )
        raise Invalid("weak-password", sentence, fields={"password": sentence})


def generate() -> str:
    """A password that satisfies the rule, for first sign-ins."""
    return "-".join(secrets.token_hex(3) for _ in range(3)) + "-A"
