"""Which services each role is made of, and what they are given. The only place where all packages meet."""

from callflow.ami import AmiClient
from callflow.asterisk import PROBE_SECRET
from callflow.line import Line
from callflow.phones.handset import Handset
from core import phone
from core.idempotency import service as idempotency
from core.jobs import Worker
from core.ledger.service import seal
from core.rules.keeper import RulesKeeper
from core.service import Loop, Service
from crm.drafts import subscribers as _drafts  # noqa: F401 - who publishes must know who listens
from crm.installed import installed
from crm.notices import subscribers as _notices  # noqa: F401 - likewise
from crm.policy import OrdersPolicy, SmsPolicy
from crm.rulebook import subscribers as _rulebook  # noqa: F401 - likewise
from crm.sms.outlet import SmsOutlet
from crm.sms.service import sweeper
from crm.tickets.numbers import TYPED_DIGITS
from crm.tickets.spoken import spoken_state
from crm.tickets.wrong_codes import WrongCodes
from crm.timers.service import scanner
from hotline.line_probe import LineProbe
from hotline.node import node, require_listening
from hotline.renewal import CertificateKeeper
from hotline.runtime import Runtime
from ivr.agi.server import AgiServer
from ivr.flows.world import QueryRules, SpokenState, StateOf, World
from ivr.service import server
from recordings.archive.incidents import clock as disk_clock
from recordings.archive.ingest import Ingest
from recordings.archive.service import IngestService
from recordings.archive.space import SpoolSpace
from recordings.policy import RecordingPolicy
from recordings.speech.service import SpeechService
from recordings.store.choose import open_store
from web.bundle import load
from web.parts import Parts
from web.service import WebService

SEAL_EVERY_S = 1.0
LISTENING_EVERY_S = 15.0
TITLE = "12345政务服务便民热线"


def line(runtime: Runtime) -> list[Service]:
    """AGI server, manager reader, reconciler, intake, snapshot, files, incident clock, rotation of the journals."""
    settings = runtime.settings
    part = Line(runtime.db, runtime.home, settings.line, node(runtime))
    asterisk = node(runtime)
    return [
        rules(runtime, must_load=False),
        part,
        agi(runtime, part),
        LineProbe(runtime.db, settings.line, lambda: runtime.secrets.get(PROBE_SECRET)).loop,
        Loop("SIP 监听", LISTENING_EVERY_S, lambda: require_listening(asterisk)),
    ]


def agi(runtime: Runtime, part: Line) -> AgiServer:
    """The flows, bound to the line's data in memory."""
    settings, places = runtime.settings.line, part.feed.places
    world = World(lambda: part.snapshot.current, part.limits, state_of(runtime), query_rules, places.keep)
    return server(settings, world)


def query_rules() -> QueryRules:
    """How an order is asked for, by the policy in force."""
    orders = installed().policy[OrdersPolicy]
    return QueryRules(TYPED_DIGITS, orders.query_code_digits, orders.query_failures_per_call)


def rules(runtime: Runtime, *, must_load: bool = True) -> RulesKeeper:
    """Each role works by what the bureau decided last."""
    lists = installed().first_lists
    return RulesKeeper(runtime.db, runtime.policy_text, runtime.apply, must_load=must_load, lists=lists)


def state_of(runtime: Runtime) -> StateOf:
    """What the keypad flow may say of an order."""
    wrong = WrongCodes()

    async def ask(number: str, code: str, caller: str) -> SpokenState | None:
        async with runtime.db.session() as session:
            asker = phone.from_caller_id(caller)
            found = await spoken_state(session, number, code, asker=asker, wrong=wrong)
        return SpokenState(found.state.value, found.due) if found else None

    return ask


def web(runtime: Runtime) -> list[Service]:
    """The desks."""
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
        store=open_store(settings.recordings, runtime.home),
        handset=handset,
        phone_address=f"ws://{line.private}:{line.websocket_port}/ws",
        expected=frozenset(f"{role}@{settings.line.node}" for role in ("line", "web", "worker", "speech")),
    )
    return [rules(runtime), handset, WebService(parts), CertificateKeeper(runtime)]


def worker(runtime: Runtime) -> list[Service]:
    """Jobs, ingest of recordings, the ledger's sealer, the end of kept answers."""
    settings = runtime.settings
    spool = settings.recordings.spool or runtime.home / "spool" / "recordings"
    ingest = Ingest(
        runtime.db,
        open_store(settings.recordings, runtime.home),
        spool,
        work=runtime.home / "work" / "recordings",
        node=settings.line.node,
        quiet_after_s=settings.recordings.quiet_s,
        protected_years=lambda: installed().policy[RecordingPolicy].protected_years,
    )

    async def chain() -> None:
        await seal(runtime.db)

    outlet = SmsOutlet.from_settings(settings.sms, runtime.db)
    return [
        rules(runtime),
        outlet,
        Worker(runtime.db, services={SmsOutlet: outlet}),
        IngestService(runtime.db, ingest, every_s=settings.recordings.scan_every_s),
        SpoolSpace(spool, settings.recordings.spool_reserve_mb),
        disk_clock(runtime.db),
        scanner(runtime.db),
        sweeper(runtime.db, lambda: installed().policy[SmsPolicy]),
        Loop("审计封存", SEAL_EVERY_S, chain),
        Loop("接口幂等记录清理", idempotency.EXPIRE_EVERY_S, lambda: idempotency.expire(runtime.db)),
    ]


def speech(runtime: Runtime) -> list[Service]:
    """Live words and words of recordings."""
    line_settings = runtime.settings.line
    ami = AmiClient(line_settings.private, line_settings.ami_port, "speech", lambda: runtime.secrets.get("ami-speech"))
    store = open_store(runtime.settings.recordings, runtime.home)
    return [SpeechService(runtime.db, store, runtime.settings.speech, ami)]
