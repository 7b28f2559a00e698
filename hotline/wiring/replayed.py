"""No role opens over a database that an old backup has filled with what was lawfully destroyed."""

from core import log
from core.errors import Unavailable
from core.health import Health
from hotline.runtime import Runtime
from recordings.disposal.replay import require_replayed
from recordings.store.port import Store


class NothingBroughtBack:
    """Looks once, at the start. An archive that is away for the moment holds nobody up."""

    name = "依法销毁"

    def __init__(self, runtime: Runtime, store: Store) -> None:
        self._db, self._store = runtime.db, store

    async def start(self) -> None:
        """Raises `Conflict("disposals-not-replayed")`."""
        try:
            await require_replayed(self._db, self._store)
        except Unavailable as error:
            log.get(__name__).warning("disposals.unknown", error=error.id)

    async def stop(self) -> None:
        """Nothing runs."""

    async def health(self) -> Health:
        """Well, or the role would not be open."""
        return Health(self.name, True, "已依法销毁的录音没有被备份带回")
