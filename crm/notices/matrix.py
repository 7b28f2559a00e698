"""The notification matrix as one table: which act or timer tells whom, through which channel, in which words.

The inbox reaches persons by their role, those of a unit only where the unit itself is concerned. An SMS to staff goes
to the unit's duty phone, one for each unit and event, and where the matrix says so to the mobiles of its leaders; one
to the citizen goes to the number of the order.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.permissions import Role as R
from crm.tickets.states import Act


class Which(StrEnum):
    """The units that are concerned."""

    NONE = "none"
    NEW = "new"
    """To which the order went with this act."""
    LEAD = "lead"
    """主办 of the newest round."""
    ASKED = "asked"
    """That applied to return the order last."""
    PARTIES = "parties"
    """主办, and whoever returned the order before: the units of a dispute."""
    SUBJECT = "subject"
    """Whose part the timer looked at."""
    COPIED = "copied"
    """抄送: the competent departments of the newest round's enterprises (第五条)."""
    ABOVE = "above"
    """To which the sub-unit answers whose part the timer looked at (第八条(六))."""
    READERS = "readers"
    """To which the order went for information (D12)."""
    BELOW = "below"
    """Sub-units that have yet to sign."""


@dataclass(frozen=True)
class Row:
    """One cell group of the matrix. `state`: only where the act led there."""

    template: str
    which: Which = Which.NONE
    unit: tuple[R, ...] = ()
    unit_sms: bool = False
    leader_sms: bool = False
    """Also to the mobiles of the unit's leaders."""
    centre: tuple[R, ...] = ()
    citizen: bool = False
    state: str | None = None
    moved: bool = False
    """Only where the act moved the due: a 特批 of a city's order waits for the city first (D33)."""
    of_master: bool = False
    """The number that is told is the one of the order that this one was merged into (D28)."""
    merged: bool = False
    """To the citizens whose orders were merged into this one, each number once; their own words, for it is the order's
    own citizen who is called afterwards (D28)."""


CLERK, BOTH = (R.UNIT_CLERK,), (R.UNIT_CLERK, R.UNIT_LEADER)
LEAD, NEW, ASKED, PARTIES, SUBJECT = Which.LEAD, Which.NEW, Which.ASKED, Which.PARTIES, Which.SUBJECT
COPIED, ABOVE, BELOW = Which.COPIED, Which.ABOVE, Which.BELOW
_COPIED = Row("copied", COPIED, CLERK)
_DISPATCHED = (Row("dispatched", NEW, CLERK, unit_sms=True), _COPIED)
_EXTENDED = (Row("extended", LEAD, CLERK, moved=True), Row("citizen_extended", citizen=True, moved=True))
_DECIDED = (Row("return_decided", ASKED, CLERK),)
_DISPUTE = (Row("dispute", PARTIES, BOTH, True, True, (R.SUPERVISOR, R.BUREAU_LEADER, R.DIRECTOR), state="disputed"),)
_IDENTITY = (Row("identity_decided", LEAD, CLERK),)
UNMASKED = Row("unmasked", SUBJECT, (R.UNIT_LEADER,), centre=(R.DIRECTOR,))
"""Somebody saw the citizen of an order in full (第二十二条)."""
_UNSATISFIED = (Row("unsatisfied", centre=(R.DIRECTOR, R.SUPERVISOR), state="verifying"),)

ON_ACT: dict[Act, tuple[Row, ...]] = {
    Act.MERGE: (Row("citizen_merged", citizen=True, of_master=True),),
    Act.SHARE: (Row("shared", Which.READERS, CLERK),),
    Act.CONFIRM_REFUSAL: (Row("citizen_refused", citizen=True),),
    Act.DISPATCH: _DISPATCHED,
    Act.SETTLE: _DISPATCHED,
    Act.ACCEPT_RETURN: _DECIDED,
    Act.REFUSE_RETURN: _DECIDED,
    Act.ACCEPT_ASSIST_RETURN: _DECIDED,
    Act.REFUSE_ASSIST_RETURN: _DECIDED,
    Act.RETURN: _DISPUTE,
    Act.DISPUTE: _DISPUTE,
    Act.GRANT_EXTENSION: _EXTENDED,
    Act.EXTEND_EXCEPTIONALLY: _EXTENDED,
    Act.REFUSE_EXTENSION: (Row("not_extended", LEAD, CLERK),),
    Act.SEND_BACK: (Row("sent_back", LEAD, CLERK, unit_sms=True),),
    Act.PASS: (
        Row("to_follow_up", centre=(R.FOLLOW_UP,)),
        Row("citizen_closed", citizen=True),
        Row("citizen_merged_closed", merged=True),
    ),
    Act.FOLLOW_UP: _UNSATISFIED,
    Act.RERATE: _UNSATISFIED,
    Act.REWORK: (Row("rework", LEAD, BOTH, unit_sms=True, leader_sms=True), _COPIED),
    Act.ASK_IDENTITY: (Row("identity_asked", centre=(R.DIRECTOR,)),),
    Act.GRANT_IDENTITY: _IDENTITY,
    Act.REFUSE_IDENTITY: _IDENTITY,
    Act.SUPERVISE: (Row("copied_supervised", COPIED, BOTH),),
    Act.DELEGATE: (Row("dispatched", BELOW, CLERK, unit_sms=True),),
}

_EARLY = (Row("due", SUBJECT, CLERK),)
_ESCALATED = (Row("escalated", centre=(R.DIRECTOR,)),)

ON_TIMER: dict[str, tuple[Row, ...]] = {
    "lead-early-long": _EARLY,
    "lead-early-short": _EARLY,
    "lead-last": (Row("due", SUBJECT, CLERK, unit_sms=True),),
    "lead-today": (Row("due", SUBJECT, BOTH, unit_sms=True, leader_sms=True),),
    "lead-overdue": (
        Row("overdue", SUBJECT, BOTH, True, True, (R.DIRECTOR, R.SUPERVISOR)),
        Row("copied_overdue", COPIED, BOTH),
    ),
    "assist-last": (Row("due", SUBJECT, CLERK, unit_sms=True),),
    "assist-overdue": (
        Row("overdue", SUBJECT, BOTH, True, True, (R.DIRECTOR,)),
        Row("assist_missing", LEAD, CLERK),
    ),
    "sub-last": (Row("due", SUBJECT, CLERK, unit_sms=True),),
    "sub-overdue": (Row("overdue", SUBJECT, CLERK, unit_sms=True), Row("sub_missing", ABOVE, BOTH)),
    "sub-unsigned": (Row("unsigned", SUBJECT, CLERK, unit_sms=True), Row("sub_missing", ABOVE, CLERK)),
    "inner-overdue": (Row("inner", SUBJECT, BOTH),),
    "step-overdue": (Row("inner", SUBJECT, BOTH),),
    "inform-overdue": (Row("inform", SUBJECT, CLERK),),
    "sign-today": (Row("sign", SUBJECT, CLERK),),
    "sign-soon": (Row("sign", SUBJECT, CLERK, unit_sms=True),),
    "sign-overdue": (Row("unsigned", SUBJECT, BOTH, True, True, (R.SHIFT_LEAD, R.DISPATCHER)),),
    "sign-escalated": (Row("unsigned", centre=(R.SUPERVISOR, R.DIRECTOR)),),
    "dispatch-soon": (Row("escalated", centre=(R.DISPATCHER,)),),
    "emergency-undispatched": (Row("escalated", centre=(R.SHIFT_LEAD,)),),
    "dispatch-missed": (Row("escalated", centre=(R.SHIFT_LEAD,)),),
    "return-undecided": _ESCALATED,
    "dispute-not-held": (Row("escalated", centre=(R.BUREAU_LEADER,)),),
    "extension-undecided": _ESCALATED,
    "reply-unchecked": _ESCALATED,
    "follow-up-missed": _ESCALATED,
    "verification-missed": _ESCALATED,
}
