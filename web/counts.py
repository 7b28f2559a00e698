"""What waits, counted for the rail; one small query each, all served by partial indexes."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.board.models import HelpRequest
from callflow.callbacks.models import CallbackTask
from callflow.incidents.models import Incident
from callflow.models import Call
from callflow.nuisance.models import NuisanceCaller
from core.rules.kinds import Kind, Standing
from core.rules.models import RuleVersion
from crm.accuracy.queries import waiting as to_check
from crm.city.writing import count_waiting
from crm.datarequests.queries import waiting as unanswered
from crm.emergencies.models import EmergencyEvent
from crm.emergencies.rules import GOING
from crm.escalations.models import Escalation
from crm.handover.models import Matter
from crm.scoring.service import unseen, waiting
from crm.sms.models import Sms
from crm.tickets.models import Attachment, StatutoryLimit
from recordings.desk.models import Export, ExportState, ListeningRequest, RequestState
from recordings.models import Recording
from recordings.proof.models import ArchiveSeal

Count = Callable[[AsyncSession], Awaitable[int]]
Mine = Callable[[AsyncSession, UUID], Awaitable[int]]


def of(statement: Select[int]) -> Count:
    """The counter of one statement."""

    async def count(session: AsyncSession) -> int:
        return await session.scalar(statement) or 0

    return count


calls = of(select(func.count()).select_from(Call).where(Call.ended_at.is_(None)))
callbacks = of(select(func.count()).select_from(CallbackTask).where(CallbackTask.done_at.is_(None)))
unknown_sms = of(select(func.count()).select_from(Sms).where(Sms.state == "unknown", Sms.person_asked_at.is_not(None)))
city = count_waiting
to_score, own_scores = waiting, unseen
accuracy = to_check
data_requests = unanswered
help_requests = of(select(func.count()).select_from(HelpRequest).where(HelpRequest.closed_at.is_(None)))
matters = of(select(func.count()).select_from(Matter).where(Matter.closed_at.is_(None)))
nuisance_proposals = of(
    select(func.count())
    .select_from(NuisanceCaller)
    .where(NuisanceCaller.confirmed_at.is_(None), NuisanceCaller.ended_at.is_(None))
)
emergencies = of(select(func.count()).select_from(EmergencyEvent).where(EmergencyEvent.state.in_(GOING)))
escalations = of(select(func.count()).select_from(Escalation).where(Escalation.answered_at.is_(None)))
listening_requests = of(
    select(func.count()).select_from(ListeningRequest).where(ListeningRequest.state == RequestState.WAITING)
)
archive_findings = of(
    select(
        select(func.count()).select_from(Recording).where(Recording.finding != "").scalar_subquery()
        + select(func.count()).select_from(Attachment).where(Attachment.finding != "").scalar_subquery()
        + select(func.count()).select_from(ArchiveSeal).where(ArchiveSeal.finding != "").scalar_subquery()
    )
)
asked_exports = of(select(func.count()).select_from(Export).where(Export.state == ExportState.ASKED))
incidents = of(select(func.count()).select_from(Incident).where(Incident.closed_at.is_(None)))


def _proposals(kind: Kind) -> Count:
    waiting = (RuleVersion.kind == kind, RuleVersion.state == Standing.PROPOSED)
    return of(select(func.count()).select_from(RuleVersion).where(*waiting))


policy_proposals = _proposals(Kind.POLICY)
limit_proposals = of(
    select(func.count())
    .select_from(StatutoryLimit)
    .where(StatutoryLimit.approved_at.is_(None), StatutoryLimit.rejected_at.is_(None))
)
calendar_proposals = _proposals(Kind.CALENDAR)
catalogue_proposals = _proposals(Kind.CATALOGUE)
power_proposals = _proposals(Kind.POWERS)
