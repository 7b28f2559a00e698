"""What every role has: the rules in force, and all subscribers and jobs, since who publishes must know who listens."""

from core.rules.keeper import RulesKeeper
from core.service import Loop, Service
from crm.alarms import subscribers as _alarms  # noqa: F401
from crm.contacts import subscribers as _contacts  # noqa: F401
from crm.datarequests import jobs as _datarequests  # noqa: F401
from crm.dossiers import checking as _checking  # noqa: F401
from crm.dossiers import exporting as _exporting  # noqa: F401
from crm.dossiers import jobs as _dossiers  # noqa: F401
from crm.drafts import subscribers as _drafts  # noqa: F401
from crm.emergencies import subscribers as _emergencies  # noqa: F401
from crm.finding import subscribers as _finding  # noqa: F401
from crm.installed import installed
from crm.notices import subscribers as _notices  # noqa: F401
from crm.retention import execution as _execution  # noqa: F401 - its job
from crm.retention import subscribers as _retention  # noqa: F401
from crm.rulebook import subscribers as _rulebook  # noqa: F401
from hotline.runtime import Runtime
from recordings.settings import RecordingSettings
from recordings.store.masters import MasterKeys

DEVICE_EVERY_S = 30.0


def rules(runtime: Runtime, *, must_load: bool = True) -> RulesKeeper:
    """Each role works by what the bureau decided last."""
    lists = installed().first_lists
    return RulesKeeper(runtime.db, runtime.policy_text, runtime.apply, must_load=must_load, lists=lists)


def key_device(settings: RecordingSettings, masters: MasterKeys) -> list[Service]:
    """How the device that holds master keys is, where one is set up: each process has a session of its own on it."""

    async def look() -> None:
        await masters.known()
        if settings.pkcs11:
            await masters.present()

    devices = settings.pkcs11 or settings.pkcs11_former
    return [Loop("密码设备", DEVICE_EVERY_S, look)] if devices else []
