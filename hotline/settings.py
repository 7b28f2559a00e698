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
from recordings.settings import RecordingSettings, SpeechSettings
from web.settings import WebSettings

PORTS = {
    "line": ("sip_port", "rtp_first", "rtp_last", "ami_port", "agi_port", "websocket_port"),
    "speech": ("port",),
    "web": ("port",),
}


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
    port_offset: int = Field(0, ge=0, le=40_000)
    """Added to every port that is not given: a second instance takes 1000, say."""
    core: CoreSettings = CoreSettings()
    line: LineSettings = LineSettings()
    recordings: RecordingSettings = RecordingSettings()
    speech: SpeechSettings = SpeechSettings()
    sms: SmsSettings = SmsSettings()
    web: WebSettings = WebSettings()

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
        core.setdefault("database_url", data.get("database_url"))
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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


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
