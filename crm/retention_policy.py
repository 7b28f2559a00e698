"""What the bureau decides about keeping longer and about destroying."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from core.policy import PolicySection, section

Years = Annotated[int, Field(ge=3, le=100)]
WordsYears = Annotated[int, Field(ge=0, le=100)]


@section
class RetentionPolicy(PolicySection):
    """Table `[retention]`: 第十二条(九), whose three years of recordings are `recordings.protected_years`."""

    key: ClassVar[str] = "retention"
    title: ClassVar[str] = "录音、附件保管与销毁"

    report_years: Years = Field(title="举报件的录音、附件至少保存（年）")
    emergency_years: Years = Field(title="突发事件工单的录音、附件至少保存（年）")
    supervision_years: Years = Field(title="经督办的工单的录音、附件至少保存（年）")
    petition_years: Years = Field(title="已进入信访渠道的事项的录音、附件至少保存（年）")
    """Whole years from the recording, of a file from the end of its order; the longest of all that apply counts, and
    never less than what is kept of all."""
    attachment_years: Years = Field(title="工单附件至少保存（年）")
    """From the end of the order: 会议材料, 领导批示 and whatever else was put to it."""
    warn_days: Annotated[int, Field(ge=1, le=366)] = Field(title="保存期满前提醒（自然日）")
    """T24."""
    draft_days: Annotated[int, Field(ge=30, le=3660)] = Field(title="没有确认的工单草稿保存（自然日）")
    """From its last change; then caller and words go from it, the recording stays for its own years."""
    typed_days: Annotated[int, Field(ge=1, le=366)] = Field(title="没有提交的填写内容保存（自然日）")
    """After the last key that was pressed; no part of the order."""
    words_with_recording: bool = Field(title="通话文字随录音一并销毁")
    words_years: WordsYears = Field(title="通话文字保存（年，0为与录音同期）")
    words_report_years: WordsYears = Field(title="举报件的通话文字保存（年，0为与录音同期）")
    words_emergency_years: WordsYears = Field(title="突发事件工单的通话文字保存（年，0为与录音同期）")
    words_supervision_years: WordsYears = Field(title="经督办的工单的通话文字保存（年，0为与录音同期）")
    words_petition_years: WordsYears = Field(title="已进入信访渠道的事项的通话文字保存（年，0为与录音同期）")
    """Whole years from the recording; the longest of all that apply counts; none stays longer than its sound."""

    @model_validator(mode="after")
    def _words_end_first(self) -> "RetentionPolicy":
        for name in ("report", "emergency", "supervision", "petition"):
            words, sound = getattr(self, f"words_{name}_years"), getattr(self, f"{name}_years")
            if words > sound:
                raise ValueError(
                    f"通话文字不能比录音保存得更久：words_{name}_years 为 {words}，{name}_years 为 {sound}"
                )
        return self
