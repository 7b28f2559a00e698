"""Who may do what: permissions, roles, and which role grants which permission."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that a person may be allowed to do; routes and commands name these, never roles."""

    SELF = "self"  # one's own session, password, second factor
    LINE_VIEW = "line.view"  # live calls and queue
    LINE_AGENT = "line.agent"  # log in to the queue, pause, wrap up
    LINE_LEAD = "line.lead"  # the same for other agents
    LINE_ADMIN = "line.admin"  # numbers, queues, roster, limits
    CALL_VIEW = "call.view"  # call record and its words
    CALLBACK_HANDLE = "callback.handle"  # take a call-back task, note its result
    INCIDENT_VIEW = "incident.view"  # minutes without a human on the line
    RECORDING_VIEW = "recording.view"  # that a recording exists
    RECORDING_LISTEN = "recording.listen"  # what was said; always audited
    ORDER_VIEW = "order.view"  # all orders
    ORDER_VIEW_UNIT = "order.view-unit"  # those of one's own unit only
    ORDER_EDIT = "order.edit"  # correct, confirm, void a draft
    ORDER_DISPATCH = "order.dispatch"  # send an order to its units
    ORDER_SEALED = "order.sealed"  # the identity behind a 举报
    ORDER_EXPORT = "order.export"  # lists of orders as a workbook; always audited
    PERSONAL_UNMASK = "personal.unmask"  # names and phones in full; always audited
    SMS_VIEW = "sms.view"  # the SMS log
    SMS_RESOLVE = "sms.resolve"  # settle a message whose outcome is unknown
    USER_ADMIN = "user.admin"  # users and their roles
    UNIT_ADMIN = "unit.admin"  # member units
    AUDIT_VIEW = "audit.view"  # the ledger
    SYSTEM_VIEW = "system.view"  # health of the parts
    SYSTEM_ADMIN = "system.admin"  # failed jobs, settings


class Role(StrEnum):
    """What a person is at the hotline; the label is what the screens say."""

    AGENT = "agent"
    SHIFT_LEAD = "shift-lead"
    DISPATCHER = "dispatcher"
    ARCHIVIST = "archivist"
    UNIT_CLERK = "unit-clerk"
    SUPERVISOR = "supervisor"
    LEADER = "leader"
    SYSTEM_ADMIN = "system-admin"
    SECURITY_ADMIN = "security-admin"
    AUDIT_ADMIN = "audit-admin"

    @property
    def label(self) -> str:
        """The role's Chinese name."""
        return LABELS[self]


LABELS: dict[Role, str] = {
    Role.AGENT: "话务员",
    Role.SHIFT_LEAD: "班长",
    Role.DISPATCHER: "派单员",
    Role.ARCHIVIST: "档案员",
    Role.UNIT_CLERK: "单位经办人",
    Role.SUPERVISOR: "督办员",
    Role.LEADER: "县领导",
    Role.SYSTEM_ADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全管理员",
    Role.AUDIT_ADMIN: "审计管理员",
}

P = Permission
_AGENT = {
    P.LINE_VIEW,
    P.LINE_AGENT,
    P.CALL_VIEW,
    P.CALLBACK_HANDLE,
    P.ORDER_VIEW,
    P.ORDER_EDIT,
    P.ORDER_DISPATCH,
}
_AGENT |= {P.PERSONAL_UNMASK, P.RECORDING_VIEW}
_LEAD = _AGENT | {P.LINE_LEAD, P.INCIDENT_VIEW, P.RECORDING_LISTEN, P.SMS_VIEW, P.SMS_RESOLVE, P.ORDER_SEALED}
_LEAD |= {P.SYSTEM_VIEW, P.ORDER_EXPORT}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset(_AGENT),
    Role.SHIFT_LEAD: frozenset(_LEAD),
    Role.DISPATCHER: frozenset(
        {P.CALL_VIEW, P.ORDER_VIEW, P.ORDER_EDIT, P.ORDER_DISPATCH, P.ORDER_SEALED, P.SMS_VIEW, P.SMS_RESOLVE}
        | {P.PERSONAL_UNMASK, P.ORDER_EXPORT}
    ),
    Role.ARCHIVIST: frozenset({P.CALL_VIEW, P.RECORDING_VIEW, P.RECORDING_LISTEN, P.ORDER_VIEW, P.ORDER_EXPORT}),
    Role.UNIT_CLERK: frozenset({P.ORDER_VIEW_UNIT, P.ORDER_EXPORT}),
    Role.SUPERVISOR: frozenset(
        {P.LINE_VIEW, P.CALL_VIEW, P.INCIDENT_VIEW, P.RECORDING_VIEW, P.ORDER_VIEW, P.SMS_VIEW, P.SYSTEM_VIEW}
        | {P.ORDER_EXPORT}
    ),
    Role.LEADER: frozenset({P.LINE_VIEW, P.INCIDENT_VIEW, P.ORDER_VIEW}),
    Role.SYSTEM_ADMIN: frozenset(
        {P.SYSTEM_VIEW, P.SYSTEM_ADMIN, P.LINE_ADMIN, P.LINE_VIEW, P.UNIT_ADMIN, P.INCIDENT_VIEW}
    ),
    Role.SECURITY_ADMIN: frozenset({P.USER_ADMIN, P.SYSTEM_VIEW}),
    Role.AUDIT_ADMIN: frozenset({P.AUDIT_VIEW, P.SYSTEM_VIEW}),
}

PRIVILEGED = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.SUPERVISOR, Role.ARCHIVIST})
"""Roles that sign in with a second factor (GB/T 22239-2019 8.1.4: two factors, one of them cryptographic)."""


def granted(roles: frozenset[Role]) -> frozenset[Permission]:
    """All permissions of a person with these roles."""
    return frozenset({P.SELF}).union(*(GRANTS[role] for role in roles))
