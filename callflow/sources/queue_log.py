"""app_queue's own journal into facts: `seconds|uniqueid|queue|agent|event|...`."""

from datetime import UTC, datetime

from callflow.facts import Fact, Kind, Source, fact
from callflow.places.rules import is_place
from callflow.sources.channels import extension, is_extension
from core.errors import Invalid

_ENDED_BY = {"ABANDON": "citizen", "COMPLETECALLER": "citizen"}
"""COMPLETEAGENT is not among them: an agent may be lost, or pass the citizen on, and the call goes on."""


def facts(line: str, node: str) -> list[Fact]:
    """What one line says of its call. Raises Invalid("bad-queue-log-line")."""
    try:
        seconds, call, queue, agent, event, *_ = line.split("|")
        at = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid("bad-queue-log-line", "排队日志中有一行无法识别，已另行保存。") from error
    if call in ("", "NONE", "MANAGER", "REALTIME") or is_place(call):
        return []

    def say(kind: Kind, **data: str) -> list[Fact]:
        return [fact(node, call, Source.QUEUE_LOG, kind, at, **data)]

    if event == "ENTERQUEUE":
        return say(Kind.QUEUED, queue=queue)
    if event == "CONNECT":
        return say(Kind.CONNECTED, agent=agent if is_extension(agent) else extension(agent) or "")
    if event in _ENDED_BY:
        return say(Kind.ENDED, by=_ENDED_BY[event])
    return []
