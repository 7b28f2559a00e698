"""The life of an order as one table, to be read beside 第十二条: which act, by whom, in which state, to which.

Everything comes from these lines: what `perform` allows, what desks and the API offer, the diagram in the docs, and
the tests of every state, act and role.
"""

from collections.abc import Mapping, Sequence

from core.db import Base
from core.permissions import Permission as P
from crm.tickets.acts import checking, closing, dispatching, intake, replying, signing
from crm.tickets.guards import (
    accused_has_no_part,
    has_category,
    has_content,
    has_title,
    report_names_nobody,
    units_exist,
)
from crm.tickets.models import FollowUp, Rating, Reply, SupervisionCandidate
from crm.tickets.rules import Line
from crm.tickets.states import OPEN, WITH_UNITS, Act, By, Stage, State

S, C = State, By.CENTRE


def one(*states: State) -> frozenset[State]:
    """These states."""
    return frozenset(states)


TABLE: tuple[Line, ...] = (
    # 受理 第十二条(一)
    Line(
        Act.CORRECT,
        C,
        OPEN,
        None,
        P.ORDER_EDIT,
        intake.correct,
        "第十二条(一)",
        guards=(intake.matter_is_known, intake.area_is_known),
    ),
    Line(
        Act.CONFIRM,
        C,
        one(S.DRAFT),
        S.CONFIRMED,
        P.ORDER_EDIT,
        intake.confirm,
        "第十二条(一)",
        conditions=(has_category, has_content, has_title),
    ),
    Line(Act.VOID, C, OPEN, S.VOID, P.ORDER_EDIT, intake.void, "第十二条(一)", guards=(intake.has_reason,)),
    # 派单 第十二条(二)
    Line(
        Act.DISPATCH,
        C,
        OPEN,
        S.DISPATCHED,
        P.ORDER_DISPATCH,
        dispatching.dispatch,
        "第十二条(二)、第十三条",
        conditions=(
            dispatching.regulation_is_in_force,
            has_category,
            has_content,
            has_title,
            report_names_nobody,
        ),
        guards=(dispatching.has_lead, units_exist, accused_has_no_part, dispatching.identity_checked),
    ),
    # 办理 第十二条(三)
    Line(Act.SIGN, By.LEAD, one(S.DISPATCHED), S.HANDLING, P.ORDER_HANDLE, signing.sign, "第十三条"),
    Line(
        Act.SIGN,
        By.ASSIST,
        WITH_UNITS,
        None,
        P.ORDER_HANDLE,
        signing.sign,
        "第十三条",
        stages=frozenset({Stage.TO_SIGN}),
    ),
    Line(Act.ACKNOWLEDGE, By.COPY, WITH_UNITS, None, P.ORDER_HANDLE, signing.acknowledge, "第五条"),
    # 答复 第十二条(四)
    Line(
        Act.CO_REPLY,
        By.ASSIST,
        WITH_UNITS,
        None,
        P.ORDER_HANDLE,
        replying.co_reply,
        "第十二条(二)、第八条(四)",
        stages=frozenset({Stage.HANDLING}),
    ),
    Line(
        Act.SUBMIT,
        By.LEAD,
        one(S.HANDLING),
        S.CHECKING,
        P.ORDER_HANDLE,
        replying.submit,
        "第十二条(四)(六)",
        guards=(
            replying.contact_is_proven,
            replying.contact_lies_in_the_handling,
            replying.second_kind_is_cited,
            replying.assists_have_replied,
        ),
    ),
    # 办结 第十二条(六)
    Line(
        Act.PASS,
        C,
        one(S.CHECKING),
        S.CLOSED,
        P.ORDER_CHECK,
        checking.pass_reply,
        "第十二条(六)",
        conditions=(checking.checker_did_not_reply,),
        reads=(Reply,),
    ),
    Line(
        Act.SEND_BACK,
        C,
        one(S.CHECKING),
        S.HANDLING,
        P.ORDER_CHECK,
        checking.send_back,
        "第十二条(四)",
        conditions=(checking.checker_did_not_reply,),
        reads=(Reply,),
    ),
    # 回访 第十二条(七)
    *(
        Line(
            Act.FOLLOW_UP,
            C,
            one(S.CLOSED, S.FOLLOWING),
            after,
            P.ORDER_FOLLOW_UP,
            closing.follow_up,
            "第十二条(七)(八)",
            when=when,
            guards=(closing.rating_is_whole,),
            reads=(FollowUp, Rating),
        )
        for after, when in (
            (S.RATED, ("满意或基本满意", closing.rated_well)),
            (S.VERIFYING, ("不满意或非常不满意", closing.rated_badly)),
            (S.RATED, ("拒访、号码错误、不要求回访，或已按规定次数回访未接通：未评价", closing.tried_enough)),
            (S.FOLLOWING, None),
        )
    ),
    Line(
        Act.NOT_RESPONSIBLE,
        C,
        one(S.VERIFYING),
        S.RATED,
        P.ORDER_VERIFY,
        closing.not_responsible,
        "第十二条(七)",
        reads=(Rating,),
    ),
    # 归档 第十二条(九)
    Line(
        Act.ARCHIVE,
        C,
        one(S.RATED),
        S.ARCHIVED,
        P.ORDER_ARCHIVE,
        closing.archive,
        "第十二条(九)",
        conditions=(closing.no_supervision_is_open,),
        reads=(SupervisionCandidate,),
    ),
)


def _by_act() -> dict[Act, tuple[Line, ...]]:
    found: dict[Act, tuple[Line, ...]] = {}
    for line in TABLE:
        found[line.act] = (*found.get(line.act, ()), line)
    return found


BY_ACT: Mapping[Act, tuple[Line, ...]] = _by_act()
READS: Mapping[Act, Sequence[type[Base]]] = {
    act: tuple(dict.fromkeys(kind for line in lines for kind in line.reads)) for act, lines in BY_ACT.items()
}
