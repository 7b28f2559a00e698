"""The county and the rules that this process works by; the rules follow what the bureau decides."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import callflow.menu
import callflow.policy  # noqa: F401 - their sections belong to the policy file
import crm.accuracy_policy
import crm.conflicts_policy
import crm.datarequests_policy
import crm.duty_policy
import crm.emergencies_policy
import crm.knowledge_policy
import crm.letters_policy
import crm.notices_policy
import crm.operations_policy
import crm.policy
import crm.procedure
import crm.retention_policy
import crm.scope_policy
import crm.scoring_policy
import crm.secrecy_policy  # noqa: F401 - likewise
import recordings.desk.policy
import recordings.policy  # noqa: F401 - likewise
from core import policy
from core.calendar import WorkCalendar, official
from core.clock import now
from core.policy import Policy
from core.rules.book import Rulebook
from core.rules.kinds import Kind
from crm.county.lists import PowerList, first_catalogue, first_powers, read_catalogue, read_powers
from crm.county.load import County, load
from crm.county.places import Gazetteer
from crm.county.route import Catalogue


@dataclass(frozen=True, eq=False)
class Installation:
    """One county with its rules."""

    county: County
    rules: Rulebook

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self.rules.present(now())

    @property
    def calendar(self) -> WorkCalendar:
        """The newest calendar."""
        return self.rules.calendar

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """The county's places, ready to be found in words."""
        return Gazetteer(self.county)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The dispatch catalogue in force, ready to be asked; before one was stored that of the county's file."""
        stored = self.rules.lists.get(Kind.CATALOGUE)
        return read_catalogue(self.county, stored.text) if stored else Catalogue(self.county)

    @cached_property
    def powers(self) -> PowerList:
        """The power list 权责清单 in force, likewise."""
        stored = self.rules.lists.get(Kind.POWERS)
        return read_powers(self.county, stored.text if stored else first_powers(self.county))

    @property
    def first_lists(self) -> dict[Kind, str]:
        """The county's files as the first versions of its lists."""
        return {Kind.CATALOGUE: first_catalogue(self.county), Kind.POWERS: first_powers(self.county)}


_installed: Installation | None = None


def read(folder: Path) -> Installation:
    """The installation that a county's folder describes. Raises `Invalid` with what is wrong in which file."""
    return Installation(load(folder), Rulebook.first(policy.load(policy_file(folder)), official()))


def policy_file(folder: Path) -> Path:
    """The policy of the county in `folder`: the first version of its rules."""
    return folder / "policy.toml"


def use(installation: Installation) -> None:
    """Set this process's installation: at start, and when its rules changed."""
    global _installed
    _installed = installation


def installed() -> Installation:
    """What `use` set."""
    if _installed is None:
        raise RuntimeError("orders need their county: call crm.installed.use first")
    return _installed
