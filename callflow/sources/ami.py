"""Live events of the manager interface: what app_queue says of its members."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from callflow.sources.channels import extension

AUTO_PAUSE = "Auto-Pause"
"""The reason that app_queue gives when it pauses a member who did not answer (`autopause`)."""


class Device(StrEnum):
    """How an agent's telephone is (AST_DEVICE_*)."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    TALKING = "talking"
    UNAVAILABLE = "unavailable"
    RINGING = "ringing"
    ON_HOLD = "on-hold"


_DEVICES = {
    "1": Device.IDLE,
    "2": Device.TALKING,
    "3": Device.TALKING,  # busy: the endpoint allows one call (device_state_busy_at)
    "4": Device.UNAVAILABLE,  # invalid
    "5": Device.UNAVAILABLE,
    "6": Device.RINGING,
    "7": Device.RINGING,  # ringing while in use
    "8": Device.ON_HOLD,
}


@dataclass(frozen=True)
class Member:
    """A member of a queue, as app_queue describes it."""

    queue: str
    extension: str
    device: Device
    paused: bool
    reason: str
    penalty: int
    in_call: bool
    calls_taken: int
    last_call_at: datetime | None
    paused_at: datetime | None
    """When app_queue last paused this member, in whole seconds."""


def moment(event: Mapping[str, str], received: datetime) -> datetime:
    """When it happened: `timestampevents` stamps with microseconds; else when it was received."""
    with contextlib.suppress(KeyError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(float(event["Timestamp"]), UTC)
    return received


def member(event: Mapping[str, str]) -> Member | None:
    """The member that a QueueMember... event describes; None for members that are no agent's telephone."""
    number = extension(event.get("Interface") or event.get("Location") or event.get("StateInterface") or "")
    if not number or not event.get("Queue"):
        return None
    return Member(
        queue=event["Queue"],
        extension=number,
        device=_DEVICES.get(event.get("Status", ""), Device.UNKNOWN),
        paused=event.get("Paused") == "1",
        reason=event.get("PausedReason", "")[:40],
        penalty=_count(event.get("Penalty")),
        in_call=event.get("InCall") == "1",
        calls_taken=_count(event.get("CallsTaken")),
        last_call_at=_instant(event.get("LastCall")),
        paused_at=_instant(event.get("LastPause")),
    )


def _instant(text: str | None) -> datetime | None:
    seconds = _count(text)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _count(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 11 else 0
