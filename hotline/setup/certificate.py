"""This installation's own certificate authority and its server certificate: browsers give no microphone without."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.clock import now
from core.health import Health
from hotline.setup.cache import Say

CA_YEARS = 10
DAYS = 365
"""Browsers refuse server certificates of more than 398 days."""
RENEW_DAYS = 30
NOWHERE = ("192.0.2.1", 9)
"""An address of no network (RFC 5737): asking the way to it sends nothing and names our own address."""


def names(extra: Iterable[str] = ()) -> list[str]:
    """Names and addresses by which this machine is reached."""
    host = socket.gethostname()
    found = ["localhost", "127.0.0.1", "::1", host, socket.getfqdn(), *extra]
    with suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(host, None)]
    with suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as way:
        way.connect(NOWHERE)
        found.append(way.getsockname()[0])
    usable = (name.partition("%")[0] for name in found if name and name not in ("0.0.0.0", "::"))
    return list(dict.fromkeys(usable))


def check(folder: Path, wanted: Iterable[str]) -> Health:
    """How the certificate in `folder` is: there, of our CA, long enough valid, for every wanted name."""
    part, mend = "证书", "运行 make setup 重新签发"
    try:
        ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        server = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
        server.verify_directly_issued_by(ca)
        key = serialization.load_pem_private_key((folder / "server.key").read_bytes(), None)
    except FileNotFoundError:
        return Health(part, False, "还没有证书", mend)
    except Exception as error:  # noqa: BLE001  (cryptography raises many kinds for a damaged file)
        return Health(part, False, f"证书已损坏：{type(error).__name__}", mend)
    if key.public_key() != server.public_key():
        return Health(part, False, "证书与密钥不配", mend)
    until = min(server.not_valid_after_utc, ca.not_valid_after_utc)
    if until - now() < timedelta(days=RENEW_DAYS):
        return Health(part, False, _left(until), mend)
    covered = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    lacking = [name for name in wanted if _general(name) not in covered]
    if lacking:
        return Health(part, False, f"证书不含本机名称 {'、'.join(lacking)}", mend)
    return Health(part, True, _left(until))


def check_given(chain: Path, key: Path | None) -> Health:
    """How a certificate that the bureau brought is: readable, with its key, valid for a month to come."""
    part, mend = "证书", "检查设置 web.certificate、web.certificate_key 所指的文件"
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        secret = serialization.load_pem_private_key((key or chain).read_bytes(), None)
    except OSError as error:
        return Health(part, False, f"读不到 {error.filename}", mend)
    except Exception as error:  # noqa: BLE001  (cryptography raises many kinds for a damaged file)
        return Health(part, False, f"证书或密钥已损坏：{type(error).__name__}", mend)
    if secret.public_key() != certificate.public_key():
        return Health(part, False, "证书与密钥不配", mend)
    until = certificate.not_valid_after_utc
    if until - now() < timedelta(days=RENEW_DAYS):
        return Health(part, False, _left(until), "向签发机构更换证书，覆盖原文件即可，无需重新启动")
    return Health(part, True, _left(until))


def _left(until: datetime) -> str:
    """How long it is still valid, in whole days."""
    days = (until - now()).days
    return f"证书还剩 {days} 天，{until:%Y-%m-%d} 到期" if until > now() else f"证书已于 {until:%Y-%m-%d} 过期"


def issue(folder: Path, wanted: Iterable[str], say: Say) -> None:
    """A server certificate for `wanted`, of the CA in `folder`, which is made where there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca, ca_key = _authority(folder, say)
    key = ec.generate_private_key(ec.SECP256R1())
    hosts = list(wanted)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    certificate = (
        _builder(subject, ca.subject, key.public_key(), timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(folder / "server.key", _pem(key))
    _write(folder / "server.pem", _pem_of(certificate) + _pem_of(ca))
    say(f"证书已签发：{'、'.join(hosts)}")


def _authority(folder: Path, say: Say) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    with suppress(FileNotFoundError, ValueError):
        ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        long_enough = ca.not_valid_after_utc - now() > timedelta(days=DAYS)
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == ca.public_key() and long_enough:
            return ca, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"12345 热线 {socket.gethostname()[:40]}")])
    usage = x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = (
        _builder(name, name, key.public_key(), timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / "ca.key", _pem(key))
    _write(folder / "ca.pem", _pem_of(ca))
    say(f"本地证书颁发机构：{folder / 'ca.pem'}（请在各台电脑上设为信任）")
    return ca, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, validity: timedelta
) -> x509.CertificateBuilder:
    start = now() - timedelta(hours=1)  # a client's clock may be a little behind
    return x509.CertificateBuilder(
        subject_name=subject, issuer_name=issuer, public_key=key, serial_number=x509.random_serial_number(),
        not_valid_before=start, not_valid_after=start + validity,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
