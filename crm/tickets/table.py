"""The life of an order as one table, to be read beside 第十二条: which act, by whom, in which state, to which.

Everything comes from these lines: what `perform` allows, what desks and the API offer, the diagram in the docs, and
the tests of every state, act and role.
"""

from collections.abc import Mapping, Sequence

from core.db import Base
from core.permissions import Permission as P
from crm.tickets.acts import (
    checking,
    closing,
    dispatching,
    disputing,
    ending,
    extending,
    forwarding,
    inside,
    intake,
    refusing,
    replying,
    returning,
    retyping,
    reworking,
    signing,
)
from crm.tickets.guards import (
    accused_has_no_part,
    files_are_of_the_order,
    has_category,
    has_content,
    has_title,
    report_names_nobody,
    units_exist,
)
from crm.tickets.models import (
    Dispute,
    Extension,
    FollowUp,
    InternalStep,
    Rating,
    Refusal,
    Reply,
    ReturnRequest,
    Retype,
    SupervisionCandidate,
)
from crm.tickets.rules import Line
from crm.tickets.states import DISPATCHED_ONCE, OPEN, WITH_UNITS, Act, By, Stage, State

S, C = State, By.CENTRE


def one(*states: State) -> frozenset[State]:
    """These states."""
    return frozenset(states)


# fmt: off
TABLE: tuple[Line, ...] = (
    # 受理 第十二条(一)
    Line(Act.CORRECT, C, OPEN, None, P.ORDER_EDIT, intake.correct, "第十二条(一)",
         guards=(intake.matter_is_known, intake.area_is_known)),
    Line(Act.CONFIRM, C, one(S.DRAFT), S.CONFIRMED, P.ORDER_EDIT, intake.confirm, "第十二条(一)",
         conditions=(has_category, has_content, has_title)),
    Line(Act.ANSWER, C, OPEN, S.ANSWERED, P.ORDER_EDIT, ending.answer, "第十三条",
         conditions=(has_category, has_content, has_title, refusing.none_waits),
         guards=(ending.item_has_its_version,), reads=(Refusal,)),
    Line(Act.MERGE, C, OPEN, S.MERGED, P.ORDER_EDIT, ending.merge, "第十二条(一)",
         conditions=(has_content, has_title), guards=(ending.master_is_open, ending.master_is_no_secret)),
    Line(Act.REPEAT, C, OPEN, None, P.ORDER_EDIT, ending.repeat, "第十三条",
         guards=(ending.earlier_has_ended, ending.earlier_is_no_secret)),
    Line(Act.SPLIT, C, OPEN, None, P.ORDER_EDIT, ending.split, "第九条",
         guards=(ending.every_part_is_whole,)),
    Line(Act.VOID, C, OPEN, S.VOID, P.ORDER_EDIT, intake.void, "第十二条(一)",
         guards=(intake.has_reason,)),
    # 不予受理 第十条、第十一条
    Line(Act.REFUSE, C, OPEN, None, P.ORDER_EDIT, refusing.refuse_or_propose, "第十条",
         when=("须第二人复核的各项", refusing.needs_second), conditions=(has_content, refusing.none_waits),
         guards=(refusing.told_or_why_not, refusing.basis_is_cited), reads=(Refusal,)),
    Line(Act.REFUSE, C, OPEN, S.REFUSED, P.ORDER_EDIT, refusing.refuse_or_propose, "第十条",
         conditions=(has_content, refusing.none_waits), guards=(refusing.told_or_why_not, refusing.basis_is_cited),
         reads=(Refusal,)),
    Line(Act.CONFIRM_REFUSAL, C, OPEN, S.REFUSED, P.ORDER_SECOND, refusing.confirm_refusal, "第十条",
         conditions=(refusing.one_waits, refusing.second_person), reads=(Refusal,)),
    Line(Act.REJECT_REFUSAL, C, OPEN, None, P.ORDER_SECOND, refusing.reject_refusal, "第十条",
         conditions=(refusing.one_waits, refusing.second_person), reads=(Refusal,)),
    Line(Act.REOPEN, C, one(S.REFUSED, S.ANSWERED), S.DRAFT, P.ORDER_EDIT, refusing.reopen, "第十条",
         reads=(Refusal,)),
    # 派单 第十二条(二)、第十九条
    Line(Act.DISPATCH, C, OPEN, S.DISPATCHED, P.ORDER_DISPATCH, dispatching.dispatch, "第十二条(二)、第十三条",
         conditions=(dispatching.regulation_is_in_force, has_category, has_content, has_title, report_names_nobody,
             refusing.none_waits),
         guards=(dispatching.has_lead, units_exist, accused_has_no_part, dispatching.power_is_listed,
             dispatching.several_units_are_cited, dispatching.identity_checked, dispatching.hard_is_repeated),
         reads=(Refusal,)),
    # 签收 第十三条、抄送 第五条
    Line(Act.SIGN, By.LEAD, one(S.DISPATCHED), S.HANDLING, P.ORDER_HANDLE, signing.sign, "第十三条"),
    Line(Act.SIGN, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, signing.sign, "第十三条",
         stages=frozenset({Stage.TO_SIGN})),
    Line(Act.SIGN, By.SUB, WITH_UNITS, None, P.ORDER_HANDLE, signing.sign, "第十三条",
         stages=frozenset({Stage.TO_SIGN})),
    Line(Act.ACKNOWLEDGE, By.COPY, WITH_UNITS, None, P.ORDER_HANDLE, signing.acknowledge, "第五条"),
    # 单位内部办理 第八条(三)(六)
    Line(Act.STEP, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, inside.open_a_step, "第八条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.no_step_is_open,), guards=(inside.step_lies_inside,),
         reads=(InternalStep,)),
    Line(Act.STEP, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, inside.open_a_step, "第八条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.no_step_is_open,), guards=(inside.step_lies_inside,),
         reads=(InternalStep,)),
    Line(Act.STEP, By.SUB, WITH_UNITS, None, P.ORDER_HANDLE, inside.open_a_step, "第八条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.no_step_is_open,), guards=(inside.step_lies_inside,),
         reads=(InternalStep,)),
    Line(Act.FINISH_STEP, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, inside.finish_step, "第八条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.a_step_is_open,), reads=(InternalStep,)),
    Line(Act.FINISH_STEP, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, inside.finish_step, "第八条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.a_step_is_open,), reads=(InternalStep,)),
    Line(Act.FINISH_STEP, By.SUB, WITH_UNITS, None, P.ORDER_HANDLE, inside.finish_step, "第八条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.a_step_is_open,), reads=(InternalStep,)),
    Line(Act.DELEGATE, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, inside.delegate, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.inner_is_possible,),
         guards=(units_exist, accused_has_no_part, inside.sub_has_no_part, inside.inner_due_is_earlier)),
    Line(Act.DELEGATE, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, inside.delegate, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), conditions=(inside.inner_is_possible,),
         guards=(units_exist, accused_has_no_part, inside.sub_has_no_part, inside.inner_due_is_earlier)),
    Line(Act.APPROVE_SUB, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, inside.approve_sub, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(inside.sub_is_mine, inside.sub_has_answered), reads=(Reply,)),
    Line(Act.APPROVE_SUB, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, inside.approve_sub, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(inside.sub_is_mine, inside.sub_has_answered), reads=(Reply,)),
    Line(Act.SEND_BACK_SUB, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, inside.send_back_sub, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(inside.sub_is_mine, inside.sub_has_answered), reads=(Reply,)),
    Line(Act.SEND_BACK_SUB, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, inside.send_back_sub, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(inside.sub_is_mine, inside.sub_has_answered), reads=(Reply,)),
    Line(Act.RECALL_SUB, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, inside.recall_sub, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(inside.sub_is_mine,), reads=(Reply,)),
    Line(Act.RECALL_SUB, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, inside.recall_sub, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(inside.sub_is_mine,), reads=(Reply,)),
    # 退回与争议 第十二条(三)
    Line(Act.RETURN, By.LEAD, one(S.HANDLING), S.DISPUTED, P.ORDER_HANDLE, returning.apply_return, "第十二条(三)",
         when=("本工单再次申请退回，或改派意见单位曾退回", returning.is_disputed),
         conditions=(returning.window_is_open, inside.subs_are_done),
         guards=(files_are_of_the_order, returning.rework_is_not_returned, returning.return_is_founded, units_exist,
             returning.suggests_another), reads=(ReturnRequest,)),
    Line(Act.RETURN, By.LEAD, one(S.HANDLING), S.RETURNING, P.ORDER_HANDLE, returning.apply_return, "第十二条(三)",
         conditions=(returning.window_is_open, inside.subs_are_done),
         guards=(files_are_of_the_order, returning.rework_is_not_returned, returning.return_is_founded, units_exist,
             returning.suggests_another), reads=(ReturnRequest,)),
    Line(Act.RETURN, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, returning.apply_return, "第十二条(三)",
         stages=frozenset({Stage.HANDLING}), conditions=(returning.window_is_open, inside.subs_are_done),
         guards=(files_are_of_the_order, returning.rework_is_not_returned, returning.return_is_founded, units_exist,
             returning.suggests_another), reads=(ReturnRequest,)),
    Line(Act.RETURN_LATE, C, one(S.HANDLING), S.RETURNING, P.ORDER_OVERSEE, returning.return_late, "第十二条(三)",
         guards=(files_are_of_the_order, returning.rework_is_not_returned, returning.return_is_founded, units_exist)),
    Line(Act.FORWARD_RETURN, C, one(S.RETURNING), None, P.ORDER_REVIEW, forwarding.forward_return, "第十二条(三)",
         conditions=(forwarding.from_the_city, forwarding.return_is_open), reads=(ReturnRequest,)),
    Line(Act.CITY_ON_RETURN, C, one(S.RETURNING), None, P.ORDER_REVIEW, forwarding.city_on_return, "第十二条(三)",
         conditions=(forwarding.return_is_forwarded,), reads=(ReturnRequest,)),
    Line(Act.ACCEPT_RETURN, C, one(S.RETURNING), S.CONFIRMED, P.ORDER_REVIEW, returning.accept_return, "第十二条(三)",
         conditions=(returning.not_disputed, forwarding.city_has_consented_to_return),
         reads=(ReturnRequest, Extension, Retype)),
    Line(Act.REFUSE_RETURN, C, one(S.RETURNING), S.HANDLING, P.ORDER_REVIEW, returning.refuse_return, "第十二条(三)",
         guards=(returning.compensation_is_due,), reads=(ReturnRequest,)),
    Line(Act.ACCEPT_ASSIST_RETURN, C, WITH_UNITS, None, P.ORDER_REVIEW, returning.accept_assist_return,
         "第十二条(三)",
         conditions=(returning.not_disputed,), guards=(returning.assist_has_asked,), reads=(ReturnRequest,)),
    Line(Act.ACCEPT_ASSIST_RETURN, C, WITH_UNITS, None, P.ORDER_OVERSEE, returning.accept_assist_return,
         "第十二条(三)",
         guards=(returning.assist_has_asked,), reads=(ReturnRequest,)),
    Line(Act.REFUSE_ASSIST_RETURN, C, WITH_UNITS, None, P.ORDER_REVIEW, returning.refuse_assist_return,
         "第十二条(三)",
         guards=(returning.assist_has_asked,), reads=(ReturnRequest,)),
    Line(Act.DISPUTE, C, one(S.RETURNING, S.HANDLING), S.DISPUTED, P.ORDER_REVIEW, disputing.call_dispute,
         "第十二条(三)",
         reads=(ReturnRequest,)),
    Line(Act.DISPUTE, C, one(S.RETURNING, S.HANDLING), S.DISPUTED, P.ORDER_OVERSEE, disputing.call_dispute,
         "第十二条(三)",
         reads=(ReturnRequest,)),
    Line(Act.MEET, C, one(S.DISPUTED), None, P.ORDER_OVERSEE, disputing.record_meeting, "第十二条(三)",
         guards=(units_exist, disputing.meeting_is_past, disputing.returning_unit_sat_there), reads=(Dispute,)),
    Line(Act.UPHOLD, C, one(S.DISPUTED), S.HANDLING, P.ORDER_VERIFY, disputing.uphold, "第十二条(三)",
         conditions=(disputing.meeting_was_held,), reads=(Dispute, ReturnRequest)),
    Line(Act.SETTLE, C, one(S.DISPUTED), S.DISPATCHED, P.ORDER_VERIFY, dispatching.dispatch_after_dispute,
         "第十二条(三)",
         conditions=(disputing.meeting_was_held, report_names_nobody),
         guards=(dispatching.has_lead, units_exist, accused_has_no_part, dispatching.power_is_listed,
             dispatching.identity_checked, dispatching.hard_is_repeated),
         reads=(Dispute, ReturnRequest, Extension, Retype)),
    Line(Act.SETTLE_REFUSE, C, one(S.DISPUTED), S.REFUSED, P.ORDER_VERIFY, refusing.refuse_after_dispute,
         "第十二条(三)、第十条",
         conditions=(disputing.meeting_was_held,), guards=(refusing.told_or_why_not, refusing.basis_is_cited),
         reads=(Dispute, ReturnRequest, Extension, Retype)),
    # 延期 第十五条
    Line(Act.EXTEND, By.LEAD, one(S.HANDLING), None, P.ORDER_HANDLE, extending.apply_extension, "第十五条",
         conditions=(extending.before_due, extending.once, extending.none_pending),
         guards=(extending.not_longer_than_the_limit,)),
    Line(Act.FORWARD_EXTENSION, C, WITH_UNITS, None, P.ORDER_REVIEW, forwarding.forward_extension, "第十五条",
         conditions=(forwarding.from_the_city, forwarding.extension_is_open), reads=(Extension,)),
    Line(Act.CITY_ON_EXTENSION, C, WITH_UNITS, None, P.ORDER_REVIEW, forwarding.city_on_extension, "第十五条",
         conditions=(forwarding.extension_is_forwarded,), reads=(Extension,)),
    Line(Act.GRANT_EXTENSION, C, WITH_UNITS, None, P.ORDER_REVIEW, extending.grant, "第十五条",
         conditions=(extending.one_pending, forwarding.city_has_consented_to_extension), reads=(Extension,)),
    Line(Act.REFUSE_EXTENSION, C, WITH_UNITS, None, P.ORDER_REVIEW, extending.refuse, "第十五条",
         conditions=(extending.one_pending,), reads=(Extension,)),
    Line(Act.EXTEND_EXCEPTIONALLY, C, one(S.HANDLING), None, P.ORDER_EXCEPT, extending.extend_exceptionally,
         "第十五条",
         conditions=(extending.before_due, extending.none_pending), guards=(extending.not_longer_than_the_limit,)),
    # 改类与特别时限 第十三条
    Line(Act.RETYPE, C, WITH_UNITS, None, P.ORDER_REVIEW, retyping.retype_or_propose, "第十三条",
         conditions=(retyping.before_due, retyping.no_retype_waits),
         guards=(retyping.another_category, retyping.report_stays_sealed), reads=(Retype, Extension)),
    Line(Act.CONFIRM_RETYPE, C, WITH_UNITS, None, P.ORDER_SECOND, retyping.confirm_retype, "第十三条",
         conditions=(retyping.retype_waits, retyping.second_person, retyping.before_due), reads=(Retype, Extension)),
    Line(Act.REJECT_RETYPE, C, WITH_UNITS, None, P.ORDER_SECOND, retyping.reject_retype, "第十三条",
         conditions=(retyping.retype_waits, retyping.second_person), reads=(Retype, Extension)),
    Line(Act.UPGRADE, C, WITH_UNITS, None, P.ORDER_REVIEW, retyping.upgrade, "第十三条",
         conditions=(retyping.reported_often, retyping.before_due, retyping.limit_of_category), reads=(Extension,)),
    Line(Act.APPLY_STATUTE, C, WITH_UNITS, None, P.ORDER_REVIEW, retyping.apply_statute, "第十三条",
         conditions=(retyping.before_due,), guards=(retyping.limit_applies,)),
    # 答复 第十二条(四)
    Line(Act.CO_REPLY, By.ASSIST, WITH_UNITS, None, P.ORDER_HANDLE, replying.co_reply, "第八条(四)",
         stages=frozenset({Stage.HANDLING}), guards=(files_are_of_the_order,),
         conditions=(inside.subs_are_done, inside.steps_are_done),
         reads=(InternalStep,)),
    Line(Act.CO_REPLY, By.SUB, WITH_UNITS, None, P.ORDER_HANDLE, replying.co_reply, "第八条(六)",
         stages=frozenset({Stage.HANDLING}), guards=(files_are_of_the_order,),
         conditions=(inside.subs_are_done, inside.steps_are_done),
         reads=(InternalStep,)),
    Line(Act.SUBMIT, By.LEAD, one(S.HANDLING), S.CHECKING, P.ORDER_HANDLE, replying.submit, "第十二条(四)(六)",
         conditions=(inside.subs_are_done, inside.steps_are_done),
         guards=(files_are_of_the_order, replying.contact_is_proven, replying.contact_lies_in_the_handling,
             replying.names_no_third_person,
             replying.second_kind_is_cited, replying.assists_have_replied), reads=(InternalStep,)),
    # 办结 第十二条(六)
    Line(Act.PASS, C, one(S.CHECKING), S.CLOSED, P.ORDER_CHECK, checking.pass_reply, "第十二条(六)",
         conditions=(checking.checker_did_not_reply,), reads=(Reply, Extension, Retype)),
    Line(Act.SEND_BACK, C, one(S.CHECKING), S.HANDLING, P.ORDER_CHECK, checking.send_back, "第十二条(四)",
         conditions=(checking.checker_did_not_reply,), reads=(Reply,)),
    # 回访与评价 第十二条(七)(八)
    Line(Act.FOLLOW_UP, C, one(S.ANSWERED, S.CLOSED, S.FOLLOWING), S.RATED, P.ORDER_FOLLOW_UP, closing.follow_up,
         "第十二条(七)(八)",
         when=("满意或基本满意", closing.rated_well), guards=(closing.rating_is_whole,), reads=(FollowUp, Rating)),
    Line(Act.FOLLOW_UP, C, one(S.ANSWERED, S.CLOSED, S.FOLLOWING), S.VERIFYING, P.ORDER_FOLLOW_UP, closing.follow_up,
         "第十二条(七)(八)",
         when=("不满意或非常不满意", closing.rated_badly), guards=(closing.rating_is_whole,),
         reads=(FollowUp, Rating)),
    Line(Act.FOLLOW_UP, C, one(S.ANSWERED, S.CLOSED, S.FOLLOWING), S.RATED, P.ORDER_FOLLOW_UP, closing.follow_up,
         "第十二条(七)(八)",
         when=("拒访、号码错误、不要求回访，或已按规定次数回访未接通：未评价", closing.tried_enough),
         guards=(closing.rating_is_whole,), reads=(FollowUp, Rating)),
    Line(Act.FOLLOW_UP, C, one(S.ANSWERED, S.CLOSED, S.FOLLOWING), S.FOLLOWING, P.ORDER_FOLLOW_UP, closing.follow_up,
         "第十二条(七)(八)",
         guards=(closing.rating_is_whole,), reads=(FollowUp, Rating)),
    Line(Act.NOT_RESPONSIBLE, C, one(S.VERIFYING), S.RATED, P.ORDER_VERIFY, closing.not_responsible, "第十二条(七)",
         reads=(Rating,)),
    Line(Act.EXCLUDE, C, one(S.VERIFYING), S.RATED, P.ORDER_OVERSEE, reworking.exclude, "第二十六条",
         guards=(reworking.ground_holds,), reads=(Rating, Reply)),
    Line(Act.REWORK, C, one(S.VERIFYING), S.DISPATCHED, P.ORDER_VERIFY, reworking.order_rework, "第十二条(七)",
         conditions=(reworking.was_dispatched,), guards=(reworking.not_longer,), reads=(Rating,)),
    # 督办候选 第十二条(五)(七)
    Line(Act.SUPERVISE, C, DISPATCHED_ONCE, None, P.ORDER_OVERSEE, reworking.confirm_candidate, "第十二条(五)",
         guards=(reworking.candidate_is_open,), reads=(SupervisionCandidate,)),
    Line(Act.DISMISS_CANDIDATE, C, DISPATCHED_ONCE, None, P.ORDER_OVERSEE, reworking.dismiss_candidate,
         "第十二条(五)",
         guards=(reworking.candidate_is_open,), reads=(SupervisionCandidate,)),
    Line(Act.RELEASE, C, DISPATCHED_ONCE, None, P.ORDER_OVERSEE, reworking.release, "第十二条(五)",
         guards=(reworking.candidate_is_confirmed,), reads=(SupervisionCandidate,)),
    # 归档 第十二条(九)
    Line(Act.ARCHIVE, C, one(S.RATED, S.ANSWERED), S.ARCHIVED, P.ORDER_ARCHIVE, closing.archive, "第十二条(九)",
         conditions=(closing.no_supervision_is_open,), reads=(SupervisionCandidate,)),
)
# fmt: on


def _by_act() -> dict[Act, tuple[Line, ...]]:
    found: dict[Act, tuple[Line, ...]] = {}
    for line in TABLE:
        found[line.act] = (*found.get(line.act, ()), line)
    return found


BY_ACT: Mapping[Act, tuple[Line, ...]] = _by_act()
READS: Mapping[Act, Sequence[type[Base]]] = {
    act: tuple(dict.fromkeys(kind for line in lines for kind in line.reads)) for act, lines in BY_ACT.items()
}
