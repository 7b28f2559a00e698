"""What shares an instance runs in one process, one after the other."""

import pytest


@pytest.mark.xdist_group("together")
def test_a_group_is_known_to_those_who_distribute_it(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("loadgroup", False):  # as pytest-xdist tells its processes
        assert request.node.nodeid.endswith("@together"), "without its name in the id a group is spread silently"
