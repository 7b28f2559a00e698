"""What it is about: the matter 诉求事项 that the citizen's words speak for, and the sentence that says it best."""

import re
from collections import defaultdict
from dataclasses import dataclass

from crm.county.data import Matter
from crm.drafts.proposal import Proposal
from crm.drafts.said import Said
from crm.drafts.who import without_people
from crm.lexicon import Lexicon

REPEATED = 0.4
"""A word said again adds this much of its weight, at most twice."""
EARLY = 60
"""Words among the first characters count more: people begin with what they call for."""
LONGEST_TITLE = 30
_CLAUSE = re.compile(r"[^，。！？；,!?;]+")
_FILLER = re.compile(
    r"^(?:喂|你好|您好|嗯|呃|那个|就是说?|是这样的?|我想|我要|我们?|想要?|反映一下|反映|投诉一下|投诉|举报|咨询一下|咨询|说一下|问一下|请问|今天|现在|来)+"
)


@dataclass(frozen=True)
class Hit:
    """A word at a position that speaks for a matter with a weight."""

    word: str
    start: int
    weight: float


def score(said_text: str, lexicon: Lexicon) -> dict[Matter, list[Hit]]:
    """Every matter that any word speaks for, with its words."""
    hits: dict[Matter, list[Hit]] = defaultdict(list)
    for word, start in lexicon.words(said_text):
        for matter in lexicon.speakers(word):
            early = 1.3 if start < EARLY else 1.0
            hits[matter].append(Hit(word, start, lexicon.weight(word) * early))
    return dict(hits)


def total(hits: list[Hit]) -> float:
    """One matter's score: each word in full once, then less."""
    best: dict[str, list[float]] = defaultdict(list)
    for hit in hits:
        best[hit.word].append(hit.weight)
    return sum(max(weights) * (1 + REPEATED * min(len(weights) - 1, 2)) for weights in best.values())


def propose(said: Said, lexicon: Lexicon) -> Proposal | None:
    """The likeliest matter, or None when no word tells."""
    scores = score(said.text, lexicon)
    if not scores:
        return None
    ranked = sorted(scores, key=lambda matter: total(scores[matter]), reverse=True)
    first = total(scores[ranked[0]])
    second = total(scores[ranked[1]]) if len(ranked) > 1 else 0.0
    words = sorted(scores[ranked[0]], key=lambda hit: -hit.weight)
    distinct = list({hit.word: hit for hit in reversed(words)}.values())[::-1][:3]
    sources = tuple(said.source(hit.start, hit.start + len(hit.word)) for hit in distinct)
    confidence = min(0.95, (first - second / 2) / (first + 1.0))
    reason = "、".join(f"“{source.text}”" for source in sources) + f" → {ranked[0].name}"
    return Proposal(ranked[0].code, ranked[0].name, sources, confidence, reason)


def title(said: Said, lexicon: Lexicon, place: Proposal | None) -> Proposal | None:
    """The clause that says most, without the politeness before it."""
    best: tuple[float, int, str] | None = None
    for clause in _CLAUSE.finditer(without_people(said.text)):
        text = _FILLER.sub("", clause.group())
        if len(text) < 4:
            continue
        said_here = sum(total(hits) for hits in score(clause.group(), lexicon).values())
        worth = said_here / (1 + len(text) / 60)
        if best is None or worth > best[0]:
            best = (worth, clause.end() - len(text), text)
    if best is None:
        return None
    _, start, text = best
    value = text[:LONGEST_TITLE]
    heard = place.sources[-1].text if place else ""
    if place and heard not in value and place.value not in value and len(place.value) + len(value) <= LONGEST_TITLE:
        value = place.value + value
    return Proposal(value, value, (said.source(start, start + len(text)),), 0.6, "来电人原话中信息最多的一句")
