"""The role `speech`: words from sound."""

from callflow.ami import AmiClient
from core.service import Service
from hotline.runtime import Runtime
from hotline.wiring import common as _common  # noqa: F401 - who publishes must know who listens
from recordings.speech.service import SpeechService
from recordings.store.choose import open_store


def services(runtime: Runtime) -> list[Service]:
    """Live words and words of recordings."""
    line_settings = runtime.settings.line
    ami = AmiClient(line_settings.private, line_settings.ami_port, "speech", lambda: runtime.secrets.get("ami-speech"))
    store = open_store(runtime.settings.recordings, runtime.home, runtime.db, runtime.secrets)
    return [SpeechService(runtime.db, store, runtime.settings.speech, ami)]
