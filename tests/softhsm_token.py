"""A real PKCS#11 token for tests: SoftHSM's, in a folder of the test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from hotline.setup import softhsm
from recordings.settings import Pkcs11Settings

PIN, PIN_NAME, CONF = "739182", "archive-pkcs11-pin", "SOFTHSM2_CONF"


class SoftToken:
    """One token; the environment names its folder, so that a process has one at a time."""

    def __init__(self, folder: Path) -> None:
        found = softhsm.find()
        assert found, "hotline setup --tests installs it"
        self.hsm, self.folder, self.tokens = found, folder, folder / "tokens"
        self.label = f"hotline-{token_hex(4)}"
        self.tokens.mkdir(parents=True)
        self.conf = folder / "softhsm2.conf"
        self.conf.write_text(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")

    def settings(self, **more: Any) -> Pkcs11Settings:
        """Where it is."""
        return Pkcs11Settings(**{"module": self.hsm.module, "token": self.label, **more})

    def make(self) -> None:
        """It is new and empty. Its label is its own: a driver that is loaded learns of it by not finding it."""
        pins = ("--so-pin", "87654321", "--pin", PIN)
        command = [self.hsm.util, "--module", self.hsm.module, "--init-token", "--free", "--label", self.label, *pins]
        subprocess.run(command, check=True, env={**os.environ, CONF: str(self.conf)}, capture_output=True)

    def write_pin(self, home: Path, pin: str = PIN) -> None:
        """As an administrator does."""
        (home / "secrets").mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "secrets" / PIN_NAME).write_text(f"{pin}\n")

    def unplug(self) -> None:
        """The device is gone."""
        self.tokens.rename(self.folder / "away")

    def plug_in(self) -> None:
        """It is back, with all that it held."""
        (self.folder / "away").rename(self.tokens)

    def delete_key(self, number: int) -> None:
        """Somebody deletes a key with the maker's tool, in another process."""
        self._python("for one in keys(): one.id == NUMBER and one.destroy()", number)

    def make_key(self, number: int, **attributes: Any) -> None:
        """Somebody makes a key in the token by hand."""
        more = "".join(f", Attribute.{name.upper()}: {value}" for name, value in attributes.items())
        self._python(
            "session.generate_key(KeyType.AES, 256, id=NUMBER, label='archive-master', store=True,"
            f" template={{Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False{more}}})",
            number,
        )

    def _python(self, what: str, number: int) -> None:
        code = (
            "import pkcs11\nfrom pkcs11 import Attribute, KeyType\n"
            f"NUMBER = {number.to_bytes(4, 'big')!r}\n"
            f"lib = pkcs11.lib({str(self.hsm.module)!r})\n"
            f"session = lib.get_token(token_label={self.label!r}).open(rw=True, user_pin={PIN!r})\n"
            "keys = lambda: list(session.get_objects({Attribute.LABEL: 'archive-master'}))\n"
            f"{what}\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, CONF: str(self.conf)})


@contextmanager
def soft_token(folder: Path) -> Iterator[SoftToken]:
    """A new token, which this process and its children see while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        token = SoftToken(folder)
        patch.setenv(CONF, str(token.conf))
        token.make()
        yield token
