"""A real S3 service for tests: Ceph's gateway with one monitor and one disk in memory, in a folder of its own."""

import base64
import hashlib
import hmac
import http.client
import secrets
import socket
import struct
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotline.setup.radosgw import Radosgw
from recordings.settings import S3Settings

KEY, SECRET, REGION = "ARCHIVE", "a secret that only tests ever use", "default"
READY_S = 60.0
CONF = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
mon initial members = a
# without authentication the default mode, secure, never connects
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
public network = 127.0.0.0/8
ms bind ipv6 = false
mon tick interval = 1
paxos propose interval = 0.05
paxos min wait = 0.01
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
run dir = {folder}
log file = {folder}/$name.log
mon cluster log to file = false
admin socket = {folder}/$name.asok
pid file = {folder}/$name.pid
mon data = {folder}/mon
osd data = {folder}/osd
keyring = {folder}/keyring
plugin dir = {libraries}/ceph
erasure code dir = {libraries}/ceph/erasure-code
[osd]
osd objectstore = memstore
osd class dir = {libraries}/rados-classes
osd class load list = *
osd class default list = *
memstore device bytes = 1073741824
osd op num shards = 2
[client]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw thread pool size = 16
rgw run sync thread = false
"""


@dataclass
class Gateway:
    """Ceph, started in a folder."""

    ceph: Radosgw
    folder: Path
    port: int = 0
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Make a new cluster with one user, and serve."""
        self.port, mon_port = _free_ports()
        fsid, disk = str(uuid.uuid4()), str(uuid.uuid4())
        for name in ("mon", "osd"):
            (self.folder / name).mkdir()
        conf = {"fsid": fsid, "mon_port": mon_port, "port": self.port, "folder": self.folder}
        (self.folder / "ceph.conf").write_text(CONF.format(**conf, libraries=self.ceph.libraries))
        (self.folder / "keyring").write_text("".join(_keyring(name) for name in ("mon.", "client.admin", "osd.0")))
        monitor = f"[v2:127.0.0.1:{mon_port}]"
        self._run("monmaptool", "--create", "--clobber", "--addv", "a", monitor, "--fsid", fsid, "monmap")
        self._run("osdmaptool", "--createsimple", "1", "--clobber", "osdmap")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap", "--osdmap", "osdmap", "--keyring", "keyring")
        self._serve("ceph-mon", "-i", "a")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._serve("ceph-osd", "-i", "0")
        user = ("--uid=archive", "--display-name=archive", f"--access-key={KEY}", f"--secret={SECRET}")
        self._run("radosgw-admin", "user", "create", *user)
        self.serve()

    def serve(self) -> None:
        """The gateway alone; what it stored before is there."""
        self._serve("radosgw", "-n", "client.admin")
        give_up = time.monotonic() + READY_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < give_up and self.running["radosgw"].poll() is None, self._log("radosgw")
                time.sleep(0.05)

    def kill(self) -> None:
        """The gateway dies; what it stored stays."""
        gateway = self.running.pop("radosgw")
        gateway.kill()
        gateway.wait()

    def stop(self) -> None:
        """End all; nothing of it is needed again."""
        for process in self.running.values():
            process.kill()
            process.wait()

    def settings(self, bucket: str, **more: Any) -> S3Settings:
        """Where it is."""
        given = {"access_key_id": KEY, "secret_access_key": SECRET, "region": REGION, **more}
        return S3Settings(bucket=bucket, endpoint=f"http://127.0.0.1:{self.port}", allow_http=True, **given)

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, str]:
        """One signed request (Signature Version 4) beyond what a store does -> status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        signed = _signed(method, f"127.0.0.1:{self.port}", path, query, body, headers)
        connection.request(method, f"{path}?{query}" if query else path, body, signed)
        answer = connection.getresponse()
        said = answer.status, answer.read().decode()
        connection.close()
        return said

    def make_bucket(self, name: str, *, locked_days: int = 0) -> None:
        """A bucket; with `locked_days` nobody may delete a version of an object for so long."""
        lock = {"x-amz-bucket-object-lock-enabled": "true"} if locked_days else {}
        assert self.ask("PUT", f"/{name}", **lock)[0] == 200
        if locked_days:
            rule = f"<DefaultRetention><Mode>COMPLIANCE</Mode><Days>{locked_days}</Days></DefaultRetention>"
            enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
            body = f"<ObjectLockConfiguration>{enabled}<Rule>{rule}</Rule></ObjectLockConfiguration>".encode()
            digest = base64.b64encode(hashlib.md5(body).digest()).decode()
            assert self.ask("PUT", f"/{name}", "object-lock=", body, **{"content-md5": digest})[0] == 200

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self.ceph.command(program, "-c", "ceph.conf"), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=READY_S, check=False)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _serve(self, program: str, *arguments: str) -> None:
        command = [*self.ceph.command(program, "-c", "ceph.conf", "-f"), *arguments]
        with (self.folder / f"{program}.out").open("ab") as out:
            self.running[program] = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out)

    def _log(self, program: str) -> str:
        return (self.folder / f"{program}.out").read_text(errors="replace")[-2000:]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _keyring(name: str) -> str:
    """One key in Ceph's own form: type, time, length, sixteen bytes."""
    key = struct.pack("<HIIH", 1, 0, 0, 16) + secrets.token_bytes(16)
    caps = "".join(f'\tcaps {daemon} = "allow *"\n' for daemon in ("mon", "osd", "mgr"))
    return f"[{name}]\n\tkey = {base64.b64encode(key).decode()}\n{caps}"


def _signed(method: str, host: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
    """The headers with their signature."""
    at, content = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
    given = {"host": host, "x-amz-date": at, "x-amz-content-sha256": content, **headers}
    names = ";".join(sorted(given))
    lines = "".join(f"{name}:{given[name]}\n" for name in sorted(given))
    asked = "\n".join([method, path, query, lines, names, content])
    scope = f"{at[:8]}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**given, "authorization": credential}
