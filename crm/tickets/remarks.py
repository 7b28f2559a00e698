"""F12.4-2: what a reader would remark about an answer before it is handed in. Suggestions only: nothing is refused.

The unit sees them while it writes, the quality checker beside the answer. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from crm.tickets.acts.replying import CloseKind


class Kind(StrEnum):
    """What is remarked."""

    PRIVACY = "privacy"
    OFF_THE_POINT = "off-the-point"
    SHIRKING = "shirking"
    UNCITED = "uncited"
    SAFETY = "safety"
    PROMISE = "promise"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    Kind.PRIVACY: "个人信息",
    Kind.OFF_THE_POINT: "未答所问",
    Kind.SHIRKING: "推诿用语",
    Kind.UNCITED: "政策依据",
    Kind.SAFETY: "安全提示",
    Kind.PROMISE: "过度承诺",
}


@dataclass(frozen=True)
class Remark:
    """One remark; `words` are those of the answer that gave rise to it, empty where something is missing."""

    kind: Kind
    sentence: str
    words: str = ""


@dataclass(frozen=True)
class Demand:
    """What was asked, as far as an answer is held against it."""

    title: str
    content: str
    caller_name: str = ""


SHORTEST = 15
"""Characters: a shorter answer says hardly what was done."""
_MOBILE_OR_ID = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")
_HOME = re.compile(r"\d+\s*(?:号楼|栋|幢|座)\s*\d*\s*(?:单元)?\s*\d{2,5}\s*(?:室|户|号)?|\d+\s*单元\s*\d+\s*(?:室|户)?")
_SHIRKING = re.compile(
    r"不(?:归|由|属于?)(?:我|本)?(?:单位|局|镇|街道|部门|们)?(?:管|负责|管辖|职责)"
    r"|不是(?:我|本)(?:单位|局|镇|部门|们)的?(?:事|职责|责任|问题)"
    r"|(?:请|建议|可)(?:您|其|诉求人|当事人)?自行(?:协商|解决|联系|处理|咨询)"
    r"|(?:请|建议)(?:您|其|诉求人)?(?:向|找|到|联系|拨打|咨询)[^，。；]{0,14}(?:其他|相关|有关|上级)(?:部门|单位)"
    r"|无法(?:解决|处理|协调)|没(?:有)?办法|爱莫能助|不清楚情况|情况不(?:明|了解)"
)
_POLICY = re.compile(
    r"(?:根据|按照|依照|依据)(?:国家|省|市|县|上级)?(?:相关|有关)?(?:法律|法规|规定|政策|文件|要求|精神)"
    r"|(?:不符合|违反|没有|无)(?:相关|有关)?(?:政策|规定|法律|法规)(?:规定|依据|要求)?|政策规定|规定不(?:允许|予)"
)
_CITATION = re.compile(r"《[^》]{2,}》|第[一二三四五六七八九十百零\d]+条|〔\d{4}〕\s*\d+\s*号")
_PROCESS = re.compile(r"(?:已收悉|正在(?:办理|处理|核实|调查|协调)|将(?:尽快|及时|进一步)|已(?:转交|转办|上报|交办))")
_RESULT = re.compile(
    r"已(?:经)?(?:完成|解决|处理|整改|修复|清理|清除|拆除|退还|支付|发放|恢复|安装|更换|劝离|取缔|查处|立案|办结|告知|解释|答复|"
    r"落实|疏通|关闭|停工|规范|约谈|处罚|到位|协调|达成)|完毕|处罚|不属实|未发现|属实|达成|同意|可以|不能|不予|符合"
)
_HAZARD = re.compile(
    r"漏电|触电|裸露电线|电线(?:掉落|脱落|裸露)|燃气|煤气|天然气|瓦斯|井盖|窨井|塌陷|坍塌|危房|滑坡|泥石流|山洪|溺水"
    r"|高空(?:坠物|抛物)|火灾|起火|着火|冒烟|爆炸|危化|毒气|食物中毒|疯狗|恶犬|高压线|电梯(?:困人|故障|坠落)|地质灾害"
)
_CARE = re.compile(r"安全|注意|警示|警戒|围挡|围护|隔离|远离|绕行|切断|断电|关阀|疏散|撤离|防范|提醒|告诫|120|119|110")
_PROMISE = re.compile(
    r"(?:保证|承诺)(?:今后|以后|一定|绝)?[^，。；]{0,8}(?:不再|一定|绝不)|百分之百|100%|绝对(?:不会|没有)|肯定(?:会|能)"
)
_LETTERS = re.compile(r"[\u4e00-\u9fff]+")
_EMPTY = frozenset("的了是在和与及或被把将对从到有无不请要求希望反映投诉举报咨询求助建议问题情况处理解决一个每天")


def remarks(text: str, demand: Demand, close_kind: str | None = None, citation: str = "") -> list[Remark]:
    """What there is to remark, at most one for each kind and place, in the order in which it is worth reading."""
    return list(_all(text.strip(), demand, close_kind, citation))


def _all(text: str, demand: Demand, close_kind: str | None, citation: str) -> Iterator[Remark]:
    if not text:
        return
    yield from _privacy(text, demand)
    yield from _point(text, demand)
    if hit := _SHIRKING.search(text):
        yield Remark(Kind.SHIRKING, "这句话容易被理解为推诿；请写明本单位做了什么、由谁接着办", hit[0])
    if (hit := _POLICY.search(text)) and not _CITATION.search(text) and not _CITATION.search(citation):
        yield Remark(Kind.UNCITED, "提到政策规定而没有写明文件名称和条款", hit[0])
    if close_kind == CloseKind.NO_BASIS and citation and not _CITATION.search(citation):
        yield Remark(Kind.UNCITED, "依据没有写明文件名称和条款，例如《……办法》第十条", citation)
    if (hit := _HAZARD.search(f"{demand.title}\n{demand.content}")) and not _CARE.search(text):
        yield Remark(Kind.SAFETY, f"诉求涉及“{hit[0]}”，答复没有安全提示或防护措施")
    if hit := _PROMISE.search(text):
        yield Remark(Kind.PROMISE, "承诺过满，办不到时会引起新的诉求", hit[0])


def _privacy(text: str, demand: Demand) -> Iterator[Remark]:
    for hit in dict.fromkeys(_MOBILE_OR_ID.findall(text)):
        yield Remark(Kind.PRIVACY, "含有电话或证件号码，请隐去", f"{hit[:3]}****{hit[-2:]}")
    if len(demand.caller_name) >= 2 and demand.caller_name in text:
        yield Remark(Kind.PRIVACY, "含有诉求人姓名，请改称“诉求人”", f"{demand.caller_name[0]}*")
    if hit := _HOME.search(text):
        yield Remark(Kind.PRIVACY, "含有住址门牌，请确认是否必要", hit[0])


def _point(text: str, demand: Demand) -> Iterator[Remark]:
    if len(text) < SHORTEST:
        yield Remark(Kind.OFF_THE_POINT, f"答复不足{SHORTEST}字，难以说明办理经过和结果")
        return
    if (hit := _PROCESS.search(text)) and not _RESULT.search(text):
        yield Remark(Kind.OFF_THE_POINT, "只写了过程，没有写办理结果", hit[0])
    asked = _pairs(demand.title) or _pairs(demand.content)
    if asked and not asked & _pairs(text):
        yield Remark(Kind.OFF_THE_POINT, f"答复没有提到所诉事项“{demand.title or demand.content[:20]}”")


def _pairs(text: str) -> set[str]:
    """Neighbouring characters that carry meaning: two texts about one thing share some, whatever their words are."""
    found: set[str] = set()
    for run in _LETTERS.findall(text):
        found |= {run[at : at + 2] for at in range(len(run) - 1) if not set(run[at : at + 2]) & _EMPTY}
    return found
