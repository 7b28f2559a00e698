"""What every role has: the rules in force, and all subscribers, since who publishes must know who listens."""

from core.rules.keeper import RulesKeeper
from crm.alarms import subscribers as _alarms  # noqa: F401
from crm.contacts import subscribers as _contacts  # noqa: F401
from crm.drafts import subscribers as _drafts  # noqa: F401
from crm.emergencies import subscribers as _emergencies  # noqa: F401
from crm.installed import installed
from crm.notices import subscribers as _notices  # noqa: F401
from crm.rulebook import subscribers as _rulebook  # noqa: F401
from hotline.runtime import Runtime


def rules(runtime: Runtime, *, must_load: bool = True) -> RulesKeeper:
    """Each role works by what the bureau decided last."""
    lists = installed().first_lists
    return RulesKeeper(runtime.db, runtime.policy_text, runtime.apply, must_load=must_load, lists=lists)
