"""A bare Asterisk with three numbers to ring, for what is tested without the product around it."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from callflow.installation import AsteriskInstall
from hotline.setup import asterisk
from hotline.softphone import free_port

MODULES = """
res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_rtp_asterisk res_pjproject
res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_authenticator_digest
res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_ip
res_pjsip_registrar res_pjsip_caller_id res_pjsip_sdp_rtp res_pjsip_nat res_geolocation res_crypto
chan_pjsip bridge_simple codec_alaw codec_resample format_pcm format_sln format_wav
pbx_config app_dial app_echo app_playback app_read app_record app_exec app_verbose app_senddtmf
func_callerid func_strings func_logic
"""

PJSIP = """
[global]
type=global
endpoint_identifier_order=username,ip,anonymous

[transport]
type=transport
protocol=udp
bind=127.0.0.1:{sip_port}

[phone](!)
type=endpoint
context=numbers
disallow=all
allow=alaw
dtmf_mode=rfc4733
direct_media=no

[trunk](phone)
[trunk]
type=identify
endpoint=trunk
match=127.0.0.1

[1001](phone)
auth=1001
aors=1001
[1001]
type=auth
auth_type=userpass
username=1001
password=not-a-secret
[1001]
type=aor
max_contacts=1
remove_existing=yes
"""

DIALPLAN = """
[numbers]
exten => 100,1,Answer()
 same => n,Echo()
exten => 101,1,Answer()
 same => n,Read(DIGITS,,4,,1,20)
 same => n,Log(NOTICE,keys ${{DIGITS}})
 same => n,Hangup()
exten => 102,1,Dial(PJSIP/1001,20)
"""

ASTERISK = """
[directories](!)
astetcdir => {home}/etc
astmoddir => {install.modules_dir}
astvarlibdir => {home}/lib
astdbdir => {home}/lib
astkeydir => {home}/lib
astdatadir => {install.data_dir}
astagidir => {home}/lib
astspooldir => {home}/spool
astrundir => {home}/run
astlogdir => {home}/log
[options]
hideconnect = yes
documentation_language = en
"""


@dataclass
class BarePbx:
    """A running Asterisk: its SIP port and its console."""

    install: AsteriskInstall
    home: Path
    sip_port: int

    def notes(self) -> list[str]:
        """The keys that callers of 101 pressed, one entry a call."""
        lines = (self.home / "log/messages").read_text(encoding="utf-8").splitlines()
        return [line.partition(": keys ")[2] for line in lines if ": keys " in line]

    def console(self, command: str) -> str:
        """What the console answers to `command`."""
        conf = self.home / "etc/asterisk.conf"
        done = subprocess.run(
            [self.install.binary, "-C", conf, "-rx", command], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr


@pytest.fixture
async def pbx(tmp_path: Path) -> AsyncIterator[BarePbx]:
    """Rings: 100 echo, 101 reads digits up to # and notes them, 102 the phone registered as 1001."""
    install = asterisk.ensure()
    home = tmp_path / "pbx"
    for folder in ("etc", "lib", "spool", "run", "log"):
        (home / folder).mkdir(parents=True)
    running = BarePbx(install, home, free_port())
    rtp = free_port()
    files = {
        "asterisk.conf": ASTERISK.replace("(!)", "").format(home=home, install=install),
        "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in MODULES.split()),
        "pjsip.conf": PJSIP.format(sip_port=running.sip_port),
        "extensions.conf": DIALPLAN.format(),
        "rtp.conf": f"[general]\nrtpstart={rtp}\nrtpend={rtp + 40}\n",
        "logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error,verbose\n",
    }
    for name, text in files.items():
        (home / "etc" / name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        install.binary, "-C", home / "etc/asterisk.conf", "-f", stdin=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(20):
        while "fully booted" not in await asyncio.to_thread(running.console, "core waitfullybooted"):
            assert process.returncode is None, "Asterisk ended while starting"
    yield running
    await asyncio.to_thread(running.console, "core stop now")
    async with asyncio.timeout(20):
        await process.wait()
