"""Codes of an order's rows as staff read them."""

from crm.county.categories import LABELS, Category
from crm.tickets.acts import closing, extending, refusing, replying

CLOSE = {one.value: one.label for one in replying.CloseKind}
CONTACT = {"phone": "电话答复", "visit": "上门答复", "sms": "短信答复", "letter": "书面答复", "online": "网上答复"}
NO_CONTACT = {
    "anonymous": "匿名，无联系方式",
    "unreachable": "无法联系",
    "not-wanted": "诉求人要求不联系",
    "wrong-number": "号码错误",
}
SOLVED: dict[bool | None, str] = {True: "已解决", False: "未解决"}
REPLY = {"lead": "提交办结", "assist": "协办回复", "sub": "上报结果"}
REPLY_STATE = {
    "submitted": "待审核",
    "passed": "审核通过",
    "sent-back": "已发回",
    "reworked": "已责成重办",
    "noted": "已收到",
}
RETURN_STATE = {
    "open": "待审核",
    "forwarded": "待市级决定",
    "accepted": "同意",
    "refused": "不同意",
    "disputed": "争议协调中",
    "void": "已失效",
}
EXTENSION = {one.value: one.label for one in extending.Ground}
EXTENSION_STATE = {
    "open": "待审批",
    "forwarded": "待市级决定",
    "granted": "同意",
    "refused": "不同意",
    "void": "已失效",
}
RETYPE_STATE = {"proposed": "待第二人复核", "done": "已改类", "rejected": "未同意", "void": "已失效"}
TRIGGER = {"second-return": "第二次申请退回", "ping-pong": "改派意见单位曾退回", "person": "提交协调"}
CAUSE = {
    "calendar": "工作日历调整",
    "retype": "改类",
    "upgrade": "转疑难复杂时限",
    "extension": "延期",
    "statutory": "适用特别时限",
    "compensation": "审核超时补回",
    "suspension": "退回审核期间停止计时",
    "upstream": "市级时限变动",
}
RESULT = {
    "rated": "接通并评价",
    "unreached": "未接通",
    "declined": "拒绝回访",
    "wrong-number": "号码错误",
    "not-wanted": "要求不回访",
}
GRADE = {one.value: one.label for one in closing.Grade}
WHY = {
    "unsolved": "问题未解决",
    "slow": "办理慢",
    "attitude": "态度不好",
    "not-contacted": "未联系本人",
    "not-adopted": "建议未被采纳",
    "other": "其他",
}
VERDICT = {"unit": "属承办单位责任", "not-unit": "非承办责任", "article-26": "第二十六条剔除"}
SUPERVISION = {"overdue": "逾期未办结", "unsatisfied": "回访两次不满意"}
CANDIDATE_STATE = {
    "open": "待认定",
    "confirmed": "已立案",
    "dismissed": "不予立案",
    "rectified": "已销号",
    "void": "时限延后，已失效",
}
IDENTITY_STATE = {"open": "待审批", "granted": "同意", "refused": "不同意", "void": "已失效"}
REFUSAL_STATE = {
    "proposed": "待第二人复核",
    "final": "不予受理",
    "rejected": "复核不同意",
    "reopened": "已重新受理",
    "void": "已失效",
}


def ground(code: str) -> str:
    """Why a unit returns."""
    if code in (others := {"not-ours": "不属于本部门职责", "competence-changed": "职责已调整"}):
        return others[code]
    number = int(code.removeprefix("item-"))
    return f"第十条（{'一二三四五六七'[number - 1]}）{refusing.ITEMS[number]}"


def category(code: str) -> str:
    """诉求类别."""
    return LABELS.get(Category(code), code) if code else "未定"
