"""What a recording is found by, as the index keeps it and as a search asks for it. Pure.

Words stand beside facts; a slash marks a fact and the words of the order, which no spoken word has.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from crm.search import words
from recordings.models import Kind, RecordingState

ORDER = words.TITLE
"""Marks the words of the order's title and matter."""
SEALED = "z"
"""Marks what belongs to a sealed order (举报)."""
LONGEST_S = 86_400.0
"""As long as a recording can be."""


def agent(user_id: UUID) -> str:
    """This user talked last."""
    return f"g/{user_id}"


def unit(unit_id: UUID) -> str:
    """The order of its call was assigned to this unit."""
    return words.unit(unit_id)


def kind(kind: Kind) -> str:
    """A talk or a message."""
    return f"k/{kind}"


def state(state: RecordingState) -> str:
    """Whole, half or empty."""
    return f"s/{state}"


def length(seconds: float) -> str:
    """It is about so long: each step is longer by the half of an octave."""
    return f"l/{_step(seconds)}"


def lengths(least: float | None, most: float | None) -> list[str]:
    """The facts of which every recording between these lengths has one."""
    return [f"l/{step}" for step in range(_step(least or 0.0), _step(LONGEST_S if most is None else most) + 1)]


def _step(seconds: float) -> int:
    return int(2 * math.log2(min(max(seconds, 1.0), LONGEST_S)))


def sealed(openers: Iterable[UUID | None]) -> set[str]:
    """It belongs to sealed orders, which these people opened."""
    by = set(openers)
    return ({SEALED} | {f"{SEALED}/{one}" for one in by if len(by) == 1}) if by else set()


def open_to(user_id: UUID | None, agents: Sequence[Iterable[UUID]]) -> str:
    """What belongs to no sealed order, or to those alone that this user opened, as a tsquery; or, for each of `agents`,
    in which one of them talked."""
    ways = [f"!{words.either([SEALED])}", words.either([f"{SEALED}/{user_id}"])]
    talked = " & ".join(words.either([agent(one) for one in some]) for some in agents)
    return f"({' | '.join([*ways, *([f'({talked})'] if talked else [])])})"


def kept(
    *,
    of: tuple[Kind, RecordingState, float],
    day: date,
    agent_id: UUID | None,
    units: Iterable[UUID],
    said: Iterable[str],
    order: Sequence[str],
    openers: Iterable[UUID | None] = (),
) -> set[str]:
    """All that the index keeps of a recording: `of` its kind, state and seconds; `day` in UTC; `said` line by line;
    `order` the texts of its orders; `openers` who opened those of them that are sealed."""
    found = {kind(of[0]), state(of[1]), length(of[2])} | words.opened(day) | {unit(one) for one in units}
    found |= sealed(openers)
    if agent_id:
        found.add(agent(agent_id))
    for line in said:
        found |= words.lexemes(line)
    return found | {ORDER + one for text in order for one in words.lexemes(text)}


def piece(terms: Sequence[str], *, said: bool, order: bool, agents: Iterable[UUID]) -> str:
    """One piece of what is typed, as a tsquery: spoken, in the order, or the name of who talked; empty where it can be
    none of them."""
    ways = [words.every(terms)] if said and terms else []
    ways += [words.every(terms, ORDER)] if order and terms else []
    ways += [words.either([agent(one)]) for one in agents]
    return f"({' | '.join(f'({way})' for way in ways)})" if ways else ""
