"""The shapes of a county's files, each validated by itself when it is read."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.permissions import Role

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$")]
Name = Annotated[str, Field(min_length=1, max_length=80)]
AREA = "area"
"""In the catalogue: the township or street of the place (属地管理)."""
EVERYWHERE = "*"
CENTRE = "centre"
"""In the catalogue, as lead: no unit is named beforehand, the centre decides each time (第十九条)."""


class Record(BaseModel):
    """Base of all records: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReferralRecord(Record):
    """One entry of the referral directory 转接去向, as a county begins with it (第十一条)."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    number: str = Field("", pattern=r"^[0-9-]{0,20}$")
    matters: Annotated[str, Field(min_length=4, max_length=400)]
    hours: Annotated[str, Field(max_length=80)] = ""
    address: Annotated[str, Field(max_length=120)] = ""
    owner: Annotated[str, Field(min_length=2, max_length=40)]


class UnitKind(StrEnum):
    """What kind of member unit (第五条)."""

    TOWNSHIP = "township"
    STREET = "street"
    DEPARTMENT = "department"
    PARTY = "party"
    ENTERPRISE = "enterprise"
    SCENIC = "scenic"
    ZONE = "zone"
    VERTICAL = "vertical"
    CENTRE = "centre"
    BUREAU = "bureau"
    STATION = "station"
    VILLAGE = "village"
    SUBORDINATE = "subordinate"

    @property
    def label(self) -> str:
        """As the regulation writes it."""
        return _KINDS[self]

    @property
    def territorial(self) -> bool:
        """Whether such a unit answers for an area (属地管理)."""
        return self in {UnitKind.TOWNSHIP, UnitKind.STREET, UnitKind.SCENIC, UnitKind.ZONE}

    @property
    def subordinate(self) -> bool:
        """Whether such a unit stands below a member unit, which hands orders on to it (第八条(六))."""
        return self in {UnitKind.STATION, UnitKind.VILLAGE, UnitKind.SUBORDINATE}


_KINDS = {
    UnitKind.TOWNSHIP: "乡镇",
    UnitKind.STREET: "街道",
    UnitKind.DEPARTMENT: "县直部门",
    UnitKind.PARTY: "党委部门",
    UnitKind.ENTERPRISE: "公共服务企事业单位",
    UnitKind.SCENIC: "景区",
    UnitKind.ZONE: "高新区",
    UnitKind.VERTICAL: "垂管单位",
    UnitKind.CENTRE: "热线中心",
    UnitKind.BUREAU: "热线主管部门",
    UnitKind.STATION: "站所",
    UnitKind.VILLAGE: "村（社区）",
    UnitKind.SUBORDINATE: "下属单位",
}


class UnitRecord(Record):
    """成员单位; `aliases` are what people say."""

    code: Code
    name: Name
    kind: UnitKind
    competent: Code | None = None
    """主管部门; an enterprise must have one (第五条)."""
    parent: Code | None = None
    """上级单位; a 站所, a village or a body below a unit must have one (第八条(六))."""
    office: str = Field("", max_length=80)
    """承办热线事项的工作部门 (第八条(一))."""
    leader: str = Field("", max_length=40)
    """分管领导."""
    leader_phone: str = Field("", max_length=32)
    duty_phone: str = Field("", max_length=32)
    aliases: tuple[Name, ...] = ()


class Matter(Record):
    """诉求事项: a leaf of the taxonomy; `domain` is one of the five of 第九条."""

    code: Code
    name: Name
    group: Name
    domain: Name
    words: tuple[Name, ...]


class CatalogueLine(Record):
    """One line of the dispatch catalogue 派单目录."""

    matter: Code
    area: str = EVERYWHERE
    lead: Code
    assist: tuple[Code, ...] = ()
    power: Code | None = None
    """The line of the power list 权责清单 that it rests on."""
    basis: Name


class Power(Record):
    """One line of the power list 权责清单: which unit carries out what, by which law (第十九条, F19-1)."""

    code: Code
    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Annotated[str, Field(max_length=20)] = ""
    """职权类别: 行政处罚, 行政许可, 公共服务 …"""
    unit: Code
    """实施主体."""
    basis: Annotated[str, Field(min_length=1, max_length=1000)]
    """实施依据: law and article."""


class Place(Record):
    """A name of the gazetteer; `area` is the unit whose duty the place is, None where it crosses several."""

    name: Name
    kind: str
    area: Code | None = None
    at: tuple[Annotated[float, Field(ge=73, le=136)], Annotated[float, Field(ge=3, le=54)]] | None = None
    """Longitude and latitude in degrees (CGCS2000), once somebody has measured it."""
    aliases: tuple[Name, ...] = ()


class NumberRecord(Record):
    """12345 or a merged hotline (第十六条): what is dialled, what it was, which queue answers."""

    number: str = Field(pattern=r"^\d{3,12}$")
    hotline: Name
    mode: str
    """`own`, `merged` 整体并入, `parallel` 双号并行, `branch` 设分中心."""
    queue: Code
    owner: Code | None = None


class QueueRecord(Record):
    """An agent pool."""

    code: Code
    name: Name
    second_line: Code | None = None
    max_waiting: int = Field(0, ge=0, le=10_000)
    """So many callers may wait; 0: no limit."""


class ShiftRecord(Record):
    """Who is on duty by telephone when nobody sits at a desk; `from`–`to` are Shanghai wall times."""

    name: Name
    order: int
    mobile: str
    start: str = Field(pattern=r"^\d\d:\d\d$")
    end: str = Field(pattern=r"^\d\d:\d\d$")
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)


class StaffRecord(Record):
    """A demo user; its password is generated when it is made."""

    login: str = Field(pattern=r"^[a-z][a-z0-9.]{2,39}$")
    name: Name
    roles: tuple[Role, ...] = Field(min_length=1)
    unit: Code | None = None
    extension: str | None = Field(None, pattern=r"^\d{3,6}$")
    queues: tuple[Code, ...] = ()
