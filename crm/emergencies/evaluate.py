"""How well emergencies are recognised: texts with the kind that they are, or none. Pure besides reading."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid
from crm.county.emergencies import EmergencyCase, read_cases
from crm.emergencies.detect import Recogniser


@dataclass(frozen=True)
class Wrong:
    """A case that was not told as expected, with `found`: kind and words."""

    case: EmergencyCase
    found: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Of `emergencies` so many were found, so many under their own kind; of `others` so many raised a false alarm."""

    emergencies: int
    others: int
    missed: Sequence[Wrong]
    other_kind: Sequence[Wrong]
    false_alarms: Sequence[Wrong]


def read(path: Path) -> list[EmergencyCase]:
    """TSV: text, kind. Raises Invalid("bad-cases")."""
    try:
        cases = read_cases(path)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise Invalid("bad-cases", f"用例文件 {path.name} 无法读取：{error}") from error
    if not cases:
        raise Invalid("bad-cases", f"用例文件 {path.name} 没有用例；每行一段话和它的种类（不是突发事件的为空或“-”）。")
    return cases


def evaluate(recogniser: Recogniser, cases: Iterable[EmergencyCase]) -> Verdict:
    """Read all of them. A kind may be written by code or by name."""
    emergencies = others = 0
    missed: list[Wrong] = []
    other_kind: list[Wrong] = []
    false_alarms: list[Wrong] = []
    for case in cases:
        found = recogniser.read(case.text)
        wrong = Wrong(case, tuple(f"{one.kind.name}（{'、'.join(one.words)}）" for one in found))
        if not case.kind:
            others += 1
            if found:
                false_alarms.append(wrong)
            continue
        emergencies += 1
        if not found:
            missed.append(wrong)
        elif not any(_letters(case.kind) in (one.kind.code, _letters(one.kind.name)) for one in found):
            other_kind.append(wrong)
    return Verdict(emergencies, others, missed, other_kind, false_alarms)


def _letters(kind: str) -> str:
    """停水/停电 and 停水、停电 are one name."""
    return "".join(filter(str.isalnum, kind))
