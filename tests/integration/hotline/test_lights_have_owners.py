"""Whatever a process of this product can report on the health board has a runbook and an owner."""

from pathlib import Path

import pytest

from core.db import Database
from crm import installed
from crm.operations_policy import OperationsPolicy
from hotline import wiring
from hotline.runtime import Runtime
from hotline.settings import Settings
from web.runbook import runbooks, topic_of

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"
OPERATORS = ("smpp", "cmpp", "mas")


@pytest.mark.proves("A06-3")
@pytest.mark.parametrize(
    ("role", "gateway"), [*((role, "console") for role in wiring.ROLES), *(("worker", one) for one in OPERATORS)]
)
async def test_every_part_of_every_role_has_a_runbook_and_an_owner(
    db: Database, home: Path, role: str, gateway: str
) -> None:
    installed.use(installed.read(COUNTY))
    recordings = {"pkcs11": {"module": "/usr/lib/softhsm/libsofthsm2.so", "token": "hotline"}}
    settings = Settings(home=home, database_url=db.dsn, sms={"gateway": gateway}, recordings=recordings)  # type: ignore[arg-type]
    runtime = Runtime(settings)
    try:
        parts = [(await service.health()).part for service in wiring.load(role)(runtime)]
    finally:
        await runtime.db.close()
    assert parts
    owned = {light for one in runbooks().values() for light in one.lights}
    assert set(parts) <= owned, "a new part belongs into `lights` of a file in web/runbooks/"
    policy = installed.installed().policy[OperationsPolicy]
    for part in (role, *parts):
        assert policy.owner(topic_of(f"{role}@node1：{part}")).post
