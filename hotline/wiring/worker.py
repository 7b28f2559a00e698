"""The role `worker`: what nobody waits for on the telephone or before a page."""

from callflow.agents import days
from core.idempotency import service as idempotency
from core.jobs import Worker
from core.ledger.service import seal
from core.service import Loop, Service
from crm.alarms import service as alarms
from crm.contacts import service as contacts
from crm.escalations import service as escalations
from crm.installed import installed
from crm.policy import SmsPolicy
from crm.sms.outlet import SmsOutlet
from crm.sms.service import sweeper
from crm.timers.service import scanner
from hotline.runtime import Runtime
from hotline.wiring.common import rules
from recordings.archive.incidents import clock as disk_clock
from recordings.archive.ingest import Ingest
from recordings.archive.service import IngestService
from recordings.archive.space import SpoolSpace
from recordings.policy import RecordingPolicy
from recordings.proof.service import CheckService, sealer
from recordings.proof.signing import Signer
from recordings.store.choose import masters_of, open_store

SEAL_EVERY_S = 1.0


def services(runtime: Runtime) -> list[Service]:
    """Jobs, ingest of recordings, their seals and their check, the ledger's sealer, the end of what is kept for a
    time."""
    settings = runtime.settings
    spool = settings.recordings.spool or runtime.home / "spool" / "recordings"
    store, signer = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets), Signer(runtime.secrets)
    ingest = Ingest(
        runtime.db,
        store,
        spool,
        work=runtime.home / "work" / "recordings",
        node=settings.line.node,
        quiet_after_s=settings.recordings.quiet_s,
        protected_years=lambda: installed().policy[RecordingPolicy].protected_years,
    )

    check = CheckService(
        runtime.db,
        store,
        signer,
        masters_of(settings.recordings, runtime.secrets),
        days=lambda: installed().policy[RecordingPolicy].check_days,
        mb_per_s=settings.recordings.verify_mb_per_s,
    )

    async def chain() -> None:
        await seal(runtime.db)

    async def test_contacts() -> None:
        if settings.line.trunk_to:  # without a way out a test says nothing of the contact
            await contacts.test_all(runtime.db)

    outlet = SmsOutlet.from_settings(settings.sms, runtime.db)
    return [
        rules(runtime),
        outlet,
        Worker(runtime.db, services={SmsOutlet: outlet}),
        IngestService(runtime.db, ingest, every_s=settings.recordings.scan_every_s),
        SpoolSpace(spool, settings.recordings.spool_reserve_mb),
        sealer(runtime.db, signer),
        check,
        disk_clock(runtime.db),
        scanner(runtime.db),
        Loop("逐级汇报", escalations.CLIMB_EVERY_S, lambda: escalations.climb_all(runtime.db)),
        Loop("应急通知", alarms.CLIMB_EVERY_S, lambda: alarms.climb_all(runtime.db)),
        Loop("值班电话试拨", contacts.TESTS_EVERY_S, test_contacts),
        sweeper(runtime.db, lambda: installed().policy[SmsPolicy]),
        Loop("审计封存", SEAL_EVERY_S, chain),
        Loop("坐席状态记录清理", days.CLEAN_EVERY_S, lambda: days.clean(runtime.db)),
        Loop("接口幂等记录清理", idempotency.EXPIRE_EVERY_S, lambda: idempotency.expire(runtime.db)),
    ]
