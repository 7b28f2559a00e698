"""What each role's process loads: all that it must know, and not what only another role needs."""

import json
import subprocess
import sys
from typing import Any

import pytest

from core.events import SUBSCRIBERS
from core.jobs import JOBS
from hotline.models import metadata
from hotline.wiring import ROLES
from hotline.wiring.common import rules  # noqa: F401 - whoever publishes knows all subscribers
from web.pages.jobs import WORDS

pytestmark = pytest.mark.xdist_group("wiring")  # each role is started once, in one process

TELL = """
import json, sys
from core.db import Base
from core.events import SUBSCRIBERS
from core.jobs import JOBS
from hotline import wiring
wiring.load(sys.argv[1])
print(json.dumps({
    "subscribers": {event: sorted(job.name for job in jobs) for event, jobs in SUBSCRIBERS.items()},
    "jobs": sorted(JOBS), "tables": sorted(Base.metadata.tables), "modules": sorted(sys.modules),
}))
"""


@pytest.fixture(scope="module", params=ROLES)
def loaded(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A role, and what its process knows and has loaded."""
    told = subprocess.run([sys.executable, "-c", TELL, request.param], check=True, capture_output=True, text=True)
    return request.param, json.loads(told.stdout)


def test_whoever_publishes_knows_who_listens(loaded: tuple[str, dict[str, Any]]) -> None:
    _, of_role = loaded
    here = {
        event: sorted(job.name for job in jobs if job.name in WORDS) for event, jobs in SUBSCRIBERS.items()
    }  # without what other tests subscribe
    assert of_role["subscribers"] == {event: names for event, names in here.items() if names}
    assert set(of_role["jobs"]) == set(WORDS) <= set(JOBS)
    assert of_role["tables"] == sorted(metadata().tables)


def test_only_the_web_role_loads_the_desks(loaded: tuple[str, dict[str, Any]]) -> None:
    role, of_role = loaded
    assert ("web.routes" in of_role["modules"]) == (role == "web")


def test_what_is_seldom_asked_for_is_loaded_then(loaded: tuple[str, dict[str, Any]]) -> None:
    """A start and a restart cost each module that they load, in each role."""
    _, of_role = loaded
    assert not {"openapi_pydantic", "crm.sms.smpp", "crm.sms.cmpp.gateway"} & set(of_role["modules"])
