"""The role `web`: the desks."""

from callflow.ami import AmiClient
from callflow.phones.handset import Handset
from core.service import Service
from crm.knowledge.finder import FinderService
from hotline.renewal import CertificateKeeper
from hotline.runtime import Runtime
from hotline.wiring import ROLES
from hotline.wiring.common import rules
from recordings.store.choose import open_store
from web.bundle import load
from web.parts import Parts
from web.service import WebService

TITLE = "12345政务服务便民热线"


def services(runtime: Runtime) -> list[Service]:
    """The pages and the API, the agents' telephones, the certificate."""
    settings = runtime.settings
    line = settings.line
    ami = AmiClient(line.private, line.ami_port, "desk", lambda: runtime.secrets.get("ami-desk"))
    handset = Handset(ami, line.node)
    parts = Parts(
        database=runtime.db,
        settings=settings.web,
        secrets=runtime.secrets,
        bundle=load(),
        home=runtime.home,
        title=TITLE,
        store=open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets),
        handset=handset,
        phone_address=f"ws://{line.private}:{line.websocket_port}/ws",
        expected=frozenset(f"{role}@{settings.line.node}" for role in ROLES),
    )
    return [rules(runtime), handset, FinderService(runtime.db), WebService(parts), CertificateKeeper(runtime)]
