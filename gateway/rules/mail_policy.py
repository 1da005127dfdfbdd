"""Whether an alert may leave by mail now. Pure: judged when it leaves, never when it was ordered."""

from __future__ import annotations

from typing import Final, Literal

from gateway.rules.sms_policy import PRESSING
from inbox_store.mails import MailFacts
from inbox_store.messages import Stop

TRIES_MAX: Final = 12

_State = Literal["suppressed", "expired", "cancelled", "failed"]


def judge_mail(facts: MailFacts, now: int) -> Stop | None:
    """Why an order never leaves; None where it leaves. The first reason that applies is the one told."""
    quiet = not facts.ordinary and facts.urgency not in PRESSING and facts.kind == "arrival"
    reasons: tuple[tuple[object, _State, str], ...] = (
        (facts.recalled, "cancelled", "recalled"),
        (facts.expires_at <= now, "expired", "expired"),
        (facts.address_sealed is None, "failed", "no_address"),
        (facts.bad, "failed", "bad_address"),
        (quiet, "suppressed", "preference"),
        (facts.tries >= TRIES_MAX, "failed", "tries"),
    )
    return next((Stop(state=state, reason=reason) for holds, state, reason in reasons if holds), None)
