"""What a carrier's detail file settles: attempts in doubt that it shows (sms-charges 4.5, faults.md 7)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from inbox_store.engine import Audit, Program, Sql
from inbox_store.messages import Answered, Price, Reported
from inbox_store.nouns import Noun
from inbox_store.programs import sms


class Shown(Noun, frozen=True, kw_only=True):
    """What the file says of an attempt: taken under ``message_id`` at ``at`` (UTC microseconds), or refused.

    ``report`` is its final state, None where the file has none.
    """

    attempt_id: int
    message_id: str
    at: int
    refused: bool = False
    report: Literal["delivered", "failed"] | None = None


def settle_doubts(shown: Sequence[Shown], price: Price, source: str, origin: str, now: int) -> Program[int]:
    """Settle those that are still in doubt: accepted and charged once, with the file's id and time; or refused.

    Whatever got its answer or report meanwhile stays as it is. Returns how many attempts were settled.
    """
    asked = json.dumps([one.attempt_id for one in shown])
    found = [
        (shown[place], attempt, channel)
        for place, attempt, channel in (yield Sql("sms_doubts_open", {"attempts": asked}))
    ]
    if not found:
        return 0
    yield from sms.settling(price)([_answer(one, attempt) for one, attempt, _ in found])
    reports = {(channel, one.message_id): one for one, _, channel in found if one.report is not None}
    if reports:
        yield from sms.reporting(price)([_report(one, channel, now) for (channel, _), one in reports.items()])
    attempts = [attempt for _, attempt, _ in found]
    detail = {"file": source, "attempts": attempts}
    yield Audit(action="sms.doubts_settled", actor=0, subject="sms:0", detail=detail, origin=origin)
    return len(attempts)


def _answer(one: Shown, attempt_id: int) -> Answered:
    return Answered(
        attempt_id=attempt_id,
        outcome="refused" if one.refused else "accepted",
        code="detail",
        message_id=one.message_id,
        at=one.at,
    )


def _report(one: Shown, channel: str, now: int) -> Reported:
    return Reported(
        channel=channel,
        message_id=one.message_id,
        phone_lookup=b"",
        state=one.report or "delivered",
        stat="DETAIL",
        at=now,
    )
