"""Who may do what: permissions, roles, and which role grants which permission."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that a person may be allowed to do; routes and commands name these, never roles."""

    SELF = "self"  # one's own session, password, second factor
    LINE_VIEW = "line.view"  # live calls and queue
    LINE_AGENT = "line.agent"  # log in to the queue, pause, wrap up
    LINE_LEAD = "line.lead"  # the same for other agents
    LINE_BESIDE = "line.beside"  # listen to an agent's call, whisper, barge in, take over; always audited
    LINE_ADMIN = "line.admin"  # numbers, queues, seats, duty mobiles
    WALLBOARD_VIEW = "wallboard.view"  # the line's figures on a big screen, without anybody's data
    ROSTER_EDIT = "roster.edit"  # plan and publish the roster of the desks
    CALL_VIEW = "call.view"  # call record and its words
    QUALITY_SCORE = "quality.score"  # draw calls, score them, look at scores a second time
    QUALITY_DECIDE = "quality.decide"  # decide on objections to scores
    CALLBACK_HANDLE = "callback.handle"  # take a call-back task, note its result
    INCIDENT_VIEW = "incident.view"  # minutes without a human on the line
    RECORDING_VIEW = "recording.view"  # that a recording exists
    RECORDING_LISTEN = "recording.listen"  # what was said; always audited
    RETENTION_VIEW = "retention.view"  # what is held, what ends when, disposal lists and certificates
    RETENTION_HOLD = "retention.hold"  # place and lift legal holds
    DISPOSAL_REVIEW = "disposal.review"  # review a disposal list, take recordings off it, execute it when approved
    DISPOSAL_APPROVE = "disposal.approve"  # for the centre: the first approval of a disposal list
    DISPOSAL_CONFIRM = "disposal.confirm"  # for the bureau: the second, by another person
    RECORDING_ASK = "recording.ask"  # ask an officer for listening to certain recordings; a unit for its own orders'
    RECORDING_DECIDE = "recording.decide"  # approve or refuse that, and exports; never what one asked for oneself
    RECORDING_TAKE = "recording.take"  # redacted copies and marked exports of recordings; always audited
    TRANSCRIPT_CORRECT = "transcript.correct"  # correct what the machine heard, line by line; always audited
    TRANSCRIPT_AGAIN = "transcript.again"  # have recordings transcribed again; always audited
    ORDER_VIEW = "order.view"  # all orders
    ORDER_VIEW_UNIT = "order.view-unit"  # those of one's own unit only
    ORDER_EDIT = "order.edit"  # correct, confirm, void, refuse, answer or merge a draft
    ORDER_SECOND = "order.second"  # be the second person where four eyes are asked
    ORDER_DISPATCH = "order.dispatch"  # send an order to its units
    EMERGENCY_LEAD = "emergency.lead"  # overrule what agents said of emergencies, close an event with its answer
    CONTACT_EDIT = "contact.edit"  # keep the duty contacts: of one's own unit, or for the centre of all
    SCOPE_DECIDE = "scope.decide"  # say whether a demand is to be accepted, when an agent cannot tell
    REFERRAL_EDIT = "referral.edit"  # keep the referral directory
    ORDER_SUBMIT = "order.submit"  # open an order from a channel without a call
    ORDER_VIEW_OWN = "order.view-own"  # those that one's own channel opened
    ORDER_REPORTS = "order.reports"  # 举报 too, without the identity behind them
    ORDER_SEALED = "order.sealed"  # the identity behind a 举报
    ORDER_EXPORT = "order.export"  # lists of orders as a workbook; always audited
    CITY_EXCHANGE = "city.exchange"  # import the city's orders, export what is written back; always audited
    ORDER_HANDLE = "order.handle"  # for one's own unit: sign, handle, return, extend, reply
    ORDER_UNIT_LEAD = "order.unit-lead"  # for one's own unit: approve its inner steps
    ORDER_REVIEW = "order.review"  # decide returns and extensions, retype, change a limit
    ORDER_CHECK = "order.check"  # pass a reply or send it back
    ORDER_FOLLOW_UP = "order.follow-up"  # call the citizen back, note the rating
    ORDER_VERIFY = "order.verify"  # whose responsibility an unsatisfied rating is; order the rework
    ORDER_OVERSEE = "order.oversee"  # for the bureau: disputes, exceptional returns, exclusions
    ORDER_EXCEPT = "order.except"  # for the bureau's leader: a second extension
    ORDER_ARCHIVE = "order.archive"  # archive what is done
    ORDER_CONTACT = "order.contact"  # for one's own unit: the citizen of its order in full; always audited
    DATA_REGISTER = "data.register"  # register citizens' requests for their own data, check who asks
    DATA_DECIDE = "data.decide"  # decide on requests that another registered, carry them out, answer; always audited
    PERSONAL_UNMASK = "personal.unmask"  # names and phones in full; always audited
    SMS_VIEW = "sms.view"  # the SMS log
    SMS_RESOLVE = "sms.resolve"  # settle a message whose outcome is unknown
    USER_ADMIN = "user.admin"  # users and their roles
    UNIT_ADMIN = "unit.admin"  # member units
    POLICY_VIEW = "policy.view"  # the rules and the calendar in force, and what is proposed
    POLICY_PROPOSE = "policy.propose"  # propose a change of the rules
    POLICY_CONFIRM = "policy.confirm"  # be the second person for it
    CALENDAR_PROPOSE = "calendar.propose"  # import a year's notice, propose a closure
    CALENDAR_CONFIRM = "calendar.confirm"  # be the second person for it
    LISTS_PROPOSE = "lists.propose"  # import a dispatch catalogue or a power list
    LISTS_CONFIRM = "lists.confirm"  # be the second person for it
    KNOWLEDGE_VIEW = "knowledge.view"  # knowledge items in force
    KNOWLEDGE_WRITE = "knowledge.write"  # for one's own unit: draft and revise items
    KNOWLEDGE_SECRECY = "knowledge.secrecy"  # for one's own unit: review what another wrote for secrets
    KNOWLEDGE_LEAD = "knowledge.lead"  # for one's own unit: approve, reaffirm, retire items
    KNOWLEDGE_PUBLISH = "knowledge.publish"  # for the centre: publish, retire, call for a review; sees all versions
    AUDIT_VIEW = "audit.view"  # the ledger
    SYSTEM_VIEW = "system.view"  # health of the parts
    SYSTEM_ADMIN = "system.admin"  # failed jobs, settings


class Role(StrEnum):
    """What a person is at the hotline; the label is what the screens say."""

    AGENT = "agent"
    SHIFT_LEAD = "shift-lead"
    DISPATCHER = "dispatcher"
    CHECKER = "checker"
    FOLLOW_UP = "follow-up"
    DIRECTOR = "director"
    ARCHIVIST = "archivist"
    KNOWLEDGE_KEEPER = "knowledge-keeper"
    UNIT_CLERK = "unit-clerk"
    UNIT_LEADER = "unit-leader"
    SECRECY_REVIEWER = "secrecy-reviewer"
    SUPERVISOR = "supervisor"
    BUREAU_LEADER = "bureau-leader"
    LEADER = "leader"
    SYSTEM_ADMIN = "system-admin"
    SECURITY_ADMIN = "security-admin"
    AUDIT_ADMIN = "audit-admin"
    SCREEN = "screen"

    @property
    def label(self) -> str:
        """The role's Chinese name."""
        return LABELS[self]


LABELS: dict[Role, str] = {
    Role.AGENT: "话务员",
    Role.SHIFT_LEAD: "班长",
    Role.DISPATCHER: "派单员",
    Role.CHECKER: "质检员",
    Role.FOLLOW_UP: "回访员",
    Role.DIRECTOR: "热线中心主任",
    Role.ARCHIVIST: "档案员",
    Role.KNOWLEDGE_KEEPER: "知识库管理员",
    Role.UNIT_CLERK: "单位经办人",
    Role.UNIT_LEADER: "单位分管领导",
    Role.SECRECY_REVIEWER: "保密审查员",
    Role.SUPERVISOR: "督办员",
    Role.BUREAU_LEADER: "政数局分管领导",
    Role.LEADER: "县领导",
    Role.SYSTEM_ADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全管理员",
    Role.AUDIT_ADMIN: "审计管理员",
    Role.SCREEN: "大屏",
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
_AGENT |= {P.PERSONAL_UNMASK, P.RECORDING_VIEW, P.RECORDING_ASK, P.KNOWLEDGE_VIEW, P.DATA_REGISTER}
_LEAD = _AGENT | {
    P.LINE_LEAD,
    P.LINE_BESIDE,
    P.INCIDENT_VIEW,
    P.RECORDING_LISTEN,
    P.SMS_VIEW,
    P.SMS_RESOLVE,
    P.ORDER_SEALED,
}
_LEAD |= {P.SYSTEM_VIEW, P.ORDER_EXPORT, P.POLICY_VIEW, P.ORDER_SECOND, P.ORDER_REVIEW, P.ROSTER_EDIT}
_LEAD |= {P.WALLBOARD_VIEW, P.QUALITY_SCORE, P.QUALITY_DECIDE, P.SCOPE_DECIDE, P.REFERRAL_EDIT, P.EMERGENCY_LEAD}
_LEAD |= {P.CONTACT_EDIT, P.RECORDING_TAKE, P.TRANSCRIPT_CORRECT, P.TRANSCRIPT_AGAIN}
_RULES = {P.POLICY_VIEW, P.POLICY_PROPOSE, P.POLICY_CONFIRM, P.CALENDAR_PROPOSE, P.CALENDAR_CONFIRM}
_RULES |= {P.LISTS_PROPOSE, P.LISTS_CONFIRM}
"""Both of the bureau's roles hold both halves; nobody confirms what he proposed himself."""
_UNIT = {P.ORDER_VIEW_UNIT, P.ORDER_HANDLE, P.ORDER_CONTACT, P.ORDER_EXPORT, P.KNOWLEDGE_VIEW, P.CONTACT_EDIT}
_UNIT |= {P.RECORDING_ASK}
_BUREAU = {
    P.LINE_VIEW,
    P.WALLBOARD_VIEW,
    P.INCIDENT_VIEW,
    P.ORDER_VIEW,
    P.ORDER_REPORTS,
    P.ORDER_OVERSEE,
    P.ORDER_EXPORT,
    P.SCOPE_DECIDE,
    P.KNOWLEDGE_VIEW,
} | _RULES

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset(_AGENT),
    Role.SHIFT_LEAD: frozenset(_LEAD),
    Role.DISPATCHER: frozenset(
        {P.CALL_VIEW, P.ORDER_VIEW, P.ORDER_EDIT, P.ORDER_DISPATCH, P.ORDER_SEALED, P.SMS_VIEW, P.SMS_RESOLVE}
        | {P.PERSONAL_UNMASK, P.ORDER_EXPORT, P.ORDER_REVIEW, P.POLICY_VIEW, P.CITY_EXCHANGE}
        | {P.LISTS_PROPOSE, P.REFERRAL_EDIT, P.KNOWLEDGE_VIEW, P.EMERGENCY_LEAD, P.CONTACT_EDIT}
    ),
    Role.CHECKER: frozenset(
        {P.CALL_VIEW, P.RECORDING_VIEW, P.RECORDING_LISTEN, P.QUALITY_SCORE, P.TRANSCRIPT_CORRECT}
        | {P.ORDER_VIEW, P.ORDER_REPORTS, P.ORDER_CHECK, P.KNOWLEDGE_VIEW}
    ),
    Role.FOLLOW_UP: frozenset(
        {P.CALL_VIEW, P.ORDER_VIEW, P.ORDER_SEALED, P.ORDER_FOLLOW_UP, P.PERSONAL_UNMASK, P.SMS_VIEW}
        | {P.KNOWLEDGE_VIEW}
    ),
    Role.DIRECTOR: frozenset(
        {P.LINE_VIEW, P.CALL_VIEW, P.INCIDENT_VIEW, P.RECORDING_VIEW, P.SMS_VIEW, P.SYSTEM_VIEW}
        | {P.ORDER_VIEW, P.ORDER_SEALED, P.ORDER_SECOND, P.ORDER_REVIEW, P.ORDER_CHECK, P.ORDER_VERIFY}
        | {P.ORDER_ARCHIVE, P.ORDER_EXPORT, P.PERSONAL_UNMASK, P.POLICY_VIEW, P.CITY_EXCHANGE}
        | {P.LISTS_PROPOSE, P.LISTS_CONFIRM, P.ROSTER_EDIT, P.WALLBOARD_VIEW, P.QUALITY_DECIDE}
        | {P.SCOPE_DECIDE, P.REFERRAL_EDIT, P.KNOWLEDGE_VIEW, P.KNOWLEDGE_PUBLISH, P.CONTACT_EDIT}
        | {P.RETENTION_VIEW, P.RETENTION_HOLD, P.DISPOSAL_APPROVE, P.RECORDING_ASK, P.RECORDING_DECIDE}
        | {P.DATA_REGISTER, P.DATA_DECIDE}
    ),
    Role.ARCHIVIST: frozenset(
        {P.CALL_VIEW, P.RECORDING_VIEW, P.RECORDING_LISTEN, P.ORDER_VIEW, P.ORDER_ARCHIVE, P.ORDER_EXPORT}
        | {P.RETENTION_VIEW, P.RETENTION_HOLD, P.DISPOSAL_REVIEW, P.RECORDING_DECIDE, P.RECORDING_TAKE}
        | {P.DATA_REGISTER, P.DATA_DECIDE, P.TRANSCRIPT_CORRECT, P.TRANSCRIPT_AGAIN}
    ),
    Role.KNOWLEDGE_KEEPER: frozenset({P.KNOWLEDGE_VIEW, P.KNOWLEDGE_PUBLISH, P.ORDER_EXPORT}),
    Role.UNIT_CLERK: frozenset(_UNIT | {P.KNOWLEDGE_WRITE}),
    Role.UNIT_LEADER: frozenset(_UNIT | {P.ORDER_UNIT_LEAD, P.KNOWLEDGE_LEAD}),
    Role.SECRECY_REVIEWER: frozenset({P.KNOWLEDGE_VIEW, P.KNOWLEDGE_SECRECY}),
    Role.SUPERVISOR: frozenset(
        _BUREAU
        | {P.CALL_VIEW, P.RECORDING_VIEW, P.RECORDING_ASK, P.SMS_VIEW, P.SYSTEM_VIEW, P.RETENTION_VIEW}
        | {P.RETENTION_HOLD}
    ),
    Role.BUREAU_LEADER: frozenset(_BUREAU | {P.ORDER_EXCEPT, P.RETENTION_VIEW, P.RETENTION_HOLD, P.DISPOSAL_CONFIRM}),
    Role.LEADER: frozenset(
        {P.LINE_VIEW, P.WALLBOARD_VIEW, P.INCIDENT_VIEW, P.ORDER_VIEW, P.POLICY_VIEW, P.KNOWLEDGE_VIEW}
    ),
    Role.SYSTEM_ADMIN: frozenset(
        {P.SYSTEM_VIEW, P.SYSTEM_ADMIN, P.LINE_ADMIN, P.UNIT_ADMIN, P.INCIDENT_VIEW, P.ROSTER_EDIT}
    ),
    Role.SECURITY_ADMIN: frozenset({P.USER_ADMIN, P.SYSTEM_VIEW}),
    Role.AUDIT_ADMIN: frozenset({P.AUDIT_VIEW, P.SYSTEM_VIEW, P.POLICY_VIEW}),
    Role.SCREEN: frozenset({P.WALLBOARD_VIEW}),
}

SCOPES = frozenset({P.ORDER_SUBMIT, P.ORDER_VIEW_OWN, P.ORDER_VIEW_UNIT, P.ORDER_HANDLE, P.KNOWLEDGE_VIEW})
"""All that a program's access token may carry; a program has no roles."""

ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
"""三员分立: who holds one of these holds no other role (GB/T 22239-2019 8.1.5: system, audit, security management)."""

PRIVILEGED = ADMINISTRATORS | {Role.SUPERVISOR, Role.ARCHIVIST, Role.DIRECTOR, Role.BUREAU_LEADER}
"""Roles that sign in with a second factor (GB/T 22239-2019 8.1.4: two factors, one of them cryptographic)."""


def granted(roles: frozenset[Role]) -> frozenset[Permission]:
    """All permissions of a person with these roles."""
    return frozenset({P.SELF}).union(*(GRANTS[role] for role in roles))


def holders(permission: Permission) -> str:
    """The roles that grant it, as a sentence names them: `班长、派单员`."""
    return "、".join(role.label for role in Role if permission in GRANTS[role])
