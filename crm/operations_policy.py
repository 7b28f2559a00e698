"""Who sees to which part of the service, and when a light turns red: a section of the policy."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from core.policy import PolicySection, section

Hours = Annotated[int, Field(ge=1, le=8784)]


class Owner(BaseModel):
    """责任人: a post or a person of the bureau, and the telephone there; it may be empty until it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    post: Annotated[str, Field(min_length=2, max_length=40)]
    phone: Annotated[str, Field(pattern=r"^(\+?[0-9][0-9 -]{1,18}[0-9])?$")] = ""

    def __str__(self) -> str:
        return f"{self.post}，{self.phone or '电话未登记'}"


@section
class OperationsPolicy(PolicySection):
    """第六条(三): 平台运行管理. Each light belongs to a topic, each topic has an owner and a runbook 处置手册.

    A topic is a field of its own, so that a stored version takes the owner of a new one from the county's file.
    """

    key: ClassVar[str] = "operations"
    title: ClassVar[str] = "平台运行管理"

    line: Owner = Field(title="电话线路的责任人")
    desks: Owner = Field(title="网页与证书的责任人")
    service: Owner = Field(title="服务进程与数据库的责任人")
    recordings: Owner = Field(title="录音的责任人")
    speech: Owner = Field(title="语音转写的责任人")
    sms: Owner = Field(title="短信的责任人")
    backup: Owner = Field(title="备份的责任人")
    city: Owner = Field(title="市级回写的责任人")
    backup_hours: Hours = Field(title="两次备份最长间隔（小时）")
    write_back_hours: Hours = Field(title="待回写市级的最长等待（小时）")
    sms_rate: Annotated[int, Field(ge=1, le=100)] = Field(title="短信送达率下限（%）")
    sms_least: Annotated[int, Field(ge=1, le=10_000)] = Field(title="判断送达率至少需要的短信条数")

    def owner(self, topic: str) -> Owner:
        """Who is responsible for it."""
        found: Owner = getattr(self, topic)
        return found


TOPICS = tuple(name for name, field in OperationsPolicy.model_fields.items() if field.annotation is Owner)
"""What has an owner and a runbook."""
