"""Mandarin speech from text, at the telephone's rate: for prompts, and for the people who call in tests.

espeak-ng works everywhere and sounds robotic; recorded human prompts replace it by file name.
"""

import audioop
import io
import re
import subprocess
import wave
from hashlib import sha256
from pathlib import Path
from typing import cast

import cn2an
from pypinyin import Style, lazy_pinyin

from core.errors import Invalid, Unavailable

RATE = 8000
VOICE = "cmn-latn-pinyin"
"""Debian's espeak-ng has no dictionary of Chinese characters; this voice reads pinyin with tone digits."""
LONGEST = 2000
PAUSES = {
    "，": ",",
    "、": ",",
    "；": ",",
    "：": ",",
    "。": ".",
    "！": "!",
    "？": "?",
    ",": ",",
    ".": ".",
    "?": "?",
    "!": "!",
}
CODE = re.compile(r"\d{5,}")
"""Numbers of this length are telephone and order numbers, said digit by digit."""
SYLLABLE = re.compile(r"[a-zü]+[1-5]")


def pinyin(text: str) -> str:
    """`我要投诉。` → `wo3 yao4 tou2 su4 .`: TONE3, neutral tone 5, ü as v; short numbers are read as numbers.

    Raises Invalid("nothing-to-say") where no syllable is left.
    """
    spoken = CODE.sub(lambda digits: cn2an.an2cn(digits[0], "direct"), text[:LONGEST])
    if re.search(r"\d", spoken):
        spoken = cn2an.transform(spoken, "an2cn")
    words: list[str] = []
    for syllable in lazy_pinyin(spoken, style=Style.TONE3, neutral_tone_with_five=True, errors=_one_by_one):
        if SYLLABLE.fullmatch(syllable):
            words.append(syllable.replace("ü", "v"))
        elif syllable in PAUSES:
            words.append(PAUSES[syllable])
    if not any(SYLLABLE.fullmatch(word) for word in words):
        raise Invalid("nothing-to-say", "这段文字里没有可以读出来的汉字")
    return " ".join(words)


def _one_by_one(rest: str) -> str:
    """pypinyin passes on what is no character; a list makes it one item each (its types know only str)."""
    return cast(str, list(rest))


def speak(text: str, into: Path, *, variant: str = "", speed: int = 150) -> Path:
    """`text` as 8 kHz mono 16-bit WAV in folder `into`, named by what is said; rendered once.

    `variant` is another speaker of espeak-ng, such as "m3" or "f2"; `speed` is words a minute.
    Raises Invalid("nothing-to-say"), Unavailable("no-espeak").
    """
    said = pinyin(text)
    name = sha256(f"{said}|{variant}|{speed}".encode()).hexdigest()[:16]
    path = into / f"{name}.wav"
    if path.exists():
        return path
    into.mkdir(parents=True, exist_ok=True)
    samples = render(said, variant=variant, speed=speed)
    unfinished = path.with_suffix(".new")
    with wave.open(str(unfinished), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples)
    return unfinished.rename(path)


def render(syllables: str, *, variant: str = "", speed: int = 150) -> bytes:
    """Pinyin to 8 kHz signed linear samples. Raises Unavailable("no-espeak")."""
    voice = f"{VOICE}+{variant}" if variant else VOICE
    try:
        done = subprocess.run(
            ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", "--stdin"],
            input=syllables.encode(), capture_output=True, check=True, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable("no-espeak", "语音合成 espeak-ng 不能用，请先运行 make setup") from error
    with wave.open(io.BytesIO(done.stdout), "rb") as spoken:
        rate, samples = spoken.getframerate(), spoken.readframes(spoken.getnframes())
    return audioop.ratecv(samples, 2, 1, rate, RATE, None)[0]
