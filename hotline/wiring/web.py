"""The role `web`: the desks."""

from callflow.ami import AmiClient
from callflow.phones.handset import Handset
from core.service import Service
from crm.knowledge.finder import FinderService
from hotline.renewal import CertificateKeeper
from hotline.runtime import Runtime
from hotline.wiring import ROLES, TITLE
from hotline.wiring.common import key_device, rules
from hotline.wiring.replayed import NothingBroughtBack
from recordings.store.choose import masters_of, open_store
from web.bundle import load
from web.parts import Parts
from web.service import WebService


def services(runtime: Runtime) -> list[Service]:
    """The pages and the API, the agents' telephones, the certificate."""
    settings = runtime.settings
    line = settings.line
    ami = AmiClient(line.private, line.ami_port, "desk", lambda: runtime.secrets.get("ami-desk"))
    handset = Handset(ami, line.node)
    masters = masters_of(settings.recordings, runtime.secrets)
    store = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets, masters)
    parts = Parts(
        database=runtime.db,
        settings=settings.web,
        secrets=runtime.secrets,
        bundle=load(),
        home=runtime.home,
        title=TITLE,
        store=store,
        handset=handset,
        phone_address=f"ws://{line.private}:{line.websocket_port}/ws",
        expected=frozenset(f"{role}@{settings.line.node}" for role in ROLES),
    )
    return [
        rules(runtime),
        NothingBroughtBack(runtime, store),
        *key_device(settings.recordings, masters),
        handset,
        FinderService(runtime.db),
        WebService(parts),
        CertificateKeeper(runtime),
    ]
