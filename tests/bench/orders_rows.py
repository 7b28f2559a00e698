"""Rows of orders as COPY reads them: each with its rounds, parts, events, replies, ratings, messages and words."""

import json
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from crm.clocks import days_as_json, rules_at
from crm.county.categories import Category
from crm.installed import Installation
from crm.policy import LimitsPolicy
from crm.search import words
from crm.tickets.states import OPEN, WITH_UNITS, State
from tests.bench.orders_days import state_of
from tests.bench.orders_story import Callers, Story, Teller

NULL = "\\N"
AGENTS = ("王丽", "张强", "刘静", "李建国")
COLUMNS = {
    "tickets": "id number query_code query_failures state version source caller_phone caller_name anonymous"
    " confidential sealed category matter title content address area occurred proposals accepted"
    " report_count opened_at updated_at first_dispatched_at due_at lead_unit_id closed_at accepted_at"
    " state_since provisional hard extension_pending extensions returns supervision_level",
    "rounds": "id ticket_id n kind dispatched_at limit_days due_at provisional days policy_version calendar_version"
    " closed_at",
    "assignments": "id ticket_id round_id unit_id role stage basis dispatched_at sign_due_at due_at signed_at"
    " submitted_at accepted_at closed_at outcome",
    "ticket_events": "id ticket_id seq at act actor_name origin article reason before after",
    "replies": "id ticket_id round_id assignment_id role text close_kind citation explained overdue_assists"
    " contact_method contact_at contact_reference contact_note publish_ok attachments submitted_at due_at state",
    "follow_ups": "id ticket_id round_id n at result contacted words",
    "ratings": "id ticket_id round_id unit_id at grade solved source",
    "sms": 'id key ticket_id "to" text state reason attempts created_at submitted_at delivered_at updated_at',
    "ticket_words": "ticket_id opened_at words",
}
CLOSED = frozenset(State) - OPEN - WITH_UNITS
Rows = dict[str, list[str]]


class Writer:
    """Writes orders of one county; `units` by code."""

    def __init__(self, installation: Installation, units: dict[str, UUID], callers: Callers, present: datetime) -> None:
        self._here, self._units, self._callers, self._present = installation, units, callers, present
        self._teller = Teller(installation)
        self._due = cache(self._due_of)

    def day(self, day: date, moments: list[datetime], dice: random.Random) -> Rows:
        """All rows of one day's orders."""
        rows: Rows = defaultdict(list)
        for n, at in enumerate(moments, 1):
            self._order(rows, f"YY{day:%Y%m%d}-{n:05d}", at, dice)
        return rows

    def _due_of(self, day: date, limit: int) -> tuple[datetime, str, str, str]:
        rules = rules_at(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
        assert rules is not None
        found = rules.due(datetime(day.year, day.month, day.day, 4, tzinfo=UTC), limit)
        return found.at, json.dumps(days_as_json(found)), rules.policy.version, rules.calendar.version

    def _order(self, rows: Rows, number: str, at: datetime, dice: random.Random) -> None:
        story, state, id = self._teller.tell(dice), state_of(self._present - at, dice), uuid(at, dice)
        caller = self._callers.pick(dice)
        route = self._here.catalogue.route(story.matter.code, story.place.area)
        lead = self._units[route.lead or "zwzx"]
        sent = state in WITH_UNITS or state in (
            State.CLOSED,
            State.FOLLOWING,
            State.VERIFYING,
            State.RATED,
            State.ARCHIVED,
        )
        limit = self._here.policy[LimitsPolicy].of(story.category)
        dispatched = at + timedelta(minutes=dice.randint(3, 25))
        due, days, policy, calendar = self._due(dispatched.date(), limit)
        done = dispatched + timedelta(hours=dice.uniform(4, 24 * limit * 1.2))
        done = min(done, self._present - timedelta(minutes=1))
        closed = done if state in CLOSED else None
        seq = self._history(rows, id, dice, state, at, dispatched, done, number)
        sealed, confidential = story.category is Category.REPORT, dice.random() < 0.03
        accepted = json.dumps({"title": {"name": dice.choice(AGENTS)}}, ensure_ascii=False)
        who = self._callers.sealed[caller], self._callers.names[caller % len(self._callers.names)]
        rows["tickets"].append(
            line(
                id, number, f"{dice.randrange(10**6):06d}", 0, state, seq, "phone", *who, False, confidential, sealed,
                story.category, story.matter.code, story.title, story.content, story.address, story.place.area, "",
                "{}", accepted, 1, at, closed or dispatched, dispatched if sent else None, due if sent else None,
                lead if sent else None, closed, at, closed or dispatched, False, False, False, 0, 0, 0,
            )
        )  # fmt: skip
        units = set()
        if sent:
            units = self._handling(rows, id, dice, state, story, lead, route.assist, dispatched, due, limit, days, done)
            rows["rounds"][-1] = rows["rounds"][-1].replace("@policy", policy).replace("@calendar", calendar)
            text = f"【弋阳12345】您的诉求已受理，编号{number}，查询码可致电12345查询办理情况。"
            message = uuid(dispatched, dice)
            rows["sms"].append(
                line(message, f"receipt:{id}", id, who[0], text, "delivered", "", 1, dispatched, dispatched, dispatched,
                     dispatched)
            )  # fmt: skip
        rows["ticket_words"].append(line(id, at, vector(story, units, at)))

    def _handling(
        self, rows: Rows, id: UUID, dice: random.Random, state: State, story: Story, lead: UUID,
        assist: tuple[str, ...], at: datetime, due: datetime, limit: int, days: str, done: datetime,
    ) -> set[UUID]:  # fmt: skip
        """The round and its parts -> the units."""
        round_id, part = uuid(at, dice), uuid(at, dice)
        over = state in CLOSED
        rows["rounds"].append(
            line(round_id, id, 1, "first", at, limit, due, False, days, "@policy", "@calendar", done if over else None)
        )
        signed = None if state is State.DISPATCHED else min(at + timedelta(hours=dice.uniform(0.2, 9)), done)
        stage = "done" if over else {State.DISPATCHED: "to-sign", State.CHECKING: "submitted"}.get(state, "handling")
        submitted = done if over or state is State.CHECKING else None
        units = {lead}
        ends = done if over else None
        rows["assignments"].append(
            line(part, id, round_id, lead, "lead", stage, "权责清单", at, at + timedelta(days=1), due, signed,
                 submitted, ends, ends, "accepted" if over else None)
        )  # fmt: skip
        if assist and dice.random() < 0.3:
            unit = self._units[assist[0]]
            units.add(unit)
            rows["assignments"].append(
                line(uuid(at, dice), id, round_id, unit, "assist", stage, "权责清单", at, at + timedelta(days=1), due,
                     signed, submitted, ends, ends, "replied" if over else None)
            )  # fmt: skip
        if submitted:
            text = (
                f"经现场核实，{story.title}情况属实。我单位已安排人员处理，并与诉求人电话联系说明情况，诉求人表示认可。"
            )
            rows["replies"].append(
                line(uuid(done, dice), id, round_id, part, "lead", text, "handled", "", True, "[]", "phone", done, "",
                     "", True, "[]", done, due, "passed" if over else "submitted")
            )  # fmt: skip
        if state in (State.RATED, State.ARCHIVED, State.VERIFYING):
            bad = state is State.VERIFYING
            rows["follow_ups"].append(line(uuid(done, dice), id, round_id, 1, done, "rated", True, "处理得比较及时"))
            grade = (
                "unsatisfied" if bad else dice.choice(("satisfied", "satisfied", "very-satisfied", "fairly-satisfied"))
            )
            rows["ratings"].append(line(uuid(done, dice), id, round_id, lead, done, grade, not bad, "phone"))
        return units

    def _history(
        self, rows: Rows, id: UUID, dice: random.Random, state: State, at: datetime, dispatched: datetime,
        done: datetime, number: str,
    ) -> int:  # fmt: skip
        """The events -> the order's version."""
        acts: list[tuple[str, datetime]] = [("open", at), ("correct", at + timedelta(minutes=2))]
        if state in (State.VOID, State.REFUSED, State.ANSWERED, State.MERGED):
            acts.append(({"void": "void", "refused": "refuse", "answered": "answer"}.get(state, "merge"), dispatched))
        elif state is not State.DRAFT:
            acts.append(("confirm", at + timedelta(minutes=3)))
        if state in WITH_UNITS or state in CLOSED - {State.VOID, State.REFUSED, State.ANSWERED, State.MERGED}:
            acts.append(("dispatch", dispatched))
            acts += [("sign", dispatched + timedelta(hours=1))] if state is not State.DISPATCHED else []
            acts += [("submit", done)] if state not in (State.DISPATCHED, State.HANDLING) else []
            acts += [("pass", done)] if state in CLOSED else []
            acts += [("follow-up", done)] if state in (State.RATED, State.ARCHIVED, State.VERIFYING) else []
            acts += [("archive", done)] if state is State.ARCHIVED else []
        for seq, (act, moment) in enumerate(acts, 1):
            after = json.dumps({"number": number, "act": act, "accepted": ["title", "content", "category"]})
            rows["ticket_events"].append(
                line(uuid(moment, dice), id, seq, moment, act, dice.choice(AGENTS), "desk", "第十二条", "", "{}", after)
            )
        return len(acts)


def vector(story: Story, units: set[UUID], at: datetime) -> str:
    """The row of the search index, as `crm.search.index` makes it."""
    kept = words.lexemes(f"{story.title}\n{story.content}\n{story.address}")
    kept |= {words.TITLE + one for one in words.lexemes(story.title)}
    kept |= {words.unit(unit) for unit in units} | words.opened(at.date())
    if story.place.area:
        kept.add(words.area(story.place.area))
    return " ".join(f"'{one}'" for one in kept)


def uuid(at: datetime, dice: random.Random) -> UUID:
    """A UUID version 7 of that moment."""
    bits = dice.getrandbits(74)
    return UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (2**62 - 1))


def line(*values: Any) -> str:
    """One line of COPY's text format; none of our texts holds a tab, a line end or a backslash."""
    return "\t".join(map(field, values)) + "\n"


def field(value: Any) -> str:
    """One value."""
    if value is None:
        return NULL
    if value is True or value is False:
        return "t" if value else "f"
    return value if isinstance(value, str) else str(value)
