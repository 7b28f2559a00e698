"""In which form sound is kept: lossless, or as Opus where the bureau decides so for a class of recordings."""

from enum import StrEnum

_FLAC, _OPUS = "FLAC（无损）", "Opus（有损）"


class Form(StrEnum):
    """A kind of file, by the ending of its names."""

    FLAC = "flac"
    OPUS = "opus"
    """Opus in Ogg (RFC 7845)."""

    @property
    def media_type(self) -> str:
        """What a player is told."""
        return {"flac": "audio/flac", "opus": "audio/ogg"}[self.value]

    @property
    def label(self) -> str:
        return {"flac": _FLAC, "opus": _OPUS}[self.value]

    @classmethod
    def of(cls, key: str) -> "Form":
        """The form of a stored sound, by its key: until there was another, all sound was FLAC."""
        return cls.OPUS if key.endswith(f".{cls.OPUS}") else cls.FLAC


class Encoding(StrEnum):
    """What the bureau decides for a class: the form, and for Opus how many kbit/s each voice gets.

    Nothing below 16: a pair of voices at less is no longer kept apart (docs/decisions/0048-form-of-sound.md).
    """

    FLAC = "flac"
    OPUS_16 = "opus-16"
    OPUS_24 = "opus-24"
    OPUS_32 = "opus-32"
    OPUS_48 = "opus-48"

    @property
    def form(self) -> Form:
        return Form(self.value.partition("-")[0])

    @property
    def kbps(self) -> int:
        """For each voice; 0 where nothing is lost."""
        return int(self.value.partition("-")[2] or 0)

    @property
    def label(self) -> str:
        return f"{_OPUS}，每路 {self.kbps} kbit/s" if self.kbps else _FLAC
