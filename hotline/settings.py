"""All settings of one instance, composed of each package's section.

Sources, the stronger first: environment (`HOTLINE_LINE__SIP_PORT`), `<home>/hotline.toml`, defaults. Two
instances on one machine need two homes and a `port_offset`.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from callflow.settings import LineSettings
from core.errors import Invalid
from core.settings import CoreSettings
from crm.settings import SmsSettings
from hotline.backup.settings import BackupSettings
from recordings.settings import RecordingSettings, SpeechSettings
from web.settings import WebSettings

PORTS = {
    "line": ("sip_port", "rtp_first", "rtp_last", "ami_port", "agi_port", "websocket_port"),
    "speech": ("port",),
    "web": ("port",),
}

ENVIRONMENT_ONLY = (("recordings", "pkcs11", "pin"), ("recordings", "pkcs11_former", "pin"))
"""Whoever reads the file, which is copied and shown to others, must not learn these."""


class _File(TomlConfigSettingsSource):
    """`hotline.toml`. Raises `ValueError` where a secret stands in it."""

    def __call__(self) -> dict[str, Any]:
        given = super().__call__()
        for *sections, name in ENVIRONMENT_ONLY:
            section: Any = given
            for one in sections:
                section = section.get(one) if isinstance(section, dict) else None
            if isinstance(section, dict) and name in section:
                raise ValueError(
                    f"{'.'.join([*sections, name])} 不能写在 hotline.toml 中，请放在 secrets 目录或环境变量中"
                )
        return given


class Settings(BaseSettings):
    """One instance."""

    model_config = SettingsConfigDict(
        env_prefix="HOTLINE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    home: Path = Path("var")
    """The folder of this instance: database, recordings, secrets, `hotline.toml` itself; so set by environment only."""
    database_url: str | None = None
    """A PostgreSQL 15 or newer, as a libpq address; empty: the embedded one in `home`."""
    database_owner_url: str | None = None
    """The same database as the owner of its tables, who upgrades and restores them; empty: as in `database_url`."""
    port_offset: int = Field(0, ge=0, le=40_000)
    """Added to every port that is not given: a second instance takes 1000, say."""
    core: CoreSettings = CoreSettings()
    line: LineSettings = LineSettings()
    recordings: RecordingSettings = RecordingSettings()
    speech: SpeechSettings = SpeechSettings()
    sms: SmsSettings = SmsSettings()
    web: WebSettings = WebSettings()
    backup: BackupSettings = BackupSettings()

    @model_validator(mode="before")
    @classmethod
    def _shift_and_place(cls, data: Any) -> Any:
        offset = int(data.get("port_offset") or 0)
        sections: dict[str, Any] = {"line": LineSettings, "speech": SpeechSettings, "web": WebSettings}
        for section, names in PORTS.items():
            given = _plain(data.get(section))
            for name in names:
                given.setdefault(name, sections[section].model_fields[name].default + offset)
            data[section] = given
        core = _plain(data.get("core"))
        core.setdefault("home", Path(data.get("home") or "var").expanduser().resolve())
        for name in ("database_url", "database_owner_url"):
            core.setdefault(name, data.get(name))
        data["core"] = core
        return data

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = Path(os.environ.get("HOTLINE_HOME", "var")) / "hotline.toml"
        return init_settings, env_settings, _File(settings_cls, file)


def _plain(section: Any) -> dict[str, Any]:
    if section is None:
        return {}
    return dict(section) if isinstance(section, dict) else section.model_dump(exclude_unset=True)


def load() -> Settings:
    """This process's settings. Raises `Invalid("bad-settings")` that names each wrong one."""
    try:
        return Settings()
    except (ValidationError, ValueError) as error:
        details = (
            "；".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise Invalid("bad-settings", f"设置有误：{details}") from error
