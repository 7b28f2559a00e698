"""What this machine needs for recordings and speech."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from core.settings import MaybePath, Section

TINY_MODEL = Path(__file__).parent / "speech" / "models" / "tiny-cmn"
"""The test model: a few hundred words of synthetic speech. It says nothing of accuracy on real callers."""


class S3Settings(Section):
    """An S3 bucket as the archive."""

    bucket: str
    """Name of the bucket; it must exist."""
    prefix: str = ""
    """Stands before every object's name."""
    endpoint: str | None = None
    """Address of a store that is not Amazon's, such as `https://s3.example.cn`."""
    region: str = "us-east-1"
    """Part of every signature; most private stores take any."""
    access_key_id: str | None = None
    """Empty: from the environment, as Amazon's own tools do."""
    secret_access_key: str | None = None
    """Its secret."""
    allow_http: bool = False
    """Allow a store without TLS."""


MAIN = "main"
"""Name of the store that `archive` or `s3` means, among the replicas' names."""


class ReplicaSettings(Section):
    """A further store: a folder on another disk, or a bucket; one of both."""

    folder: MaybePath = None
    """Folder of the replica."""
    s3: S3Settings | None = None
    """Bucket of the replica."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.folder is None) == (self.s3 is None):
            raise ValueError("请填写 folder 或 s3 其中一项")
        return self


class Pkcs11Settings(Section):
    """A token of a cryptographic device (密码设备) that holds master keys, reached by its maker's PKCS#11 driver."""

    module: Path
    """The driver, such as `/usr/lib/softhsm/libsofthsm2.so`."""
    token: str = Field(min_length=1)
    """Label of the token."""
    key_label: str = Field("archive-master", min_length=1)
    """Label of the master keys in the token, told apart by their `CKA_ID`; another one where installations share it."""
    pin_name: str = Field("archive-pkcs11-pin", pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name of the file in `secrets/` of the instance's folder that holds the PIN."""
    pin: str | None = Field(None, repr=False)
    """The PIN instead of the file, from the environment only: in `hotline.toml` it is refused."""


class RecordingSettings(Section):
    """Where recordings come from and where they are kept."""

    spool: MaybePath = None
    """Where Asterisk writes; `spool/recordings` in the instance's folder when empty."""
    spool_reserve_mb: int = Field(500, ge=0)
    """Less free space than this where Asterisk writes is an incident: a talk takes 2 MB a minute."""
    archive: MaybePath = None
    """Folder of the archive; `archive` in the instance's folder when empty."""
    s3: S3Settings | None = None
    """A bucket instead of the folder."""
    replicas: dict[str, ReplicaSettings] = {}
    """Further stores by name, such as `[recordings.replicas.disk2]`: whatever is archived is copied to each of them."""
    replicate_mb_per_s: float = Field(20.0, gt=0)
    """Copying to replicas, and reading them again, is no faster than this for each of them, in megabytes a second."""
    encryption: Literal["aes-256-gcm", "sm4-gcm", "off"] = "aes-256-gcm"
    """What is stored from now on is encrypted with this; what is there already stays readable."""
    master_keys: tuple[str, ...] = ()
    """Master keys of the archive, the present one first, each of at least 32 random characters, such as
    `["…"]`; empty: files that the set-up makes in `secrets/` of the instance's folder."""
    pkcs11: Pkcs11Settings | None = None
    """A device that holds the master key in use, in the section `[recordings.pkcs11]`; files unwrap as before."""
    pkcs11_former: Pkcs11Settings | None = None
    """A device that only unwraps what it once wrapped: the one to move away from."""
    verify_mb_per_s: float = Field(20.0, gt=0)
    """The check of the archive reads no faster than this, in megabytes a second."""
    scan_every_s: float = Field(2.0, gt=0)
    """Seconds between two looks into the spool."""
    quiet_s: float = Field(30.0, gt=0)
    """A file of a call that has not ended counts as finished after so long without a new sample."""

    @field_validator("replicas")
    @classmethod
    def _named(cls, replicas: dict[str, ReplicaSettings]) -> dict[str, ReplicaSettings]:
        for name in replicas:
            if name == MAIN or not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name):
                raise ValueError(f"副本名称“{name}”只能用小写字母、数字和连字符，以字母开头，且不能是 {MAIN}")
        return replicas


class SpeechSettings(Section):
    """The engine, its model, and how much of the machine it may use."""

    model: MaybePath = TINY_MODEL
    """Folder of a Vosk model; empty: no speech to text."""
    host: str = "127.0.0.1"
    """Where the AudioSocket server listens."""
    port: int = 9092
    """Where Asterisk sends live audio (AudioSocket)."""
    advertised_host: str | None = None
    """The address that Asterisk dials when it is not `host`."""
    threads: int | None = Field(None, ge=1)
    """Decoding threads; all cores when empty."""
    max_lag_s: float = Field(4.0, gt=0)
    """Live words later than this are left to the recording."""
