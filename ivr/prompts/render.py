"""Prompts into files: rendered where the text changed, replaced where a person recorded them."""

import audioop
import json
import re
import tomllib
import wave
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from callflow.menu import Does, Menu
from callflow.speak import RATE, pinyin, render
from core.errors import Invalid
from ivr import speech_forms
from ivr.prompts import music

CATALOGUE = Path(__file__).with_name("catalogue.toml")
SPEED = 200
"""Words a minute, as espeak-ng counts: unhurried, and short enough for notice and greeting together."""
RECIPE = "2"
"""Rises when the same text is rendered differently."""
STAMP = "rendered.json"
LONGEST = 400
NO_KEYS = Menu()


def texts(catalogue: Path = CATALOGUE, *, county: Path | None = None, menu: Menu = NO_KEYS) -> dict[str, str]:
    """Every prompt: those of the catalogue or the county's in their place, and the pieces of numbers, codes and dates.

    `county` is a folder that may hold `prompts.toml`. Raises Invalid("bad-prompt") with the entry that is wrong.
    """
    said = _read(catalogue)
    found: dict[str, str] = dict(said.get("prompts", {}))
    if county and (own := county / "prompts.toml").exists():
        replaced = _read(own)
        strange = sorted(set(replaced) - {"prompts"} | set(replaced.get("prompts", {})) - set(found))
        if strange:
            raise Invalid("bad-prompt", f"{county.name}/prompts.toml 中没有这样的提示音：{'、'.join(strange)}。")
        found |= replaced.get("prompts", {})
    found = {name: _worded(name, text, menu) for name, text in found.items()}
    largest = int(said.get("numbers", {}).get("largest", 99))
    found |= {f"digits/{value}": speech_forms.number(value) for value in range(largest + 1)}
    found |= {"digits/hundred": "百", "digits/thousand": "千", "digits/million": "百万"}
    found |= {f"hotline/code-{digit}": speech_forms.code(str(digit)) for digit in range(10)}
    found |= {f"hotline/year-{year}": speech_forms.year(year) for year in speech_forms.YEARS}
    found |= {f"hotline/month-{month}": speech_forms.number(month) + "月" for month in range(1, 13)}
    found |= {f"hotline/day-{day}": speech_forms.number(day) + "日" for day in range(1, 32)}
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid("bad-prompt", f"提示音文件 {path.name} 无法使用：{error}") from error


def _worded(name: str, text: object, menu: Menu) -> str:
    """The text with what the menu offers; an offer of nothing leaves no comma behind."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST or ".." in name:
        raise Invalid("bad-prompt", f"提示音 {name} 的文字不正确。", fields={name: "请填写不超过400字的文字"})
    worded = text.replace("{keys}", speech_forms.offer(menu)).replace("{repeat}", speech_forms.offer(menu, Does.REPEAT))
    worded = worded.replace("{keep}", speech_forms.offer(menu, Does.KEEP))
    if "{" in worded or "}" in worded:
        raise Invalid("bad-prompt", f"提示音 {name} 的文字不正确。", fields={name: "花括号中只能是 keys、repeat、keep"})
    return re.sub(r"^，|，(?=[，。])", "", worded)


def render_all(
    sounds: Path,
    catalogue: Path = CATALOGUE,
    recorded: Path | None = None,
    *,
    county: Path | None = None,
    menu: Menu = NO_KEYS,
) -> list[str]:
    """Write all prompts below `sounds`/zh, the beep, and the music beside `sounds`; names of the changed ones.

    `recorded` holds human recordings by the same names, .wav at 8 kHz, mono, 16 bit. A file that is something else
    is refused with Invalid("bad-recording") before anything is written.
    """
    folder = sounds / "zh"
    wanted = {name: pinyin(text) for name, text in texts(catalogue, county=county, menu=menu).items()}
    human = {name: _checked(recorded / f"{name}.wav") for name in wanted} if recorded else {}
    stamp = folder / STAMP
    known: Mapping[str, str] = json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else {}
    now: dict[str, str] = {}
    changed: list[str] = []
    for name, syllables in wanted.items():
        recording = human.get(name)
        now[name] = sha256(recording or f"{RECIPE}|{syllables}".encode()).hexdigest()[:16]
        path = folder / f"{name}.wav"
        if known.get(name) != now[name] or not path.exists():
            write(path, recording or _trimmed(render(syllables, speed=SPEED)))
            changed.append(name)
    changed += [name for name, samples in music.sounds(folder, sounds.parent / "moh") if _once(name, samples)]
    if now != known:
        draft = stamp.with_suffix(".new")
        draft.write_text(json.dumps(now, ensure_ascii=False, indent=0), encoding="utf-8")
        draft.rename(stamp)
    return changed


def write(path: Path, samples: bytes) -> None:
    """8 kHz mono 16-bit WAV, at once or not at all: a call may be playing the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with wave.open(str(draft), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples)
    draft.rename(path)


def _once(path: str, samples: music.Make) -> bool:
    if Path(path).exists():
        return False
    write(Path(path), samples())
    return True


def _checked(path: Path) -> bytes | None:
    if not path.exists():
        return None
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE):
                return file.readframes(file.getnframes())
            reason = "不是 8 kHz 单声道 16 位"
    except (wave.Error, EOFError):
        reason = "不是 WAV 文件"
    raise Invalid("bad-recording", f"录音提示音 {path.name} 不能使用。", fields={path.name: reason})


def _trimmed(samples: bytes, *, floor: int = 200, step: int = 160, keep: int = 5) -> bytes:
    """Without the synthesiser's silence at both ends, beyond `keep` steps of 10 ms: pieces shall join up."""
    blocks = [samples[i : i + step] for i in range(0, len(samples), step)]
    loud = [i for i, block in enumerate(blocks) if len(block) % 2 == 0 and audioop.max(block, 2) > floor]
    if not loud:
        return samples
    return b"".join(blocks[max(0, loud[0] - keep) : loud[-1] + keep + 1])
