"""Proposing a changed policy: from a section's form or from a whole text, by whoever may."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Invalid, Unavailable
from core.permissions import Permission
from core.policy import Policy, PolicySection, parse
from core.rules import service
from core.rules.book import Rulebook
from core.rules.kinds import Kind
from core.rules.models import RuleVersion
from core.rules.text import values, write
from crm.installed import installed
from crm.rulebook.preview import Preview, of_policy


@dataclass(frozen=True)
class Draft:
    """A changed policy that nobody has proposed yet: its text, what it is based on, and what it would change."""

    text: str
    policy: Policy
    based_on: RuleVersion
    preview: Preview


async def newest(session: AsyncSession) -> tuple[RuleVersion, Policy]:
    """The version that a change starts from: the last one confirmed, in force or not yet.

    Raises Unavailable in the moment in which this process does not know it yet.
    """
    chain = await service.confirmed(session, Kind.POLICY)
    policy = installed().rules.policy_of(chain[-1].version) if chain else None
    if policy is None:
        raise Unavailable("rules-not-loaded", "运行规则正在载入，请稍后再试。")
    return chain[-1], policy


async def draft_section(session: AsyncSession, actor: Actor, section: PolicySection) -> Draft:
    """One section changed, the rest as it is."""
    actor.require(Permission.POLICY_PROPOSE)
    base, policy = await newest(session)
    return _draft(write(policy, section), base, policy)


async def draft_text(session: AsyncSession, actor: Actor, text: str) -> Draft:
    """A whole text. Raises Invalid with what is wrong in it."""
    actor.require(Permission.POLICY_PROPOSE)
    base, policy = await newest(session)
    return _draft(text, base, policy)


async def propose(
    session: AsyncSession, actor: Actor, text: str, *, based_on: UUID, since: datetime, document: str, note: str
) -> RuleVersion:
    """Lay it before a second person. Raises Invalid, or Conflict when something else was confirmed meanwhile."""
    _parsed(text)
    return await service.propose(
        session, actor, Kind.POLICY, text, based_on=based_on, since=since, document=document, note=note
    )


def preview_of(row: RuleVersion, chain: list[RuleVersion]) -> Preview | None:
    """What a stored proposal changes, for the person who confirms it; None when its base is not known here."""
    base = next((one for one in chain if one.id == row.based_on), None)
    policy = installed().rules.policy_of(base.version) if base else None
    return of_policy(policy, parse(row.text), installed().calendar) if policy else None


def in_force_since(book: Rulebook, at: datetime) -> dict[tuple[str, str], datetime]:
    """A01-1: for each value of the policy in force at `at`, from when on it has stood as it stands."""
    since: dict[tuple[str, str], datetime] = {}
    last: dict[tuple[str, str], object] = {}
    for enacted in (one for one in book.policies if one.since <= at):
        for section in enacted.policy.sections.values():
            for one in values(section):
                key = (one.section, one.name)
                if key not in last or last[key] != one.value:
                    since[key], last[key] = enacted.since, one.value
    return since


def _draft(text: str, base: RuleVersion, policy: Policy) -> Draft:
    changed = _parsed(text)
    preview = of_policy(policy, changed, installed().calendar)
    if not preview.changes and changed.issued == policy.issued and changed.title == policy.title:
        raise Invalid("nothing-changed", "与现有的运行规则没有差别。")
    return Draft(text, changed, base, preview)


def _parsed(text: str) -> Policy:
    try:
        return parse(text)
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={"text": error.message[:1000]}) from error
