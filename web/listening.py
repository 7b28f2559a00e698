"""The grant that a player plays by: one session, one recording, one sitting with its reason, for an hour."""

import hmac
import secrets
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import Field

from core.clock import now
from core.errors import Denied, HotlineError, Invalid
from core.ledger import record
from crm.installed import installed
from recordings.desk.policy import ListeningPolicy
from web.context import Context
from web.route import Asks

GRANT_S = 3600
LONGEST_WHY = 240
"""Purpose and reason together."""


Reason = Annotated[str, Field(min_length=2, max_length=200)]


class OneRecording(Asks):
    """A recording."""

    id: UUID


class Granted(OneRecording):
    """A grant that this session got for its reason. `sitting` names one visit to the player in the ledger."""

    sitting: str = Field(pattern=r"^[0-9a-f]{16}$")
    until: int = Field(ge=0, le=2**40)
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_WHY)]
    grant: str = Field(min_length=64, max_length=64)


class Unplayable(HotlineError):
    """The stored file is damaged: nothing that this service could answer would make it whole."""

    status = 409

    def __init__(self, why: str) -> None:
        super().__init__("recording-damaged", f"文件已损坏，无法读取：{why}。请告知档案员，从备份恢复后再办理。")


class Why(Asks):
    """A purpose of the policy's list, and the reason in one's own words."""

    purpose: Annotated[str, Field(min_length=2, max_length=40)]
    reason: Reason

    def said(self) -> str:
        """Both, as ledger and player show them. Raises `Invalid("no-such-purpose")`."""
        if self.purpose not in policy().purposes:
            raise Invalid("no-such-purpose", "请选择调听用途。", fields={"purpose": "请选择列出的用途"})
        return f"{self.purpose}：{self.reason}"


def policy() -> ListeningPolicy:
    """The bureau's rules about listening."""
    return installed().policy[ListeningPolicy]


async def open_player(ctx: Context, recording_id: UUID, reason: str, **detail: str) -> str:
    """Note in the ledger that somebody opens a recording, and why -> the query that the player asks for it with."""
    await record(ctx.session, ctx.actor, "recording.open", "recording", recording_id, reason=reason, **detail)
    sitting, until = secrets.token_hex(8), int(now().timestamp()) + GRANT_S
    grant = sign(ctx, recording_id, sitting, until, reason)
    return query_of(Granted(id=recording_id, sitting=sitting, until=until, reason=reason, grant=grant))


def query_of(asked: Granted) -> str:
    """The grant as an address carries it."""
    return urlencode(asked.model_dump(include={"sitting", "until", "reason", "grant"}), quote_via=quote)


def sign(ctx: Context, recording_id: UUID, sitting: str, until: int, reason: str) -> str:
    """What only this server can give to this session for this sitting and reason."""
    text = f"{ctx.signed_in.session.id} {recording_id} {sitting} {until} {reason}"
    return hmac.digest(ctx.parts.secrets.get("web-listening").encode(), text.encode(), "sha256").hex()


def require_grant(ctx: Context, asked: Granted) -> None:
    """Raise `Denied("listening-over")` unless the grant is this session's and still holds."""
    expected = sign(ctx, asked.id, asked.sitting, asked.until, asked.reason)
    good = hmac.compare_digest(expected.encode(), asked.grant.encode())
    if not good or asked.until < now().timestamp():
        raise Denied("listening-over", "本次调听授权已失效，请重新填写理由。")
