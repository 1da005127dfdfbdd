"""Where aggregators bring reports and replies: known by their signature alone, answered after they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

import structlog

from gateway.doors.routes import PUBLIC, Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.wire import Answer
from inbox_store.errors import Refused
from push.sms.carrier import Inbound
from push.sms.sample_http.bodies import CALLBACK_MAX_BYTES
from push.sms.sample_http.signing import NotSigned

log = structlog.get_logger("sms")

CALLS_PER_MINUTE: Final = 6_000
"""A hundred callbacks a second, each of up to 500 reports: above what any channel sends."""
FAILURES_PER_MINUTE: Final = 60

routes = Routes("sms")


@runtime_checkable
class TakesCallbacks(Protocol):
    """A sender whose far end calls back over HTTP."""

    def heard(self, headers: Mapping[str, str], body: bytes, now: int) -> list[Inbound]:
        """Reports and replies of a callback. Raises ValueError where it is not signed as agreed, or is no callback."""
        ...


class CallbackTaken(Answer, frozen=True, kw_only=True):
    """已存妥的报告和上行条数"""

    taken: int


@routes.at(
    "POST",
    "/api/v1/sms/callbacks/{channel}",
    name="sms.callback",
    access=PUBLIC,
    raw="application/json",
    body_max_bytes=CALLBACK_MAX_BYTES,
    calls_per_minute=CALLS_PER_MINUTE,
    failures_per_minute=FAILURES_PER_MINUTE,
    keyless="signed by the aggregator; a nonce is taken once, and the same report twice changes nothing",
    answer=CallbackTaken,
    zh="短信平台推送状态报告和上行回复；凭签名，存妥后答复",
    en="Reports and replies from an aggregator, by its signature; answered after they are kept",
    errors=("callback_unsigned",),
)
async def callback(call: AppCall[None, None]) -> CallbackTaken:
    """Takes what an aggregator brings."""
    channel = call.path.text("channel")
    sender: Any = call.services.sms.senders.get(channel)
    if not isinstance(sender, TakesCallbacks):
        raise Refused("not_found", what="channel", id=channel)
    try:
        inbounds = sender.heard(call.headers, call.raw, call.now)
    except NotSigned as why:
        log.warning("sms.callback_refused", channel=channel, why=str(why), origin=call.origin)
        raise Refused("callback_unsigned") from why
    except ValueError as why:
        log.warning("sms.callback_unreadable", channel=channel, why=str(why), origin=call.origin)
        raise Refused("bad_request", reason="回调内容不符合约定") from why
    for one in inbounds:
        if one.what is None:
            log.warning("sms.event_unreadable", channel=channel, raw=one.raw[:200].decode("utf-8", "replace"))
    await call.services.sms.inbound(channel, inbounds)
    return CallbackTaken(taken=len(inbounds))
