"""The doctor on one instance that is broken in one way after the other: it says what, and how to mend it."""

import shutil
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.clock import frozen, now
from core.errors import Unavailable
from core.health import Health
from core.postgres import FOR_TESTS, EmbeddedPostgres
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.setup import certificate
from hotline.setup import checks_instance as checks
from hotline.setup.doctor import examine
from hotline.softphone import free_port
from hotline.supervisor import only_one
from web.settings import WebSettings


@pytest.fixture
def home() -> Iterator[Path]:
    """A short folder, for a socket's path is short, with the key of personal data that all tests share."""
    with TemporaryDirectory(prefix="hl-d-", dir="/tmp") as folder:
        (Path(folder) / "secrets").mkdir(mode=0o700)
        (Path(folder) / "secrets" / "personal").write_text("a master key that only tests ever use")
        yield Path(folder)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The files of a database that was made and stopped."""
    with TemporaryDirectory(prefix="hl-c-", dir="/tmp") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", FOR_TESTS)
        server.start()
        server.stop()
        yield Path(folder) / "postgres"


def runtime(home: Path, **sections: object) -> Runtime:
    ports = {name: free_port() for name in ("sip_port", "ami_port", "agi_port", "websocket_port")}
    given = {"line": ports, "web": {"port": free_port()}, "speech": {"port": free_port()}} | sections
    return Runtime(Settings(home=home, **given))  # type: ignore[arg-type]


def test_every_part_is_looked_at_and_what_is_not_there_yet_is_mended_by_setup(home: Path) -> None:
    found = {health.part: health for health in examine(runtime(home).settings)}
    assert list(found) == [
        "Python", "Python 软件包", "系统软件包", "Asterisk 程序", "网页组件", "磁盘", "实时转写",
        "语音提示", "证书", "录音加密", "端口", "数据库", "短信网关", "Asterisk 运行", "服务",
    ]  # fmt: skip
    missing = [health for health in found.values() if not health.ok]
    by_setup = {"语音提示", "证书", "录音加密", "数据库"}
    assert by_setup <= {health.part for health in missing}
    assert all("make setup" in health.mend for health in missing if health.part in by_setup)


def test_a_county_that_cannot_be_read_is_a_part_like_the_others(home: Path) -> None:
    found = list(examine(runtime(home, core={"county": home / "nowhere"}).settings))
    assert (found[-1].part, found[-1].ok) == ("县数据与密钥", False)
    assert len(found) == 8, "the machine is looked at all the same"


@pytest.mark.parametrize("lost", ["PG_VERSION", "global/pg_control", "pg_wal"])
def test_a_damaged_database_is_told_and_never_made_anew(home: Path, cluster: Path, lost: str) -> None:
    shutil.copytree(cluster, home / "postgres", ignore=shutil.ignore_patterns("run"))
    assert checks.database(runtime(home)).ok
    victim = home / "postgres" / "data" / lost
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    found = checks.database(runtime(home))
    assert not found.ok
    assert lost in found.detail
    assert "备份" in found.mend
    with pytest.raises(Unavailable, match="损坏"):
        EmbeddedPostgres(home / "postgres").start()
    assert (home / "postgres" / "data" / "base").is_dir()


def test_a_database_that_ends_while_starting_is_told_at_once(home: Path, cluster: Path) -> None:
    shutil.copytree(cluster, home / "postgres", ignore=shutil.ignore_patterns("run"))
    (home / "postgres" / "data" / "postgresql.conf").write_text("shared_buffers = much\n")
    with pytest.raises(Unavailable) as error:
        EmbeddedPostgres(home / "postgres").start()
    assert error.value.id == "postgres-not-starting"
    assert "shared_buffers" in error.value.message


def test_a_database_elsewhere_that_does_not_answer(home: Path) -> None:
    found = checks.database(runtime(home, database_url=f"postgresql://127.0.0.1:{free_port()}/hotline"))
    assert not found.ok
    assert "database_url" in found.mend


def test_whether_the_services_own_the_tables_is_told(home: Path, owner_url: str, database_url: str) -> None:
    alone = checks.database(runtime(home, database_url=owner_url))
    assert alone.ok and "服务账号就是表的所有者" in alone.detail
    two = checks.database(runtime(home, database_url=database_url, database_owner_url=owner_url))
    assert two.ok and two.detail == "PostgreSQL 16"


def test_a_taken_port_and_an_address_of_another_machine(home: Path) -> None:
    one = runtime(home)
    assert checks.ports(one).ok
    with socket.create_server(("127.0.0.1", one.settings.web.port)):
        found = checks.ports(one)
    assert not found.ok
    assert f"HTTPS 127.0.0.1:{one.settings.web.port}（被其他程序占用）" in found.detail
    assert "HOTLINE_PORT_OFFSET" in found.mend
    elsewhere = checks.ports(runtime(home, web={"host": "192.0.2.1", "port": 8443}))
    assert "不是本机地址" in elsewhere.detail


def test_an_expired_certificate_of_either_kind(home: Path) -> None:
    own = runtime(home)
    certificate.issue(home / "tls", certificate.names(own.own_names()), lambda _line: None)
    given = WebSettings(certificate=home / "tls/server.pem", certificate_key=home / "tls/server.key")
    brought = runtime(home, web=given)
    assert checks.certificate_of(own).ok
    assert checks.certificate_of(brought).ok
    for days, word in ((certificate.DAYS - 5, "还剩 4 天"), (certificate.DAYS + 5, "过期")):
        with frozen(now() + timedelta(days=days)):
            found: list[Health] = [checks.certificate_of(own), checks.certificate_of(brought)]
        assert not any(health.ok for health in found)
        assert all(word in health.detail for health in found)
        assert ["make setup" in health.mend for health in found] == [True, False]


def test_a_given_certificate_that_does_not_fit(home: Path) -> None:
    certificate.issue(home / "a", ["localhost"], lambda _line: None)
    certificate.issue(home / "b", ["localhost"], lambda _line: None)
    assert "不配" in certificate.check_given(home / "a/server.pem", home / "b/server.key").detail
    assert "读不到" in certificate.check_given(home / "none.pem", None).detail
    assert "损坏" in certificate.check_given(home / "a/server.pem", home / "a/server.pem").detail


def test_a_service_whose_asterisk_and_pages_are_away(home: Path) -> None:
    one = runtime(home).open()
    assert checks.service(one).ok
    assert checks.asterisk_running(one).ok
    with only_one(home):
        service, asterisk = checks.service(one), checks.asterisk_running(one)
    assert not service.ok
    assert "没有应答" in service.detail
    assert not asterisk.ok
    assert "messages.log" in asterisk.mend


COMPLETE: dict[str, dict[str, object]] = {
    "smpp": {"system_id": "a", "password": "b"},
    "cmpp": {"sp_id": "a", "password": "b", "service_id": "c"},
    "mas": {"ec_name": "a", "ap_id": "b", "secret_key": "c", "sign": "d", "push_token": "sixteen-letters-"},
}


def gateway(home: Path, name: str, **more: object) -> Health:
    return checks.sms(runtime(home, sms={"gateway": name, name: COMPLETE[name] | more}).open())


def test_a_gateway_is_complete_and_can_be_reached(home: Path) -> None:
    assert checks.sms(runtime(home).open()).ok, "no operator yet"
    port = free_port()
    for name, address in (
        ("smpp", {"port": port}),
        ("cmpp", {"port": port}),
        ("mas", {"url": f"http://127.0.0.1:{port}"}),
    ):
        away = gateway(home, name, **address)
        assert (away.ok, f"127.0.0.1:{port}" in away.detail) == (False, True)
        with socket.create_server(("127.0.0.1", port)):
            assert gateway(home, name, **address).ok
        field = next(iter(COMPLETE[name]))
        assert f"sms.{name}.{field}" in gateway(home, name, **{field: ""}).detail


def test_cloud_mas_must_have_a_template_for_the_receipt_and_a_way_back(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert "push_token" in gateway(home, "mas", url=url, push_token="short").mend
        wrong = gateway(home, "mas", url=url, templates=[{"id": "1", "text": "您的诉求已受理，工单号{}。"}])
        assert "模板" in wrong.detail
        text = "您的诉求已受理，工单号{}，查询码{}。可拨12345按2查询办理进度。"
        assert gateway(home, "mas", url=url, templates=[{"id": "1", "text": text}]).ok


def test_encryption_needs_its_master_key_and_an_algorithm_that_is_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checks.encryption(runtime(home)).detail == "没有主密钥"
    runtime(home).secrets.make_next("archive-master")
    assert checks.encryption(runtime(home)) == Health("录音加密", True, "aes-256-gcm，主密钥 1 个", checks.SETUP)
    assert checks.encryption(runtime(home, recordings={"encryption": "off"})).ok
    given = {"encryption": "sm4-gcm", "master_keys": ["a master key that only tests ever use"]}
    assert checks.encryption(runtime(home, recordings=given)).detail == "sm4-gcm，主密钥 1 个"
    monkeypatch.setattr(checks, "sm4_is_there", lambda: False)
    assert not checks.encryption(runtime(home, recordings=given)).ok
