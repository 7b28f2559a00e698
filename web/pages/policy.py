"""Rule console 运行规则 (F06-1, F31-1): what is in force with its basis, and changing it by two persons."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

import crm.installed  # noqa: F401 - defines every section of the policy
from core.clock import SHANGHAI, local, now
from core.errors import NotFound
from core.permissions import Permission
from core.policy import SECTIONS, PolicySection
from core.rules import service
from core.rules.kinds import Kind, Standing
from core.rules.models import RuleVersion
from core.rules.service import LONGEST_TEXT
from core.rules.text import section_title, values, write
from crm.conflicts_policy import ConflictsPolicy
from crm.installed import installed
from crm.rulebook import policy
from crm.rulebook.policy import Draft
from crm.rulebook.readings import in_force, readings
from web import rule_form
from web.context import Context
from web.pages.regulations import own_articles
from web.route import Asks, Nothing, Route

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class OneSection(Asks):
    """A section, by the name of its table."""

    key: str


class WholeText(Asks):
    """The policy as a text."""

    text: Text


class Proposal(WholeText):
    """What a second person shall confirm; `since` is a Shanghai wall time."""

    based_on: UUID
    since: datetime
    document: Annotated[str, Field(max_length=120)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


class OneVersion(Asks):
    """A version."""

    id: UUID


class Withdrawal(OneVersion):
    """A version, and why it is withdrawn."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """The rules in force, section by section, and the versions."""
    present = installed().policy
    rows = await service.versions(ctx.session, Kind.POLICY)
    return await ctx.page(
        "policy.html",
        place="policy",
        policy=present,
        sections=[(one.key, section_title(one), list(values(one))) for one in present.sections.values()],
        since=policy.in_force_since(installed().rules, now()),
        conflicts=present[ConflictsPolicy],
        own=own_articles(),
        readings=[(id, one, in_force(present, one)) for id, one in readings().items()],
        versions=[(row, standing(row, rows)) for row in rows],
        waiting=[row for row in rows if row.state == Standing.PROPOSED],
        may_propose=ctx.actor.may(Permission.POLICY_PROPOSE),
    )


def standing(row: RuleVersion, rows: list[RuleVersion]) -> tuple[str, str]:
    """How a version stands now: the word and its tone."""
    if row.state != Standing.CONFIRMED:
        return Standing(row.state).label, "warn" if row.state == Standing.PROPOSED else ""
    at = now()
    if row.since is not None and row.since > at:
        return "待生效", "act"
    since = [one.since for one in rows if one.state == Standing.CONFIRMED and one.since and one.since <= at]
    return ("现行", "good") if row.since == max(since) else ("已被取代", "")


async def edit(ctx: Context, asked: OneSection) -> web.Response:
    """The form of one section, filled with the newest version."""
    base, newest = await policy.newest(ctx.session)
    section = newest.sections.get(asked.key)
    if section is None:
        raise NotFound("no-such-section", "运行规则中没有这一部分。")
    return await ctx.page(
        "policy_section.html",
        place="policy",
        key=asked.key,
        title=section_title(section),
        fields=rule_form.fields(section),
        base=base,
        later=base.since if base.since and base.since > now() else None,
    )


def _shows(kind: type[PolicySection]) -> Any:
    async def show(ctx: Context, asked: Asks) -> web.Response:
        """What a changed section would change."""
        return await _preview(
            ctx, await policy.draft_section(ctx.session, ctx.actor, rule_form.section(kind, asked)), f"/{kind.key}"
        )

    return show


async def text(ctx: Context, asked: Nothing) -> web.Response:
    """The newest version as a text."""
    base, newest = await policy.newest(ctx.session)
    return await ctx.page("policy_text.html", place="policy", text=write(newest), base=base)


async def show_text(ctx: Context, asked: WholeText) -> web.Response:
    """What a changed text would change."""
    return await _preview(ctx, await policy.draft_text(ctx.session, ctx.actor, asked.text), "")


async def _preview(ctx: Context, draft: Draft, section: str) -> web.Response:
    first = max(now() + timedelta(days=1), draft.based_on.since or now())
    return await ctx.page(
        "policy_preview.html",
        place="policy",
        draft=draft,
        preview=draft.preview,
        back=f"/policy/sections{section}" if section else "/policy/text",
        since=f"{local(first).date() + timedelta(days=1)}T00:00",
    )


async def propose(ctx: Context, asked: Proposal) -> web.Response:
    """Lay a change before a second person."""
    since = asked.since if asked.since.tzinfo else asked.since.replace(tzinfo=SHANGHAI)
    row = await policy.propose(
        ctx.session,
        ctx.actor,
        asked.text,
        based_on=asked.based_on,
        since=since,
        document=asked.document,
        note=asked.note,
    )
    return ctx.redirect(f"/policy/versions/{row.id}", "规则变更已提出，等待另一人确认。")


async def version(ctx: Context, asked: OneVersion) -> web.Response:
    """One version: who decided what, and what it changes."""
    row = await service.one(ctx.session, Kind.POLICY, asked.id)
    rows = await service.versions(ctx.session, Kind.POLICY)
    proposed = row.state == Standing.PROPOSED
    decides = ctx.actor.may(Permission.POLICY_CONFIRM) or ctx.actor.may(Permission.POLICY_PROPOSE)
    coming = row.state == Standing.CONFIRMED and row.since is not None and row.since > now() + service.AHEAD
    return await ctx.page(
        "policy_version.html",
        place="policy",
        row=row,
        standing=standing(row, rows),
        preview=policy.preview_of(row, rows),
        may_confirm=proposed and ctx.actor.may(Permission.POLICY_CONFIRM) and ctx.actor.user_id != row.proposed_by,
        own=proposed and ctx.actor.user_id == row.proposed_by,
        may_withdraw=decides and (proposed or coming),
    )


async def confirm(ctx: Context, asked: OneVersion) -> web.Response:
    """The second person's yes."""
    row = await service.confirm(ctx.session, ctx.actor, Kind.POLICY, asked.id)
    return ctx.redirect(f"/policy/versions/{row.id}", "规则变更已确认，将按所定时间生效。")


async def withdraw(ctx: Context, asked: Withdrawal) -> web.Response:
    """Take back what is not yet in force."""
    row = await service.withdraw(ctx.session, ctx.actor, Kind.POLICY, asked.id, asked.reason)
    return ctx.redirect(f"/policy/versions/{row.id}", "规则变更已撤回。")


P = Permission
DRAFT = ("rules-not-loaded", "nothing-changed", "bad-policy")
PROPOSE = (
    "bad-policy",
    "rules-changed-meanwhile",
    "not-in-the-future",
    "too-far-ahead",
    "before-the-last",
    "no-document",
    "rules-too-long",
)
SETTLE = ("no-such-version", "settled-meanwhile")
ROUTES: tuple[Route[Any], ...] = (
    Route("GET", "/policy", P.POLICY_VIEW, Nothing, index, "运行规则"),
    Route(
        "GET", "/policy/sections/{key}", P.POLICY_PROPOSE, OneSection, edit, "修改规则的一部分",
        ("no-such-section", "rules-not-loaded"),
    ),
    *(
        Route(
            "POST", f"/policy/sections/{key}", P.POLICY_PROPOSE, rule_form.asks(kind), _shows(kind),
            f"预览变更：{section_title(kind)}", DRAFT,
        )
        for key, kind in SECTIONS.items()
    ),
    Route("GET", "/policy/text", P.POLICY_PROPOSE, Nothing, text, "规则全文", ("rules-not-loaded",)),
    Route("POST", "/policy/text", P.POLICY_PROPOSE, WholeText, show_text, "预览全文的变更", DRAFT),
    Route("POST", "/policy/proposals", P.POLICY_PROPOSE, Proposal, propose, "提出规则变更", PROPOSE),
    Route("GET", "/policy/versions/{id}", P.POLICY_VIEW, OneVersion, version, "规则的一个版本", ("no-such-version",)),
    Route(
        "POST", "/policy/versions/{id}/confirm", P.POLICY_CONFIRM, OneVersion, confirm, "确认规则变更",
        (*SETTLE, "second-person", "rules-changed-meanwhile", "not-in-the-future", "before-the-last"),
    ),
    Route(
        "POST", "/policy/versions/{id}/withdraw", (P.POLICY_PROPOSE, P.POLICY_CONFIRM), Withdrawal, withdraw,
        "撤回规则变更", (*SETTLE, "no-reason", "in-force-already", "others-follow"),
    ),
)  # fmt: skip
