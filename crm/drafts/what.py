"""Whom or what it is about (对象), and what the citizen asks to be done (具体诉求), as far as it is said."""

import re

from crm.drafts.proposal import Proposal
from crm.drafts.said import Said

_ENDS = (
    "公司|饭店|餐馆|酒店|宾馆|KTV|网吧|超市|商店|药店|医院|诊所|学校|小学|中学|幼儿园|培训机构|物业|工地|作坊|工厂|加工厂"
    "|砖厂|采石场|养殖场|市场|加油站|快递点|营业厅|村委会|居委会|服务中心|健身房"
)
_SUBJECT = re.compile(rf"(?:投诉|举报|反映)(?:一下)?(?P<subject>[^，。！？]{{0,18}}?(?:{_ENDS}))")
_ASKING = re.compile(r"希望|恳请|请求|要求|麻烦|建议|能不能|能否|可不可以|请问|想问|咨询|请(?!问)")
_DONE = re.compile(r"[^，。！？]+")
LONGEST = 100


def subject(said: Said) -> Proposal | None:
    """`我要投诉某某物业` -> 某某物业."""
    hit = _SUBJECT.search(said.text)
    if hit is None or len(hit["subject"]) < 2:
        return None
    source = said.source(hit.start("subject"), hit.end("subject"))
    return Proposal(hit["subject"], hit["subject"], (source,), 0.5, "来电人说到的投诉、举报对象")


def demand(said: Said) -> Proposal | None:
    """The last clause in which something is asked for: people say at the end what they want."""
    asked = [clause for clause in _DONE.finditer(said.text) if _ASKING.search(clause.group())]
    if not asked:
        return None
    last = asked[-1]
    at = last.start() + _ASKING.search(last.group()).start()  # type: ignore[union-attr]  # it is there, or it were not asked
    value = said.text[at : last.end()][:LONGEST]
    if len(value) < 4:
        return None
    return Proposal(value, value, (said.source(at, last.end()),), 0.5, "来电人最后提出的要求")
