"""The notification matrix as one table: which act or timer tells whom, through which channel, in which words.

The inbox reaches persons by their role, those of a unit only where the unit itself is concerned. An SMS to staff goes
to the unit's duty phone, one for each unit and event; one to the citizen goes to the number of the order.
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
    SUBJECT = "subject"
    """Whose part the timer looked at."""


@dataclass(frozen=True)
class Row:
    """One cell group of the matrix. `state`: only where the act led there."""

    template: str
    which: Which = Which.NONE
    unit: tuple[R, ...] = ()
    unit_sms: bool = False
    centre: tuple[R, ...] = ()
    citizen: bool = False
    state: str | None = None
    of_master: bool = False
    """The number that is told is the one of the order that this one was merged into (D28)."""


CLERK, BOTH = (R.UNIT_CLERK,), (R.UNIT_CLERK, R.UNIT_LEADER)
LEAD, NEW, ASKED, SUBJECT = Which.LEAD, Which.NEW, Which.ASKED, Which.SUBJECT
_DISPATCHED = (Row("dispatched", NEW, CLERK, unit_sms=True),)
_EXTENDED = (Row("extended", LEAD, CLERK), Row("citizen_extended", citizen=True))
_DECIDED = (Row("return_decided", ASKED, CLERK),)
_DISPUTE = (Row("dispute", LEAD, BOTH, True, (R.SUPERVISOR, R.BUREAU_LEADER, R.DIRECTOR), state="disputed"),)

ON_ACT: dict[Act, tuple[Row, ...]] = {
    Act.MERGE: (Row("citizen_merged", citizen=True, of_master=True),),
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
    Act.PASS: (Row("to_follow_up", centre=(R.FOLLOW_UP,)), Row("citizen_closed", citizen=True)),
    Act.FOLLOW_UP: (Row("unsatisfied", centre=(R.DIRECTOR, R.SUPERVISOR), state="verifying"),),
    Act.REWORK: (Row("rework", LEAD, BOTH, unit_sms=True),),
}

_EARLY = (Row("due", SUBJECT, CLERK),)
_ESCALATED = (Row("escalated", centre=(R.DIRECTOR,)),)

ON_TIMER: dict[str, tuple[Row, ...]] = {
    "lead-early-long": _EARLY,
    "lead-early-short": _EARLY,
    "lead-last": (Row("due", SUBJECT, CLERK, unit_sms=True),),
    "lead-today": (Row("due", SUBJECT, BOTH, unit_sms=True),),
    "lead-overdue": (Row("overdue", SUBJECT, BOTH, True, (R.DIRECTOR, R.SUPERVISOR)),),
    "assist-last": (Row("due", SUBJECT, CLERK, unit_sms=True),),
    "assist-overdue": (
        Row("overdue", SUBJECT, BOTH, True, (R.DIRECTOR,)),
        Row("assist_missing", LEAD, CLERK),
    ),
    "sign-today": (Row("sign", SUBJECT, CLERK),),
    "sign-soon": (Row("sign", SUBJECT, CLERK, unit_sms=True),),
    "sign-overdue": (Row("unsigned", SUBJECT, BOTH, True, (R.SHIFT_LEAD, R.DISPATCHER)),),
    "sign-escalated": (Row("unsigned", centre=(R.SUPERVISOR, R.DIRECTOR)),),
    "dispatch-soon": (Row("escalated", centre=(R.DISPATCHER,)),),
    "dispatch-missed": (Row("escalated", centre=(R.SHIFT_LEAD,)),),
    "return-undecided": _ESCALATED,
    "dispute-not-held": (Row("escalated", centre=(R.BUREAU_LEADER,)),),
    "extension-undecided": _ESCALATED,
    "reply-unchecked": _ESCALATED,
    "follow-up-missed": _ESCALATED,
    "verification-missed": _ESCALATED,
}
