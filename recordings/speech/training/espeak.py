"""libespeak-ng through ctypes: speech together with the time of each phone."""

import ctypes
from dataclasses import dataclass

VOICE = "cmn-latn-pinyin"
"""Reads pinyin with tone digits; Debian's espeak-ng lacks the dictionary for characters."""
SYNCHRONOUS = 2
PHONEME_EVENTS, PHONEME_IPA = 1, 2
EVENT_END, EVENT_PHONEME = 0, 7
RATE, VOLUME, PITCH, RANGE, WORD_GAP = 1, 2, 3, 4, 7
UTF8 = 1


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Voice:
    """How an utterance is spoken; `variant` is an espeak variant such as `+f2`."""

    variant: str = ""
    rate: int = 175
    pitch: int = 50
    range: int = 50
    gap: int = 0


@dataclass(frozen=True)
class Spoken:
    """16-bit samples at `rate`, and (sample, phone) for each phone; a pause is an empty phone."""

    samples: bytes
    rate: int
    phones: list[tuple[int, str]]


class Espeak:
    """One synthesiser per process: the library is global."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(SYNCHRONOUS, 500, None, PHONEME_EVENTS | PHONEME_IPA)
        if self._rate <= 0:
            raise RuntimeError("espeak-ng finds no voices; install espeak-ng-data")
        self._samples: list[bytes] = []
        self._phones: list[tuple[int, str]] = []
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, pinyin: str, voice: Voice) -> Spoken:
        """Speak syllables such as `tou2 su4`."""
        self._samples.clear()
        self._phones.clear()
        if self._library.espeak_SetVoiceByName((VOICE + voice.variant).encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {VOICE}{voice.variant}")
        for parameter, value in (
            (RATE, voice.rate),
            (VOLUME, 100),
            (PITCH, voice.pitch),
            (RANGE, voice.range),
            (WORD_GAP, voice.gap),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        text = pinyin.encode() + b"\0"
        self._library.espeak_Synth(text, len(text), 0, 1, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        return Spoken(b"".join(self._samples), self._rate, list(self._phones))

    def _collect(self, wave: object, count: int, events: object) -> int:
        if count > 0 and wave:
            self._samples.append(ctypes.string_at(wave, count * 2))  # type: ignore[arg-type]
        index = 0
        while (event := events[index]).type != EVENT_END:  # type: ignore[index]
            if event.type == EVENT_PHONEME:
                phone = bytes(event.id.string).split(b"\0")[0].decode()
                self._phones.append((event.sample, "" if phone.startswith("(") else phone))
            index += 1
        return 0
