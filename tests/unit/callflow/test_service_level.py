"""The connection rate is never rounded up to a standard that was missed."""

import pytest

from callflow.agents.rules import parse_places, write_places
from callflow.agents.timeline import OFFLINE, OUT, QUIET, READY, TALKING, Point, Side, current
from callflow.board.rules import Level
from core.clock import now
from core.errors import Invalid


@pytest.mark.parametrize(
    ("asked", "connected", "rate", "met"),
    [(100, 95, "95.0%", True), (10_000, 9_499, "94.9%", False), (3, 2, "66.7%", False), (0, 0, "—", True)],
)
def test_the_connection_rate_of_the_standard(asked: int, connected: int, rate: str, met: bool) -> None:
    level = Level(asked, connected, 0)
    assert (level.connected_rate, level.met) == (rate, met)


def test_queues_are_written_with_their_penalties_and_read_back() -> None:
    queues = {"hotline": 0, "dialect": 5, "enterprise": 10}
    assert parse_places([*write_places(queues), ""]) == queues
    for wrong in ("dialect:7", "dialect:x", "dialect:-5", "dialect:٥"):
        with pytest.raises(Invalid, match="no-queue"):
            parse_places([wrong])


def test_what_an_agent_does_now_and_since_when() -> None:
    early = now()
    late = early.replace(year=early.year + 1)

    def state(intent: str, device: str, *, device_later: bool = True) -> tuple[str, bool]:
        points = (
            Point(Side.INTENT, intent, early if device_later else late),
            Point(Side.DEVICE, device, late if device_later else early),
        )
        found, since = current(*points)
        return found, since == late

    assert current(None, None) == (OUT, None)
    assert state(READY, QUIET) == (READY, True)
    assert state("meal", OFFLINE) == ("meal", False), "the telephone that went later changes nothing"
    assert state(READY, OFFLINE, device_later=False) == (OFFLINE, True)
    assert state("meal", TALKING, device_later=False) == (TALKING, False)
