"""What this machine needs for its web role."""

from pathlib import Path

from core.settings import Section


class WebSettings(Section):
    """Address, certificate and limits of the web role."""

    host: str = "127.0.0.1"
    port: int = 8443
    certificate: Path | None = None
    """PEM chain; empty means the one that the set-up issued in `<home>/tls`."""
    certificate_key: Path | None = None
    metrics_token: str = ""
    """Bearer token for `/metrics` from another machine; without one only loopback may read it."""
    live_clients: int = 600
    """Browsers that may listen for hints at once."""
