"""What the bureau decides about listening and about copies; every value with its basis in the county's policy file."""

from typing import Annotated, ClassVar

from pydantic import Field

from core.policy import PolicySection, section

Purpose = Annotated[str, Field(min_length=2, max_length=40)]


@section
class ListeningPolicy(PolicySection):
    """Table `[listening]`."""

    key: ClassVar[str] = "listening"
    title: ClassVar[str] = "录音调听与导出"

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=20)] = Field(title="调听用途")
    """What recordings may be listened to for; whoever listens, asks or takes a copy along chooses one and says why."""
    request_days: Annotated[int, Field(ge=1, le=90)] = Field(title="批准调听最长有效（天）")
    """An approval never lasts longer, whatever was asked for."""
    approve_from: Annotated[int, Field(ge=1, le=100_000)] = Field(title="一次导出多少份起须经批准")
    """An export of at least so many recordings waits for another officer."""
    export_most: Annotated[int, Field(ge=1, le=2_000)] = Field(title="一次最多导出（份）")
    """More in one file is refused."""
    export_hours: Annotated[int, Field(ge=1, le=720)] = Field(title="导出文件可下载（小时）")
    """Then the file is destroyed."""
