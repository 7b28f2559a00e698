"""`make bench-knowledge`: 50 agents typing at once into a knowledge base of 20,000 items, and suggestions on a desk.

    make bench-knowledge                                   # both parts; about 12 minutes
    make bench-knowledge ARGS="--parts search"             # only one: search, suggestion
    make bench-knowledge ARGS="--parts suggestion --calls 5 --items 500"      # a short look

The items are made, by a seed, of whose matter it is, what is asked, and in which township; each has other ways to ask
it and an answer of a few sentences. Every agent types questions of the tests character by character, four a second,
and each character is a search, as on the page; the time counts from the keystroke, so that waiting behind other agents
is in it. How soon a suggestion follows the words of a call is measured as `knowledge_suggestion` says.
"""

import argparse
import asyncio
import math
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path

import uvloop

from callflow import current
from callflow.policy import LinePolicy
from core import log, personal
from crm import installed
from crm.knowledge.engine import Engine, Entry, Narrow
from crm.knowledge.evaluate import evaluate, read
from crm.knowledge.seed import engine_of_county
from tests.bench import knowledge_suggestion
from tests.bench.clerk import COUNTY, KEYS
from tests.bench.line_load import percentile
from tests.bench.machine import speed

BAR_MS = 50.0
SUGGESTION_BAR_S = 1.5
PARTS = ("search", "suggestion")
TODAY = date(2026, 11, 29)
QUESTIONS = Path(__file__).parents[1] / "data" / "knowledge_questions.tsv"
KEYS_PER_S = 4.0
SHOWN = 10
_WHOSE = """
本县户籍居民 外来务工人员 个体经营者 小微企业 高校毕业生 退役军人 残疾人 老年人 未成年人 孕产妇
种粮大户 养殖户 脱贫户 房屋所有人 房屋承租人 机动车所有人 出租车驾驶员 货运企业 餐饮店 药店
民办幼儿园 培训机构 建筑工地 物业企业 业主委员会
"""
_THINGS = """
登记证书 经营许可 资格证 补贴 补助资金 奖励资金 救助金 津贴 贷款贴息 备案手续 年度报告 检验报告
验收手续 缴费凭证 档案材料 证明材料 户口 居住证 优待证 乘车卡 社会保险 医疗费用 住房补贴 保证金
维修资金 水费 电费 燃气费 污水处理费 停车位 充电桩 门牌号 招牌设置 道路占用 树木迁移 河道采砂
取水 排污 噪声 油烟 粉尘 危险房屋 农药经营 种子经营 动物检疫 兽药经营 屠宰 捕捞 林木采伐
野生动物 旅行社 网吧 印刷 文物 体育场馆 游泳场所 卫生消毒 放射诊疗 医师执业 护士执业 母婴保健
职业培训 劳务派遣 集体合同 工时制度 特种设备 计量器具 认证标志 商标 专利 广告 直销 拍卖 成品油
烟草零售 盐业 报废车回收 二手车交易 快递网点 气象资料 防雷装置 消防验收
"""
_ACTS = """
怎么申请 怎么办理 需要什么材料 到哪里办理 多长时间办结 怎么查询进度 怎么变更 怎么延续 怎么注销
怎么补领 怎么投诉 怎么举报 不予批准怎么办 有什么条件 标准是什么
"""
WHOSE, THINGS, ACTS = _WHOSE.split(), _THINGS.split(), _ACTS.split()
OFFICES = ("县政务服务中心", "乡镇便民服务中心", "所在单位")


def made(count: int) -> Iterator[Entry]:
    """So many items, the same at every run."""
    drawn = random.Random(20261129)
    county = installed.installed().county
    units = [one.code for one in county.units.values() if not one.kind.subordinate]
    areas = [one for one in county.units.values() if one.kind.territorial]
    laws = ("行政许可法", "行政处罚法", "社会保险法", "城乡规划法", "环境保护法", "江西省的有关规定")
    kinds = ("functions", "policy", "approval", "enforcement", "service", "consultation")
    for number in range(count):
        whose, thing, act = drawn.choice(WHOSE), drawn.choice(THINGS), drawn.choice(ACTS)
        area = drawn.choice(areas) if drawn.random() < 0.4 else None
        place = area.name if area else ""
        question = f"{place}{whose}{thing}{act}"
        ways = (f"{thing}{drawn.choice(ACTS)}", f"{whose}的{thing}找哪个部门")
        answer = "".join(
            f"{who}带居民身份证和{drawn.choice(THINGS)}，到{drawn.choice(OFFICES)}办理{drawn.choice(THINGS)}，"
            f"办理情况可以向受理窗口查询。"
            for who in drawn.sample(WHOSE, 4)
        )
        yield Entry(
            f"made-{number}", f"ZS{number + 10000:05}", 1, (question, *ways, thing), answer + drawn.choice(laws),
            drawn.choice(kinds), drawn.choice(units), area.code if area else "", None, None,
        )  # fmt: skip


def keystrokes(drawn: random.Random, questions: list[tuple[str, str]]) -> Iterator[str]:
    """What stands in the box after each key, question after question."""
    while True:
        question, _ = drawn.choice(questions)
        for end in range(1, len(question) + 1):
            yield question[:end]


Ask = Callable[[str], Awaitable[object]]


async def agent(number: int, ask: Ask, questions: list[tuple[str, str]], seconds: float, took: list[float]) -> None:
    """Type until the time is over."""
    drawn = random.Random(number)
    typed = keystrokes(drawn, questions)
    due = time.perf_counter() + drawn.random() / KEYS_PER_S
    ends = due + seconds
    while due < ends:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await ask(next(typed))
        took.append(time.perf_counter() - due)
        due += 1 / KEYS_PER_S


async def measure(ask: Ask, agents: int, seconds: float) -> list[float]:
    """All agents at once -> seconds of each search."""
    questions, took = read(QUESTIONS), list[float]()
    await asyncio.gather(*(agent(number, ask, questions, seconds, took) for number in range(agents)))
    return took


def said(name: str, took: list[float]) -> str:
    """`p50 3.1 ms, p95 8.9 ms, p99 14.0 ms of 6000`."""
    cuts = statistics.quantiles([one * 1000 for one in took], n=100)
    return f"{name}: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms of {len(took)}"


def filled(count: int) -> Engine:
    """The county's items among the made ones."""
    engine = engine_of_county(installed.installed())
    for entry in made(count - len(engine)):
        engine.put(entry)
    return engine


def search(items: int, agents: int, seconds: float) -> None:
    """Fill, type, ask, print."""
    began = time.perf_counter()
    engine = filled(items)
    print(f"{len(engine)} items indexed in {time.perf_counter() - began:.1f} s")

    async def ask(text: str) -> object:
        return engine.search(text, Narrow(), TODAY, SHOWN)

    took = uvloop.run(measure(ask, agents, seconds))
    print(said(f"{agents} agents, {KEYS_PER_S:.0f} keys/s each", took))
    p95 = statistics.quantiles(took, n=20)[18] * 1000
    print(f"p95 {p95:.1f} ms, bar {BAR_MS:.0f} ms: {'met' if p95 <= BAR_MS else 'NOT met'}")
    verdict = evaluate(engine, read(QUESTIONS), TODAY)
    print(f"of {verdict.count} questions {verdict.first} first, {verdict.among_three} among three", flush=True)


def suggestion(items: int, calls: int) -> None:
    """Fill a database, speak, watch the desk, print."""
    entries = list(made(items - len(installed.installed().county.knowledge.item)))
    found = uvloop.run(knowledge_suggestion.measure(entries, read(QUESTIONS), calls))
    p50, p95, p99, worst = (percentile(found.took, share) or math.inf for share in (0.5, 0.95, 0.99, 1.0))
    print(f"words → suggestion painted, {len(found.took)} calls among {items} items: ", end="")
    print(f"p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s, greatest {worst:.2f} s")
    print(f"p95 {p95:.2f} s, bar {SUGGESTION_BAR_S} s: {'met' if p95 <= SUGGESTION_BAR_S else 'NOT met'}")
    print(f"not counted: {found.already} stood there before, {found.never} questions do not call for their item")


def main() -> None:
    """The parts that were asked for."""
    asked = argparse.ArgumentParser(description="bench-knowledge")
    asked.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    asked.add_argument("--items", type=int, default=20_000)
    asked.add_argument("--agents", type=int, default=50)
    asked.add_argument("--seconds", type=float, default=30.0)
    asked.add_argument("--calls", type=int, default=120)
    given = asked.parse_args()
    log.setup("ERROR", json=False, role="bench")
    personal.use_keys(KEYS)
    county = installed.read(COUNTY)
    installed.use(county)
    current.use(county.policy[LinePolicy])
    print(speed(), flush=True)
    if "search" in given.parts:
        search(given.items, given.agents, given.seconds)
    if "suggestion" in given.parts:
        suggestion(given.items, given.calls)
    print(speed(), flush=True)


if __name__ == "__main__":
    main()
