"""What other parts may learn of recordings and transcripts."""

from typing import ClassVar
from uuid import UUID

from core.events import Event


class RecordingStored(Event):
    """A recording is in the archive, verified and catalogued, and its call is known."""

    name: ClassVar[str] = "recordings.recording-stored"
    recording_id: UUID
    call_id: UUID
    kind: str


class TranscriptGrew(Event):
    """A call has a new finished utterance."""

    name: ClassVar[str] = "recordings.transcript-grew"
    call_id: UUID


class TranscriptFinal(Event):
    """No words of an ended call are missing. Comes again where a later recording adds words."""

    name: ClassVar[str] = "recordings.transcript-final"
    call_id: UUID


class WordsCorrected(Event):
    """A person corrected a line of a call, or took a correction back."""

    name: ClassVar[str] = "recordings.words-corrected"
    call_id: UUID


class WordsErased(Event):
    """The words of a call were destroyed, with its last recording or before: who keeps some apart forgets them."""

    name: ClassVar[str] = "recordings.words-erased"
    call_id: UUID
