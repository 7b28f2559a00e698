"""What can be known of the SMS settings before the first message: for `hotline doctor`."""

import socket
from urllib.parse import urlsplit

from core.health import Health
from crm.policy import SmsPolicy
from crm.settings import CmppSettings, MasSettings, SmppSettings, SmsSettings
from crm.sms.console import ConsoleGateway
from crm.sms.link import PART
from crm.sms.mas.push import SHORTEST_TOKEN
from crm.sms.mas.templates import choose

CONNECT_S = 3.0
NEEDED: dict[type, tuple[str, ...]] = {
    SmppSettings: ("system_id", "password"),
    CmppSettings: ("sp_id", "password", "service_id"),
    MasSettings: ("ec_name", "ap_id", "secret_key", "sign"),
}


def check(settings: SmsSettings, policy: SmsPolicy) -> Health:
    """The chosen gateway's settings are complete and it can be reached; Cloud MAS has a template for each text."""
    if settings.gateway == "console":
        return Health(PART, True, ConsoleGateway.SAYS)
    chosen: SmppSettings | CmppSettings | MasSettings = getattr(settings, settings.gateway)
    missing = [f"sms.{settings.gateway}.{name}" for name in NEEDED[type(chosen)] if not getattr(chosen, name)]
    if missing:
        return Health(PART, False, f"缺少设置 {'、'.join(missing)}", "填写运营商开户通知中的账号信息")
    if isinstance(chosen, MasSettings):
        if len(chosen.push_token) < SHORTEST_TOKEN:
            mend = f"设置 sms.mas.push_token（至少{SHORTEST_TOKEN}位字母和数字），并把推送地址报给运营商"
            return Health(PART, False, "收不到状态报告和上行短信", mend)
        text = policy.receipt.format(number="YY20260101-00001", code="123456")
        if chosen.templates and choose(chosen.templates, text) is None:
            mend = "报备与政策文件 [sms] receipt 相同的模板，并写入 sms.mas.templates"
            return Health(PART, False, "受理短信没有相符的已报备模板，将不能发送", mend)
    return _reachable(*_address(chosen))


def _address(chosen: SmppSettings | CmppSettings | MasSettings) -> tuple[str, int]:
    if not isinstance(chosen, MasSettings):
        return chosen.host, chosen.port
    url = urlsplit(chosen.url)
    return url.hostname or "", url.port or {"https": 443}.get(url.scheme, 80)


def _reachable(host: str, port: int) -> Health:
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), CONNECT_S):
            return Health(PART, True, f"可以连接 {where}，设置完整")
    except OSError as error:
        why = error.strerror or "没有应答"
        return Health(PART, False, f"不能连接 {where}（{why}）", "检查网络、防火墙和网关地址，或联系运营商")
