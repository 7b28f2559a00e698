"""The role `worker`: what nobody waits for on the telephone or before a page."""

from callflow.agents import days
from core.idempotency import service as idempotency
from core.jobs import Worker
from core.ledger.sealer import Sealer
from core.service import Loop, Service
from crm.alarms import service as alarms
from crm.contacts import service as contacts
from crm.datarequests.jobs import Shelf
from crm.dossiers import exporting, fates
from crm.dossiers import jobs as dossiers
from crm.dossiers.keeper import DossierKeeper
from crm.drafts import typed
from crm.escalations import service as escalations
from crm.finding.index import indexer
from crm.installed import installed
from crm.policy import SmsPolicy
from crm.retention import lapsing, proposing
from crm.retention_policy import RetentionPolicy
from crm.sms.outlet import SmsOutlet
from crm.sms.service import sweeper
from crm.timers.service import scanner
from hotline.runtime import Runtime
from hotline.wiring import TITLE
from hotline.wiring.common import key_device, rules
from hotline.wiring.replayed import NothingBroughtBack
from recordings.archive.incidents import clock as disk_clock
from recordings.archive.ingest import Ingest
from recordings.archive.service import IngestService
from recordings.archive.space import SpoolSpace
from recordings.desk.exporting import SECRET, Exporter
from recordings.desk.making import EVERY_S
from recordings.desk.policy import ListeningPolicy
from recordings.desk.redactions import Redactor
from recordings.disposal.erase import Shredder
from recordings.policy import RecordingPolicy
from recordings.proof.service import CheckService, sealer
from recordings.proof.signing import Signer
from recordings.store.choose import masters_of, open_store
from recordings.store.replication import Replication


def services(runtime: Runtime) -> list[Service]:
    """Jobs, ingest of recordings, their seals and their check, the ledger's sealer, the end of what is kept for a
    time."""
    settings = runtime.settings
    spool = settings.recordings.spool or runtime.home / "spool" / "recordings"
    masters, signer = masters_of(settings.recordings, runtime.secrets), Signer(runtime.secrets)
    store = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets, masters)
    shredder = Shredder(store, signer)
    ingest = Ingest(
        runtime.db,
        store,
        spool,
        work=runtime.home / "work" / "recordings",
        node=settings.line.node,
        quiet_after_s=settings.recordings.quiet_s,
        protected_years=lambda: installed().policy[RecordingPolicy].protected_years,
        encoding=lambda kind, direction: installed().policy[RecordingPolicy].encoding(kind, direction),
    )

    check = CheckService(
        runtime.db,
        store,
        signer,
        masters,
        days=lambda: installed().policy[RecordingPolicy].check_days,
        mb_per_s=settings.recordings.verify_mb_per_s,
    )

    replication = Replication(
        runtime.db,
        store,
        days=lambda: installed().policy[RecordingPolicy].check_days,
        mb_per_s=settings.recordings.replicate_mb_per_s,
    )

    exporter = Exporter(
        runtime.db,
        store,
        work=runtime.home / "work" / "exports",
        secret=lambda: runtime.secrets.get(SECRET),
        policy=lambda: installed().policy[ListeningPolicy],
        house=TITLE,
    )

    redactor = Redactor(runtime.db, store, work=runtime.home / "work" / "redactions")

    async def keep_in_time() -> None:
        await proposing.propose_due(runtime.db)
        await lapsing.lapse_due(runtime.db)
        async with runtime.db.session() as session:
            await typed.forget_old(session, installed().policy[RetentionPolicy].typed_days)

    async def test_contacts() -> None:
        if settings.line.trunk_to:  # without a way out a test says nothing of the contact
            await contacts.test_all(runtime.db)

    keeper = DossierKeeper.of(runtime.home, store, signer, TITLE)

    async def clean_exports() -> None:
        await exporting.expire(runtime.db, keeper)
        await fates.follow(runtime.db, keeper)
        await dossiers.bring_all(runtime.db)

    outlet = SmsOutlet.from_settings(settings.sms, runtime.db)
    return [
        rules(runtime),
        NothingBroughtBack(runtime, store),
        outlet,
        Worker(
            runtime.db,
            services={SmsOutlet: outlet, Shredder: shredder, DossierKeeper: keeper, Shelf: Shelf(store)},
        ),
        IngestService(runtime.db, ingest, every_s=settings.recordings.scan_every_s),
        SpoolSpace(spool, settings.recordings.spool_reserve_mb),
        sealer(runtime.db, signer),
        *key_device(settings.recordings, masters),
        check,
        replication,
        disk_clock(runtime.db),
        indexer(runtime.db),
        scanner(runtime.db),
        Loop("录音保管", proposing.EVERY_S, keep_in_time),
        Loop("录音导出", EVERY_S, exporter.step),
        Loop("录音脱敏", EVERY_S, redactor.step),
        Loop("逐级汇报", escalations.CLIMB_EVERY_S, lambda: escalations.climb_all(runtime.db)),
        Loop("应急通知", alarms.CLIMB_EVERY_S, lambda: alarms.climb_all(runtime.db)),
        Loop("值班电话试拨", contacts.TESTS_EVERY_S, test_contacts),
        sweeper(runtime.db, lambda: installed().policy[SmsPolicy]),
        Sealer(runtime.db),
        Loop("档案包导出清理", exporting.EXPIRE_EVERY_S, clean_exports),
        Loop("坐席状态记录清理", days.CLEAN_EVERY_S, lambda: days.clean(runtime.db)),
        Loop("接口幂等记录清理", idempotency.EXPIRE_EVERY_S, lambda: idempotency.expire(runtime.db)),
    ]
