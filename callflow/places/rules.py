"""A call whose caller hung up and whose place is kept: which channels belong to it. Pure.

The channel that waits has an id of ours, `<linkedid of the call>~<how many-th>`: whatever happens to it happened to the
citizen's one call.
"""

from callflow.fold import Field, State

MARK = "~"


def call_of(linkedid: str) -> str:
    """The call that a channel's linkedid belongs to."""
    return linkedid.partition(MARK)[0]


def is_place(linkedid: str) -> bool:
    """Whether this is the linkedid of a kept place's channels."""
    return MARK in linkedid


def waits(state: State) -> bool:
    """Whether the place is kept and nobody has called the citizen yet."""
    return Field.KEPT_AT in state and not {Field.CALLED_AT, Field.OVER_AT} & set(state)
