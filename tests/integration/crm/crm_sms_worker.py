"""The worker of SMS jobs as a process that can really be killed: `python crm_sms_worker.py URL SETTINGS`.

It is the product's own worker and gateway; only the time after which a killed worker's jobs go to another is
shortened.
"""

import asyncio
import sys
from pathlib import Path

from callflow import current
from callflow.policy import LinePolicy
from core import jobs, personal
from core.db import Database
from crm import installed
from crm.settings import SmsSettings
from crm.sms import service  # noqa: F401 - its jobs are what this process runs
from crm.sms.outlet import SmsOutlet

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"
KEY = b"a master key that only tests ever use"


async def main(url: str, settings: SmsSettings) -> None:
    """Work until killed."""
    jobs.STALLED_AFTER_S, jobs.SWEEP_EVERY_S, jobs.HEARTBEAT_S, jobs.POLL_S = 2.0, 0.5, 0.5, 0.5
    personal.use_keys(personal.Keys.derive(KEY))
    installation = installed.read(COUNTY)
    installed.use(installation)
    current.use(installation.policy[LinePolicy])
    db = Database(url, pool_size=5)
    outlet = SmsOutlet.from_settings(settings, db)
    await outlet.start()
    await jobs.Worker(db, services={SmsOutlet: outlet}).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], SmsSettings.model_validate_json(sys.argv[2])))
