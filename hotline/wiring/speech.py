"""The role `speech`: words from sound."""

from callflow.ami import AmiClient
from core.service import Service
from hotline.runtime import Runtime
from hotline.wiring.common import key_device  # and who publishes must know who listens
from recordings.speech.service import SpeechService
from recordings.store.choose import masters_of, open_store


def services(runtime: Runtime) -> list[Service]:
    """Live words and words of recordings."""
    line_settings = runtime.settings.line
    ami = AmiClient(line_settings.private, line_settings.ami_port, "speech", lambda: runtime.secrets.get("ami-speech"))
    settings = runtime.settings.recordings
    masters = masters_of(settings, runtime.secrets)
    store = open_store(settings, runtime.home, runtime.db, runtime.secrets, masters)
    return [SpeechService(runtime.db, store, runtime.settings.speech, ami), *key_device(settings, masters)]
