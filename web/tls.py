"""The desks' certificate: served from the start, and read again when its files change, without dropping anybody."""

import ssl
from pathlib import Path

from core.errors import Unavailable
from core.log import get
from web.parts import Parts

log = get(__name__)
LOOK_EVERY_S = 5.0


class Tls:
    """`context` serves the certificate of these two files; `look()` takes over a new one for new connections."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Raises `Unavailable("no-certificate")`."""
        self._chain, self._key = chain, key
        self._seen = self._stamp()
        self.context = tls(chain, key)

    async def look(self) -> None:
        """Serve the files' certificate from now on where they changed; connections that are open stay as they are.

        Raises `Unavailable("no-certificate")` while the two files do not fit; the old certificate is served on.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return
        tls(self._chain, self._key)  # a half-written pair fails here, on a context that nobody uses
        self.context.load_cert_chain(self._chain, self._key)
        self._seen = stamp
        log.info("certificate.taken-over")

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        try:
            return tuple((found.st_mtime_ns, found.st_ino) for found in (self._chain.stat(), self._key.stat()))
        except OSError as error:
            raise Unavailable("no-certificate", f"证书 {self._chain} 无法读取，请运行 make setup。") from error


def certificate(parts: Parts) -> tuple[Path, Path]:
    """Chain and key: of the settings, else what the set-up issued."""
    folder, settings = parts.home / "tls", parts.settings
    if settings.certificate:
        return settings.certificate, settings.certificate_key or settings.certificate
    return folder / "server.pem", folder / "server.key"


def tls(chain: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate. Raises `Unavailable("no-certificate")`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable("no-certificate", f"证书 {chain} 无法使用，请运行 make setup。") from error
    return context
