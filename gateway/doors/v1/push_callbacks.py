"""Where vendors of mobile push bring their receipts: nobody logs in here, our own mark shows whose they are."""

from __future__ import annotations

from typing import Final

import structlog

from gateway.doors.routes import PUBLIC, Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.wire import Answer
from inbox_store.errors import Refused
from push.app.calls import NotTheirs

CALLBACK_MAX_BYTES: Final = 256 * 1024
CALLS_PER_MINUTE: Final = 6_000
FAILURES_PER_MINUTE: Final = 30

log = structlog.get_logger("push")
routes = Routes("push")


class ReceiptsTaken(Answer, frozen=True, kw_only=True):
    """已存妥的送达回执数"""

    taken: int


@routes.at(
    "POST",
    "/api/v1/push/callbacks/{vendor}",
    name="push.callback",
    access=PUBLIC,
    raw="*/*",
    body_max_bytes=CALLBACK_MAX_BYTES,
    calls_per_minute=CALLS_PER_MINUTE,
    failures_per_minute=FAILURES_PER_MINUTE,
    keyless="it bears our own mark; the same receipt twice changes nothing",
    answer=ReceiptsTaken,
    zh="手机厂商推送送达回执；凭随推送发出的标记，存妥后答复",
    en="Receipts of a vendor, by the mark that went out with the alert; answered after they are kept",
    errors=("callback_unsigned",),
)
async def callback(call: AppCall[None, None]) -> ReceiptsTaken:
    """Takes what a vendor brings."""
    vendor = call.path.text("vendor")
    try:
        known = await call.services.push.receipts(vendor, call.headers, call.raw)
    except NotTheirs as why:
        log.warning("push.callback_refused", vendor=vendor, why=str(why), origin=call.origin)
        raise Refused("callback_unsigned") from why
    return ReceiptsTaken(taken=known)
