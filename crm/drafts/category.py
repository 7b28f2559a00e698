"""Which kind of demand 诉求类别 it is: what the citizen calls it, else how the citizen speaks."""

import re
from collections import defaultdict

from crm.county.categories import Category
from crm.drafts.proposal import Proposal
from crm.drafts.said import Said

C = Category
DECLARED = 6.0
"""“我要投诉” outweighs any manner of speaking."""

_WANT = r"(?:我|我们|本人)?(?:今天|现在|就|也)?(?:想要|想|要|来|是来|需要|打电话)?(?:向你们|跟你们|和你们|实名|匿名)?"
_DECLARATIONS: dict[Category, str] = {
    C.REPORT: r"举报|检举|揭发",
    C.COMPLAINT: r"投诉",
    C.CONSULTATION: r"咨询|请教|问一下|问问|了解一下|打听",
    C.SUGGESTION: r"提个?(?:一个|几个|几点|点)?建议|建议",
    C.OPINION: r"提个?(?:一个|几个|几点|点)?意见|有意见",
    C.HELP: r"求助|求救|请你们帮|帮帮|帮忙",
}
_MANNER: dict[Category, dict[str, float]] = {
    C.REPORT: {
        r"贪污|受贿|行贿|吃回扣|私分|侵吞|套取|挪用": 3.0,
        r"非法(?:经营|集资|采砂|采矿|捕鱼|行医|加工)|无证(?:经营|行医|开采)": 2.5,
        r"黑作坊|赌博|传销|制假|售假|盗伐|偷排|偷税": 2.5,
        r"短斤少两|地沟油|过期食品": 1.0,
    },
    C.COMPLAINT: {
        r"扰民|占道|噪音|油烟|恶臭|臭味|拖欠|欠薪|乱收费|强制消费|霸王条款|虚假宣传|欺骗|骗了|被骗": 2.0,
        r"不作为|推诿|踢皮球|态度(?:很|非常|特别|太)?(?:差|恶劣|不好)|没人管|不管|不理": 2.0,
        r"不退(?:钱|款|费)|拒绝|违规|违法|偷工减料|烂尾|黑心|坑人|坑害|侵占|乱停|乱扔|乱搭": 1.5,
        r"严重影响|多次反映|一直没有解决|受不了|太差|太过分|忍无可忍|为什么不": 1.0,
    },
    C.HELP: {
        r"停水|停电|没水|没电|停气|爆管|漏水|漏电|塌方|滑坡|积水|被困|走失": 2.0,
        r"坏了|不亮|断了|倒了|掉了|堵(?:了|住|塞)": 2.0,
        r"(?:请|希望|麻烦|恳请|求)(?:政府|领导|你们|有关部门|相关部门)?(?:帮|解决|修|处理|派人)": 1.5,
        r"怎么办|救助|困难|没有办法|没办法|尽快(?:修|解决|恢复)": 1.0,
    },
    C.CONSULTATION: {
        r"请问|想问|想知道|咨询": 2.5,
        r"怎么(?:办理|申请|办|交|缴|报销|查|弄)|如何(?:办理|申请|缴纳|查询|报销)": 2.0,
        r"需要(?:什么|哪些)|什么(?:材料|手续|条件|流程|政策)": 2.0,
        r"(?:能不能|可不可以|是否)(?:办|报|申请|享受|领)|多少钱|几点(?:上班|下班|开)": 1.5,
        r"什么时候(?:发|开|能)|在哪里?(?:办|交)|电话(?:号码)?是多少": 1.5,
        r"[吗呢么]$|[吗呢么][，？?]": 0.8,
    },
    C.SUGGESTION: {
        r"建议(?:政府|你们|县里|有关部门)?(?:在|把|能|可以|增加|增设|设置|延长|加强)": 2.0,
        r"希望(?:能|可以|政府|县里)?(?:增加|增设|设置|开通|延长|建|修建|规划|出台)": 1.8,
        r"能否(?:增设|增加|开通|延长|考虑)|呼吁": 1.8,
        r"如果能|要是能|可以考虑|不妨": 1.0,
    },
    C.OPINION: {
        r"(?:我|个人)(?:觉得|认为)|不合理|不科学|不公平|一刀切|有点问题": 1.0,
    },
}
_DECLARED = {kind: re.compile(_WANT + "(?:" + words + ")") for kind, words in _DECLARATIONS.items()}
_MANNERS = {kind: [(re.compile(p), w) for p, w in table.items()] for kind, table in _MANNER.items()}


def propose(said: Said) -> Proposal | None:
    """The likeliest category, or None when nothing tells."""
    scores: dict[Category, float] = defaultdict(float)
    best: dict[Category, tuple[float, int, int]] = {}

    def count(kind: Category, weight: float, start: int, end: int) -> None:
        scores[kind] += weight
        if weight > best.get(kind, (0.0, 0, 0))[0]:
            best[kind] = (weight, start, end)

    for kind, pattern in _DECLARED.items():
        hits = [hit for hit in pattern.finditer(said.text) if not _denied(said.text, hit.start())]
        for order, hit in enumerate(hits[:2]):
            weight = DECLARED if order == 0 and hit.start() < 60 else DECLARED / 3
            count(kind, weight * _emphasis(hit), hit.start(), hit.end())
    for kind, table in _MANNERS.items():
        for pattern, weight in table:
            for hit in list(pattern.finditer(said.text))[:3]:
                count(kind, weight, hit.start(), hit.end())
    if not scores:
        return None
    ranked = sorted(scores, key=lambda kind: scores[kind], reverse=True)
    first, second = scores[ranked[0]], scores[ranked[1]] if len(ranked) > 1 else 0.0
    weight, start, end = best[ranked[0]]
    source = said.source(start, end)
    how = "来电人自述" if weight >= DECLARED / 2 else "用语"
    confidence = min(0.97, (first - second / 2) / (first + 1.5))
    return Proposal(ranked[0].value, ranked[0].label, (source,), confidence, f"{how}“{source.text}”")


def _emphasis(hit: re.Match[str]) -> float:
    """A bare word may be about somebody else's act; “我要投诉” is about one's own."""
    return 1.0 if re.match(r"我|本人|想|要|来|提", hit.group()) else 0.5


def _denied(text: str, at: int) -> bool:
    return text[max(0, at - 2) : at].endswith(("不是", "不要", "并非", "没有", "不"))
