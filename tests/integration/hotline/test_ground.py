"""A start that cannot succeed says why and leaves nothing running."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.errors import Unavailable
from hotline.ground import Ground
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.softphone import free_port


@pytest.fixture
def home() -> Iterator[Path]:
    """A short folder, for a socket's path is short."""
    with TemporaryDirectory(prefix="hl-g-", dir="/tmp") as folder:
        yield Path(folder)


def runtime(home: Path, bind: str) -> Runtime:
    line = {name: free_port() for name in ("sip_port", "ami_port", "agi_port", "websocket_port")}
    return Runtime(Settings(home=home, line={"bind": bind, **line}))  # type: ignore[arg-type]


async def test_given_an_address_of_another_machine_then_the_line_does_not_pretend(home: Path) -> None:
    one = runtime(home, "192.0.2.99")
    ground = Ground(one)
    with pytest.raises(Unavailable, match=r"没有监听，设置为 192\.0\.2\.99:\d+") as error:
        await ground.start()
    assert error.value.id == "line-not-listening"
    assert not ground.node.alive()
    assert one.postgres
    assert one.postgres.pid() is None


async def test_given_a_database_that_ran_before_then_a_failed_start_leaves_it_alone(home: Path) -> None:
    one = runtime(home, "192.0.2.99")
    assert one.postgres
    one.postgres.start()
    try:
        with pytest.raises(Unavailable):
            await Ground(one).start()
        assert one.postgres.pid()
    finally:
        one.postgres.stop()


async def test_given_a_ground_that_stands_then_another_start_adopts_it(home: Path) -> None:
    one = runtime(home, "127.0.0.1")
    first = Ground(one)
    await first.start()
    try:
        pids = (first.node.pid, one.postgres and one.postgres.pid())
        assert all(pids)
        second = Ground(one)
        await second.start()
        assert (second.node.pid, one.postgres and one.postgres.pid()) == pids
    finally:
        await first.stop()
    assert not first.node.alive()
