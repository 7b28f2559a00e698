"""The page of an order's life, drawn from the table that the code runs on."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from core.permissions import holders
from crm.tickets.states import ENDS, State
from crm.tickets.table import TABLE

LIFE = "life-cycle.md"


def life_page(written: str) -> str:
    """Diagram, states and lines as Markdown; `written` says who wrote the page."""
    return "\n".join(
        [
            "# The life of an order",
            "",
            written,
            "",
            "Each line of `crm/tickets/table.py`, to be read beside 第十二条. An act is possible only in the states",
            "named, for a person who holds the permission and stands where the line says; its guards are then asked.",
            "",
            "```mermaid",
            *_diagram(),
            "```",
            "",
            "## States",
            "",
            "| state |  | whose turn | what the citizen hears |",
            "| --- | --- | --- | --- |",
            *(f"| `{one.value}` | {one.label} | {one.owner or '—'} | {one.spoken} |" for one in State),
            "",
            "## Lines",
            "",
            "| article | act | by | who may | in | to | when | guards |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *_lines(),
            "",
        ]
    )


def _diagram() -> Iterable[str]:
    yield "stateDiagram-v2"
    for state in State:
        yield f'    state "{state.label}" as {_id(state)}'
    yield f"    [*] --> {_id(State.DRAFT)}"
    seen = set()
    for line in TABLE:
        for state in sorted(line.before, key=list(State).index):
            if line.after is None:
                continue
            label = line.act.label + (f"（{line.when[0]}）" if line.when else "")
            arrow = f"    {_id(state)} --> {_id(line.after)}: {label}"
            if arrow not in seen:
                seen.add(arrow)
                yield arrow
    for state in State:
        if state in ENDS:
            yield f"    {_id(state)} --> [*]"


def _lines() -> Iterable[str]:
    for line in TABLE:
        states = "、".join(state.label for state in State if state in line.before)
        if line.stages:
            states += f"（本单位任务{'、'.join(stage.label for stage in line.stages)}）"
        asked: list[Callable[..., Any]] = [*line.conditions, *line.guards]
        guards = "; ".join(_first(guard) for guard in asked) or "—"
        cells = [line.article, line.act.label, line.by.label, holders(line.permission), states]
        cells += [line.after.label if line.after else "不变", line.when[0] if line.when else "—", guards]
        yield f"| {' | '.join(cells)} |"


def _first(guard: Callable[..., Any]) -> str:
    words = (inspect.getdoc(guard) or "").split("\n")[0].rstrip(".")
    return f"`{guard.__name__}`: {words}"


def _id(state: State) -> str:
    return state.value.replace("-", "_")
