"""Input for an act that fits the order as it stands: what a person would write who knows the rules."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from crm.procedure import RetypePolicy
from crm.tickets.acts.inside import latest_inner, subs
from crm.tickets.acts.refusing import ITEMS
from crm.tickets.acts.reworking import Exclude, ground_holds
from crm.tickets.case import Case
from crm.tickets.models import ReturnRequest, SupervisionCandidate
from crm.tickets.states import Act, By, Stage, State

ELEMENTS = {"occurred": "每天傍晚", "address": "胜利路", "subject": "流动摊贩", "demand": "请劝离"}
UNITS = ("cgj", "cgj", "cgj", "taoyuan", "gaj", "mzj", "gsgs", "zjj")
BELOW = {"cgj": "cgj-zfdd"}
WORDS = "经核实，情况属实"
TYPES = ("complaint", "help", "consultation", "suggestion", "opinion")
STATUTE = "CX04"
"""The matter that another law sets a limit for."""


@dataclass
class Scene:
    """The order with everything that lies around it; `case.actor` is who acts."""

    dice: random.Random
    case: Case
    units: dict[str, UUID]
    orders: list[UUID] = field(default_factory=list)
    """Other orders that the act may name."""
    limits: list[UUID] = field(default_factory=list)
    """Limits of other laws."""
    referrals: list[UUID] = field(default_factory=list)
    """Whom a caller may be put through to."""

    def unit(self) -> UUID:
        """A unit that the centre dispatches to, other than the actor's own."""
        own = self.case.actor.unit_id
        return self.dice.choice([self.units[code] for code in UNITS if self.units[code] != own])

    def rarely(self, of: float = 0.2) -> bool:
        """Whether it is one of the rare cases."""
        return self.dice.random() < of


Values = dict[str, Any] | None
Make = Callable[[Scene], Values]


def given(act: Act, scene: Scene) -> Values:
    """Input for the act; None where there is nothing that it could be done to."""
    return GIVEN[act](scene) if act in GIVEN else {}


def _order(scene: Scene) -> Values:
    lead = scene.unit()
    assists = {scene.unit() for _ in range(scene.dice.choice((0, 0, 1, 2)))} - {lead}
    hard = scene.case.ticket.report_count >= scene.case.policy[RetypePolicy].repeated_from and scene.rarely(0.5)
    order = {"lead_unit_id": lead, "assist_unit_ids": tuple(assists), "identity_checked": True, "hard": hard}
    return order | {"basis": "经研究由主办单位牵头（第十九条）"}


def _settled(scene: Scene) -> Values:
    order = _order(scene)
    assert order is not None
    order["lead_unit_id"] = scene.case.role(By.LEAD)[0].unit_id if scene.rarely() else order["lead_unit_id"]
    return order | {"decision": WORDS}


def _refusal(scene: Scene) -> Values:
    told = {"told": False, "not_told_reason": "号码无法接通"} if scene.rarely() else {"told": True}
    item = {"item": scene.dice.choice(list(ITEMS)), "basis": "某条例第三条"}
    return {**item, "explanation": WORDS, "referral": "县人民法院", **told}


def _contact(scene: Scene) -> dict[str, Any]:
    return {"contact_method": "phone", "contact_at": scene.case.at, "contact_person": "李某"}


def _answer(scene: Scene) -> Values:
    late = [part for part in scene.case.role(By.ASSIST) if part.submitted_at is None]
    if any(part.due_at is not None and scene.case.at < part.due_at for part in late):
        return None
    told = _contact(scene)
    if scene.rarely():
        told = {"contact_exception": "unreachable", "contact_note": "三次拨打均无人接听"}
    shown: dict[str, Any] = {"solved": True, "evidence": "现场照片2张"}
    if scene.rarely(0.3) and "contact_exception" not in told:
        explained = {"explained": True, "explanation": "已向诉求人说明，诉求人表示理解"}
        shown = {"close_kind": "no-basis", "citation": "某条例第三条", **explained}
    return {"text": "已派员到现场处理完毕。", "missing_assists_recorded": True, **shown, **told}


def _grade(scene: Scene) -> dict[str, Any]:
    grade = scene.dice.choice(("satisfied", "fairly-satisfied", "unsatisfied", "very-unsatisfied"))
    return {"grade": grade, "reason": scene.dice.choice(("slow", "not-adopted"))}


def _attempt(scene: Scene) -> Values:
    result = scene.dice.choice(("rated", "rated", "rated", "unreached", "declined"))
    return {"result": result} | (_grade(scene) if result == "rated" else {})


def _return(scene: Scene) -> Values:
    rework = scene.case.handling.kind == "rework"
    ground = "competence-changed" if rework else scene.dice.choice(("not-ours", "item-3"))
    return {"ground": ground, "basis": "不属于本部门职责", "suggested_unit_id": scene.unit()}


def _late_return(scene: Scene) -> Values:
    return {**(_return(scene) or {}), "document": "弋政数〔2026〕1号"}


def _extension(scene: Scene) -> Values:
    most = scene.case.handling.limit_days
    return {"ground": "complex", "explanation": WORDS, "days": scene.dice.randint(1, most)} if most else None


def _exceptional(scene: Scene) -> Values:
    made = _extension(scene)
    return made | {"document": "弋政数〔2026〕2号"} if made else None


def _city(scene: Scene) -> Values:
    return {"consents": scene.rarely(0.6), "answer": "市级来函答复"}


def _city_on_extension(scene: Scene) -> Values:
    moved = scene.rarely(0.5) and scene.case.due_at is not None
    day = (scene.case.at + timedelta(days=scene.dice.randint(5, 20))).date()
    return {**(_city(scene) or {}), **({"upstream_due": day} if moved else {})}


def _retype(scene: Scene) -> Values:
    if scene.case.ticket.sealed:
        return None
    return {"category": scene.dice.choice([one for one in TYPES if one != scene.case.category]), "reason": WORDS}


def _meeting(scene: Scene) -> Values:
    attendees = [{"unit_id": part.unit_id, "name": "王局长", "signed": True} for part in scene.case.role(By.LEAD)]
    return {"held_at": scene.case.at, "minutes": WORDS, "attendees": attendees}


def _delegate(scene: Scene) -> Values:
    own = next((code for code in BELOW if scene.units[code] == scene.case.part.unit_id), None)
    below = scene.units[BELOW[own]] if own else None
    taken = any(part.unit_id == below for part in scene.case.open_parts)
    if below is None or taken:
        return None
    latest, soon = latest_inner(scene.case), scene.case.at + timedelta(hours=20)
    return {"unit_id": below} | ({"due_at": min(latest, soon)} if latest and scene.rarely(0.5) else {})


def _sub(*stages: Stage) -> Make:
    def make(scene: Scene) -> Values:
        parts = [part.id for part in subs(scene.case) if not stages or part.stage in stages]
        return {"assignment_id": scene.dice.choice(parts), "reason": WORDS} if parts else None

    return make


def _assist(scene: Scene) -> Values:
    asked = {one.assignment_id for one in scene.case.of(ReturnRequest) if one.state == "open"}
    parts = [part.id for part in scene.case.role(By.ASSIST) if part.id in asked]
    return {"assignment_id": scene.dice.choice(parts), "reason": WORDS} if parts else None


def _candidate(state: str) -> Make:
    def make(scene: Scene) -> Values:
        found = [one.id for one in scene.case.of(SupervisionCandidate) if one.state == state]
        return {"candidate_id": scene.dice.choice(found), "reason": WORDS} if found else None

    return make


def _exclude(scene: Scene) -> Values:
    for ground in ("item-1", "item-2"):
        if ground_holds(scene.case, Exclude.model_validate({"ground": ground, "basis": WORDS})) is None:
            return {"ground": ground, "basis": WORDS}
    return None


def _named(name: str, **more: Any) -> Make:
    return lambda scene: {name: scene.dice.choice(scene.orders), **more} if scene.orders else None


def _statute(scene: Scene) -> Values:
    return {"limit_id": scene.limits[0], "reason": WORDS} if scene.case.ticket.matter == STATUTE else None


def _split(scene: Scene) -> Values:
    return {"parts": [{"category": scene.dice.choice(TYPES), "title": "路灯", "content": "路灯不亮"} | ELEMENTS]}


def _step(scene: Scene) -> Values:
    return {"name": "呈批", "needs_leader": scene.case.part.unit_id == scene.units["cgj"] and scene.rarely(0.3)}


def _classified(scene: Scene) -> Values:
    secrecy = scene.dice.choice(("none", "private", "work"))
    return {"secrecy": secrecy, "consent": scene.dice.choice(("yes", "no")), "reason": WORDS}


def _rework(scene: Scene) -> Values:
    return {"basis": WORDS} | ({"limit_days": 1} if scene.rarely() else {})


REASON: Make = lambda scene: {"reason": WORDS}  # noqa: E731
GIVEN: dict[Act, Make] = {
    Act.CORRECT: lambda scene: {"address": f"桃源路{scene.dice.randrange(100)}号"} | ELEMENTS,
    Act.ANSWER: lambda scene: {"text": "该事项可在政务大厅办理。"},
    Act.SHARE: lambda scene: {"unit_ids": [scene.unit(), scene.unit()], "kind": "praise"},
    Act.SPLIT: _split,
    Act.MERGE: _named("master_id", reason=WORDS),
    Act.REPEAT: _named("earlier_id"),
    Act.TRANSFER: lambda scene: {"referral_id": scene.dice.choice(scene.referrals)},
    Act.VOID: lambda scene: {"void_ground": "拨错号码"},
    **dict.fromkeys((Act.REFUSE, Act.SETTLE_REFUSE), _refusal),
    Act.DISPATCH: _order,
    Act.SETTLE: _settled,
    Act.INFORM: _contact,
    Act.STEP: _step,
    Act.FINISH_STEP: lambda scene: {"result": "同意办理"},
    Act.DELEGATE: _delegate,
    **dict.fromkeys((Act.APPROVE_SUB, Act.SEND_BACK_SUB), _sub(Stage.SUBMITTED)),
    Act.RECALL_SUB: _sub(),
    Act.CO_REPLY: lambda scene: {"text": "街道已安排巡查。"},
    Act.SUBMIT: _answer,
    Act.SEND_BACK: lambda scene: {"text": WORDS},
    Act.RETURN: _return,
    Act.RETURN_LATE: _late_return,
    **dict.fromkeys((Act.FORWARD_RETURN, Act.FORWARD_EXTENSION), lambda scene: {"opinion": WORDS}),
    Act.CITY_ON_RETURN: _city,
    Act.CITY_ON_EXTENSION: _city_on_extension,
    **dict.fromkeys((Act.ACCEPT_ASSIST_RETURN, Act.REFUSE_ASSIST_RETURN), _assist),
    Act.MEET: _meeting,
    Act.FILE_MINUTES: lambda scene: None,  # needs a scan
    Act.UPHOLD: lambda scene: {"decision": WORDS},
    Act.EXTEND: _extension,
    Act.EXTEND_EXCEPTIONALLY: _exceptional,
    Act.RETYPE: _retype,
    Act.APPLY_STATUTE: _statute,
    Act.FOLLOW_UP: _attempt,
    Act.RERATE: _grade,
    Act.NOT_RESPONSIBLE: lambda scene: {"basis": WORDS},
    Act.REWORK: _rework,
    Act.EXCLUDE: _exclude,
    **dict.fromkeys((Act.SUPERVISE, Act.DISMISS_CANDIDATE), _candidate("open")),
    Act.RELEASE: _candidate("confirmed"),
    Act.CLASSIFY: _classified,
    Act.ASK_IDENTITY: lambda scene: {"purpose": WORDS},
    **dict.fromkeys((Act.GRANT_IDENTITY, Act.REFUSE_IDENTITY, Act.WITHDRAW, Act.REOPEN), REASON),
    **dict.fromkeys((Act.CONFIRM_REFUSAL, Act.REJECT_REFUSAL, Act.ACCEPT_RETURN, Act.REFUSE_RETURN), REASON),
    **dict.fromkeys((Act.DISPUTE, Act.GRANT_EXTENSION, Act.REFUSE_EXTENSION, Act.UPGRADE), REASON),
    **dict.fromkeys((Act.CONFIRM_RETYPE, Act.REJECT_RETYPE), REASON),
}
"""Acts that are not here need no input."""
NAMES: dict[Act, tuple[State, ...]] = {
    Act.MERGE: (State.DISPATCHED, State.HANDLING, State.RETURNING, State.DISPUTED, State.CHECKING),
    Act.REPEAT: (*(State.CLOSED, State.FOLLOWING, State.VERIFYING, State.RATED), State.ARCHIVED, State.ANSWERED),
}
"""Acts that name another order, and in which state it must be."""
