"""Who may listen to a recording: whose role allows it, and for whom an officer approved it and the time is not over."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.errors import Denied
from core.permissions import Permission
from recordings.desk.models import ListeningRequest, RequestedRecording, RequestState


async def approval(session: AsyncSession, actor: Actor, recording_id: UUID) -> ListeningRequest | None:
    """The approval that lets this person listen to this recording now, the longest one; whoever goes to another unit
    leaves it behind."""
    if actor.user_id is None or not actor.may(Permission.RECORDING_ASK):
        return None
    wanted = (
        select(ListeningRequest)
        .join(RequestedRecording, RequestedRecording.request_id == ListeningRequest.id)
        .where(
            ListeningRequest.asker_id == actor.user_id,
            ListeningRequest.asker_unit_id.is_not_distinct_from(actor.unit_id),
            ListeningRequest.state == RequestState.APPROVED,
            ListeningRequest.valid_until > now(),
            RequestedRecording.recording_id == recording_id,
        )
        .order_by(ListeningRequest.valid_until.desc())
    )
    return await session.scalar(wanted.limit(1))


async def require_listening(session: AsyncSession, actor: Actor, recording_id: UUID) -> ListeningRequest | None:
    """What this person listens by: None for a role. Raises `Denied("not-approved")`."""
    if actor.may(Permission.RECORDING_LISTEN):
        return None
    found = await approval(session, actor, recording_id)
    if found is None:
        raise Denied(
            "not-approved", "您没有调听这份录音的权限，或批准的时间已过、已被撤回。确有需要的，请提出调听申请。"
        )
    return found
