"""Why a call shows no words: nobody could have spoken, no model, not running, not yet, or nobody spoke."""

from collections.abc import Sequence

from callflow.models import Call
from callflow.rules import Outcome
from recordings.models import SpeechStatus, Transcript, TranscriptState

NO_MODEL = ("没有文字", "未安装语音识别模型，接听、录音和派单不受影响。")
WAITING = ("还没有文字", "接通后，双方说的话会显示在这里。")
TALKING = ("还没有文字", "双方开始说话后，文字会显示在这里。")
NOT_CONNECTED = ("没有文字", "本次来电没有接通，也没有留言，没有可以转写的内容。")
NOT_RUNNING = ("还没有文字", "语音转写没有运行，恢复后由录音转写。接听、录音和派单不受影响。")
NOT_YET = ("还没有文字", "正在由录音转写，完成后自动显示在这里。")
NOBODY_SPOKE = ("没有文字", "转写已完成，没有听到双方说话。")


def why(call: Call, transcript: Transcript | None, speech: Sequence[SpeechStatus]) -> tuple[str, str]:
    """Heading and sentence for a call without words; `speech`: the processes that spoke lately."""
    if call.ended_at and not call.connected_at and call.outcome != Outcome.MESSAGE:
        return NOT_CONNECTED
    state = transcript.state if transcript else None
    if state == TranscriptState.NO_MODEL or (state is None and speech and not any(one.model for one in speech)):
        return NO_MODEL
    if state == TranscriptState.FINAL:
        return NOBODY_SPOKE
    if not speech:
        return NOT_RUNNING
    if call.ended_at:
        return NOT_YET
    return TALKING if call.connected_at else WAITING
