"""What a county takes for an emergency 突发事件 (第十四条): its kinds, and the words by which a kind is recognised.

A kind is recognised by composition: a `sign` names concepts that must stand near each other (`@thing + @burns`), a
`concept` lists how people say it, a `guard` says which words around make it no emergency after all. In a word `(a/b)`
stands for either and `…` for a few characters between.
"""

import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from core.errors import Invalid
from crm.county.data import Code, Name, Record

HEADS = frozenset({"text", "文本", "话语", "说法", "用例", "内容", "诉求"})
NONES = frozenset({"-", "—", "无", "none"})
_CHOICE = re.compile(r"\(([^()]*)\)")
Concept = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]


def spelt(word: str) -> Iterator[str]:
    """`叫(不/没)醒` -> 叫不醒, 叫没醒."""
    pieces = _CHOICE.split(word)
    choices = [piece.split("/") if n % 2 else [piece] for n, piece in enumerate(pieces)]
    for one in product(*choices):
        yield "".join(one)


def _spell(words: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one for word in words for one in spelt(word)))
    if "" in found or any("(" in one or ")" in one or one.startswith("…") or one.endswith("…") for one in found):
        raise ValueError("词语不能为空，括号须成对，“…”须在词语中间")
    return found


Words = Annotated[tuple[str, ...], AfterValidator(_spell)]


class Level(StrEnum):
    """What is at stake; it decides how soon a unit must sign (D30)."""

    LIFE = "life"
    UTILITY = "utility"

    @property
    def label(self) -> str:
        """As the screens say it."""
        return {"life": "人身财产", "utility": "公用事业"}[self]


@dataclass(frozen=True)
class Sign:
    """What must be said together: names of concepts with `@`, or words; `far`: in neighbouring clauses is enough."""

    parts: tuple[str, ...]
    far: bool

    @classmethod
    def of(cls, written: str) -> "Sign":
        """From `@thing + @burns`, or `@gas & @come` where the parts may stand farther apart."""
        return cls(tuple(part.strip() for part in re.split(r"[+&]", written)), "&" in written)


class EmergencyKind(Record):
    """One kind 突发事件种类. `signs`: concepts joined by `+` or `&`, any of which is enough."""

    code: Code
    name: Name
    level: Level
    line: Annotated[str, Field(pattern=r"^(\d{3,12})?$")]
    """联动号码: 110, 119, 120, 122, or the hotline of a utility; empty: it is found in 转接去向."""
    utilities: tuple[Name, ...] = ()
    """Without a number: words of the directory's entries that it is passed on to, in their name or matters."""
    line_name: Name
    script: Annotated[str, Field(min_length=4, max_length=200)]
    """话术: what the agent says while the call is put through."""
    signs: Annotated[tuple[str, ...], Field(min_length=1)]
    alone: bool = False
    """Only proposed where no other kind is: somebody calls for help and does not say why."""
    but: Words = ()
    """Words in the same stretch that make it none of this kind."""

    @property
    def rules(self) -> list["Sign"]:
        """Each sign as its parts, the plainest first: who reads the finding understands those words best."""
        return sorted((Sign.of(sign) for sign in self.signs), key=lambda sign: len(sign.parts))


class Guard(Record):
    """Words that make a sign none: where they are looked for, and which concepts overrule them."""

    name: Name
    where: Literal["before", "clause", "near"]
    """`before`: directly before it; `clause`: before it in its clause; `near`: in its clause or the next ones."""
    words: Words
    lifted_by: tuple[Concept, ...] = ()
    kinds: tuple[Code, ...] = ()
    """Only for these; empty: for all."""


class EmergencyCase(Record):
    """Something that people say, and the code of the kind that it is; empty: none."""

    text: Annotated[str, Field(min_length=2, max_length=400)]
    kind: str = ""


class Emergencies(Record):
    """The whole file. `idioms` are read as if they had not been said."""

    window: int = Field(10, ge=2, le=40)
    """So many characters may lie between the concepts of a sign."""
    spoken: dict[str, Words] = Field(default_factory=dict)
    """Plain word -> how people say it; read as the plain one, in texts and in the lists of this file."""
    raise_at: float = 1.0
    """What is learnt from the cases alone raises an alarm from this score on (logarithm of the odds)."""
    drop_below: float = -3.0
    """A composition of words raises none where the cases speak so clearly against it."""
    concepts: dict[Concept, Words] = Field(default_factory=dict)
    kind: tuple[EmergencyKind, ...] = ()
    guard: tuple[Guard, ...] = ()
    idioms: Words = ()

    case: tuple[EmergencyCase, ...] = ()
    """What has been said, and what it was: the model learns from it (`emergency_cases.tsv`)."""

    @model_validator(mode="after")
    def _resolved(self) -> "Emergencies":
        codes = [one.code for one in self.kind]
        if len(set(codes)) < len(codes):
            raise ValueError("突发事件种类代码重复")
        for kind in self.kind:
            for part in (part for rule in kind.rules for part in rule.parts):
                if not part or (part.startswith("@") and part[1:] not in self.concepts):
                    raise ValueError(f"{kind.name} 引用的概念不存在：{part}")
        for name, words in self.concepts.items():
            if nested := [one for one in words if one.startswith("@") and not self._plain(one[1:])]:
                raise ValueError(f"概念 {name} 只能引用不再引用其他概念的概念：{nested}")
        if unlisted := {one.kind for one in self.case if one.kind} - set(codes):
            raise ValueError(f"用例的种类不存在：{sorted(unlisted)}")
        for guard in self.guard:
            if unheard := set(guard.lifted_by) - set(self.concepts):
                raise ValueError(f"{guard.name} 引用的概念不存在：{sorted(unheard)}")
            if unknown := set(guard.kinds) - set(codes):
                raise ValueError(f"{guard.name} 引用的种类不存在：{sorted(unknown)}")
        return self

    def _plain(self, name: str) -> bool:
        return name in self.concepts and not any(one.startswith("@") for one in self.concepts[name])

    def words(self, name: str) -> tuple[str, ...]:
        """All words of a concept, those of the concepts that it names (`@other`) among them."""
        found = (self.words(one[1:]) if one.startswith("@") else (one,) for one in self.concepts[name])
        return tuple(word for words in found for word in words)

    def of(self, code: str) -> EmergencyKind | None:
        """The kind of this code."""
        return next((one for one in self.kind if one.code == code), None)


def read_cases(path: Path) -> list[EmergencyCase]:
    """A TSV, with or without a head: text, kind (`-` or empty: none). Raises OSError, ValueError."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row and row[0].strip()]
    kinds = [row[1].strip() if len(row) > 1 else "" for row in rows]
    cases = [(row[0].strip(), "" if kind.lower() in NONES else kind) for row, kind in zip(rows, kinds, strict=True)]
    headed = cases[:1] and cases[0][0].lower() in HEADS
    return [EmergencyCase(text=text, kind=kind) for text, kind in (cases[1:] if headed else cases)]


def load_emergencies(folder: Path) -> Emergencies:
    """The county's file with its cases; empty where it has written none. Raises Invalid("bad-county")."""
    path, cases = folder / "emergencies.toml", folder / "emergency_cases.tsv"
    if not path.exists():
        return Emergencies()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return Emergencies.model_validate({**document, "case": read_cases(cases) if cases.exists() else ()})
    except (OSError, csv.Error, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as error:
        raise Invalid("bad-county", f"{folder.name}/emergencies.toml 无法使用：{error}") from error
