"""The installation's own certificate is issued anew in its last month, while the service runs."""

import asyncio

from core.health import Health
from core.log import get
from core.service import Loop
from hotline.runtime import Runtime
from hotline.setup import certificate

log = get(__name__)
EVERY_S = 3600.0


class CertificateKeeper(Loop):
    """Renews our own; of one that the bureau brought it tells in time that it ends."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__("证书", EVERY_S, self.renew)
        self._web, self._tls = runtime.settings.web, runtime.home / "tls"
        self._names = certificate.names(runtime.own_names())

    async def renew(self) -> None:
        """Issue where it is due; the web server takes it over by itself."""
        if self._web.certificate is None and not (found := await self._check()).ok:
            log.info("certificate.renewing", why=found.detail)
            await asyncio.to_thread(
                certificate.issue, self._tls, self._names, lambda line: log.info("certificate", said=line)
            )

    async def health(self) -> Health:
        """How long it is still valid; not well in its last month."""
        tried = await super().health()
        return await self._check() if tried.ok else tried

    async def _check(self) -> Health:
        if self._web.certificate is not None:
            return await asyncio.to_thread(certificate.check_given, self._web.certificate, self._web.certificate_key)
        return await asyncio.to_thread(certificate.check, self._tls, self._names)
