"""The first county, and an invented one that shares nothing with it."""

import pytest
from invented_county import invent

from crm import installed
from crm.installed import Installation


@pytest.fixture(scope="session")
def yiyang(installation: Installation) -> Installation:
    return installation


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return installed.read(invent(tmp_path_factory.mktemp("yunhe")))


@pytest.fixture(autouse=True)
def in_force(yiyang: Installation) -> None:
    installed.use(yiyang)
