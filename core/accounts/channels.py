"""Where a program stands: the channels 诉求渠道 beside the telephone (第九条), and what each may be allowed."""

from enum import StrEnum

from core.permissions import Permission


class Channel(StrEnum):
    """F09-2: the channel is the source of every order that its program opens."""

    COUNTER = "counter"
    WEB = "web"
    MINI_PROGRAM = "mini-program"
    GANFUTONG = "ganfutong"
    CITY = "city"
    POLICE = "police-110"
    LETTER = "letter"
    UNIT = "unit"

    @property
    def label(self) -> str:
        """As staff read it."""
        return LABELS[self]

    @property
    def scopes(self) -> frozenset[Permission]:
        """The most that a token of this channel may carry."""
        if self is Channel.UNIT:
            return frozenset({Permission.ORDER_VIEW_UNIT, Permission.ORDER_HANDLE, Permission.KNOWLEDGE_VIEW})
        return frozenset({Permission.ORDER_SUBMIT, Permission.ORDER_VIEW_OWN, Permission.KNOWLEDGE_VIEW})


LABELS: dict[Channel, str] = {
    Channel.COUNTER: "窗口",
    Channel.WEB: "网站",
    Channel.MINI_PROGRAM: "微信小程序",
    Channel.GANFUTONG: "赣服通",
    Channel.CITY: "市级平台",
    Channel.POLICE: "110转办",
    Channel.LETTER: "来信",
    Channel.UNIT: "单位系统",
}
SCOPE_LABELS: dict[Permission, str] = {
    Permission.ORDER_SUBMIT: "提交诉求",
    Permission.ORDER_VIEW_OWN: "查看本渠道提交的工单",
    Permission.ORDER_VIEW_UNIT: "查看派给本单位的工单",
    Permission.ORDER_HANDLE: "签收、办理、答复本单位的工单",
    Permission.KNOWLEDGE_VIEW: "查询知识库",
}
