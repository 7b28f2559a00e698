"""What the citizens of a county report in three years: matters, places and words from the county's own data."""

import bisect
import itertools
import random
from dataclasses import dataclass

from core.personal import seal
from crm.county.categories import Category
from crm.county.data import Matter, Place
from crm.installed import Installation

C = Category
CATEGORIES = ((C.CONSULTATION, 34), (C.HELP, 27), (C.COMPLAINT, 26), (C.SUGGESTION, 6), (C.OPINION, 4), (C.REPORT, 3))
SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
GIVEN = "建国秀英志强丽华军敏海燕平小红文斌玉兰晓东春梅磊芳娟涛明超秀兰霞飞鹏勇艳杰桂英"
SPOTS = ("{n}号楼{m}单元", "{n}栋楼下", "东门", "西门路口", "{n}号门面旁", "老菜场对面", "第{n}小学门口", "公交站旁")
SPOTS += ("村委会门口", "{n}组", "桥头", "{n}号院", "加油站往前{n}0米", "小区地下车库", "幼儿园后面", "农贸市场{m}区")
SINCE = (
    "从{n}月{m}日开始",
    "近{n}天来",
    "已经持续{n}个月",
    "每天晚上{n}点以后",
    "今天早上{n}点起",
    "上周以来",
    "去年年底以来",
)
SAID = (
    "{word}问题一直没有解决，影响附近居民正常生活",
    "{word}情况比较严重，老人小孩出行很不方便",
    "因{word}多次向社区反映，答复是正在处理，至今没有结果",
    "市民反映{word}，认为存在安全隐患",
    "{word}，小区业主群里很多人都有意见",
    "物业称不归他们管，{word}的事情不知道找哪个部门",
    "咨询{word}的相关政策、办理流程和需要的材料",
    "对{word}的处理结果不认可，要求重新核实",
)
WISHES = ("希望有关部门尽快处理", "请相关部门核实并给予答复", "望尽快安排人员到现场查看", "希望得到合理的解释")
WISHES += ("要求退还已经缴纳的费用", "建议加强日常巡查", "请告知咨询电话和办公地点", "诉求人要求回电")


@dataclass(frozen=True)
class Story:
    """One matter as one citizen tells it."""

    category: Category
    matter: Matter
    place: Place
    title: str
    content: str
    address: str


class Teller:
    """Tells stories; the same dice tell the same ones. Some matters and places are far more frequent than others."""

    def __init__(self, installation: Installation) -> None:
        county = installation.county
        self._matters = list(county.matters.values())
        self._places = [place for place in county.places if place.area]
        self._often = list(itertools.accumulate(1 / (1 + n) ** 0.7 for n in range(len(self._matters))))
        self._near = list(itertools.accumulate(1 / (1 + n) ** 0.6 for n in range(len(self._places))))
        self._kinds = list(itertools.accumulate(weight for _, weight in CATEGORIES))

    def tell(self, dice: random.Random) -> Story:
        """One story."""
        category = CATEGORIES[bisect.bisect(self._kinds, dice.random() * self._kinds[-1])][0]
        matter = self._matters[bisect.bisect(self._often, dice.random() * self._often[-1])]
        place = self._places[bisect.bisect(self._near, dice.random() * self._near[-1])]
        n, m = dice.randint(1, 12), dice.randint(1, 28)
        word, other = dice.choice(matter.words), dice.choice(matter.words)
        address = place.name + dice.choice(SPOTS).format(n=n, m=m)
        since = dice.choice(SINCE).format(n=n, m=m)
        middle = "，".join(dice.choice(SAID).format(word=one) for one in (word, other))
        content = f"{address}{since}{matter.name}，{middle}。{dice.choice(WISHES)}。"
        return Story(category, matter, place, f"{place.name}{word}", content, address)


class Callers:
    """The county's telephones; a few of them call very often. Sealed once each."""

    def __init__(self, count: int, dice: random.Random) -> None:
        self._count = count
        self.phones = [f"+861{dice.choice('3578')}{dice.randrange(10**9):09d}" for _ in range(count)]
        self.sealed = [seal(phone) for phone in self.phones]
        names = [dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice(GIVEN) for _ in range(2_000)]
        self.names = [seal(name) for name in names]

    def pick(self, dice: random.Random) -> int:
        """One caller's place: the square makes the first ones call often."""
        return int(dice.random() ** 2 * self._count)
