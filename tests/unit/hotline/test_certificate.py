"""The installation's own certificate: issued, checked, renewed."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import frozen, now
from hotline.setup import certificate

NAMES = ["localhost", "127.0.0.1", "::1", "hotline.county.test"]


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    certificate.issue(tmp_path, NAMES, lambda _line: None)
    return tmp_path


def test_it_covers_its_names_and_openssl_accepts_the_pair(tls: Path) -> None:
    assert certificate.check(tls, NAMES).ok
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls / "server.pem", tls / "server.key")
    assert (tls / "server.key").stat().st_mode & 0o077 == 0
    assert (tls / "ca.key").stat().st_mode & 0o077 == 0


def test_a_new_name_asks_for_a_new_certificate(tls: Path) -> None:
    health = certificate.check(tls, [*NAMES, "10.0.0.5"])
    assert not health.ok
    assert "10.0.0.5" in health.detail


@pytest.mark.parametrize(("days", "ok"), [(300, True), (340, False), (400, False)])
def test_it_is_renewed_before_its_last_month(tls: Path, days: int, ok: bool) -> None:
    with frozen(now() + timedelta(days=days)):
        assert certificate.check(tls, NAMES).ok is ok


def test_renewal_keeps_the_authority_that_the_offices_trust(tls: Path) -> None:
    trusted = (tls / "ca.pem").read_bytes()
    with frozen(now() + timedelta(days=350)):
        certificate.issue(tls, NAMES, lambda _line: None)
        assert certificate.check(tls, NAMES).ok
    assert (tls / "ca.pem").read_bytes() == trusted


@pytest.mark.parametrize("damage", ["server.pem", "server.key", "ca.pem"])
def test_a_damaged_file_is_seen_and_mended(tls: Path, damage: str) -> None:
    (tls / damage).write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    assert not certificate.check(tls, NAMES).ok
    certificate.issue(tls, NAMES, lambda _line: None)
    assert certificate.check(tls, NAMES).ok
