"""A call without words says why."""

import pytest

from callflow.models import Call
from callflow.rules import Outcome
from core.clock import now
from recordings.models import SpeechStatus, Transcript, TranscriptState
from web import no_words

MODEL, BARE = [SpeechStatus(model="tiny-cmn")], [SpeechStatus(model="")]
RINGING = Call()
TALKING = Call(connected_at=now())
TALKED = Call(connected_at=now(), ended_at=now(), outcome=Outcome.ANSWERED)
MESSAGE = Call(ended_at=now(), outcome=Outcome.MESSAGE)
GAVE_UP = Call(ended_at=now(), outcome=Outcome.ABANDONED)


@pytest.mark.parametrize(
    ("call", "state", "speech", "expected"),
    [
        (RINGING, None, MODEL, no_words.WAITING),
        (TALKING, None, MODEL, no_words.TALKING),
        (TALKING, TranscriptState.LIVE, MODEL, no_words.TALKING),
        (TALKING, None, BARE, no_words.NO_MODEL),
        (TALKED, TranscriptState.NO_MODEL, BARE, no_words.NO_MODEL),
        (TALKING, None, [], no_words.NOT_RUNNING),
        (TALKED, TranscriptState.PENDING, [], no_words.NOT_RUNNING),
        (TALKED, TranscriptState.PENDING, MODEL, no_words.NOT_YET),
        (MESSAGE, None, MODEL, no_words.NOT_YET),
        (TALKED, TranscriptState.FINAL, MODEL, no_words.NOBODY_SPOKE),
        (TALKED, TranscriptState.FINAL, [], no_words.NOBODY_SPOKE),
        (GAVE_UP, None, MODEL, no_words.NOT_CONNECTED),
        (GAVE_UP, None, [], no_words.NOT_CONNECTED),
    ],
)
def test_the_reason_fits_the_call(
    call: Call, state: TranscriptState | None, speech: list[SpeechStatus], expected: tuple[str, str]
) -> None:
    assert no_words.why(call, Transcript(state=state) if state else None, speech) == expected
