"""What this machine needs for its web role."""

from core.settings import MaybePath, Section


class WebSettings(Section):
    """Address, certificate and limits of the web role."""

    host: str = "127.0.0.1"
    """Where the desks are served; also a name in the certificate that the set-up issues."""
    port: int = 8443
    """HTTPS."""
    certificate: MaybePath = None
    """PEM chain; empty means the one that the set-up issued in `<home>/tls`."""
    certificate_key: MaybePath = None
    """Its key; set together with `certificate`."""
    metrics_token: str = ""
    """Bearer token for `/metrics` from another machine; without one only loopback may read it."""
    live_clients: int = 600
    """Browsers that may listen for hints at once."""
