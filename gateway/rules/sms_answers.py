"""What a carrier's answer means for an attempt: charged, tried again, given up, in doubt, or another carrier's turn. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from inbox_store.messages import Answered
from inbox_store.times import US
from push.sms.carrier import SubmitAnswer, Verdict
from push.sms.happenings import InDoubt
from push.sms.ports import NotSent, Outcome

RETRY_S: Final = 5
"""First pause after a temporary fault of the gateway; doubled each time."""
RETRY_MAX_S: Final = 300
THROTTLE_S: Final = 1
"""What was sent too fast comes again at once; the channel itself has slowed down."""
STOPPED_S: Final = 30
"""Where our account is set up wrongly an operator is called; another channel may take it before."""

Reroute = Callable[[], str]
"""Whose turn it is where a carrier does not serve the number; "" where all were tried."""


def answered(attempt_id: int, outcome: Outcome, at: int, tries: int, reroute: Reroute) -> Answered:
    """The outcome of an attempt at ``at`` (UTC microseconds), with ``tries`` tries before it."""
    if isinstance(outcome, SubmitAnswer):
        return _verdict(attempt_id, outcome, at, tries, reroute)
    if isinstance(outcome, InDoubt):
        return Answered(
            attempt_id=attempt_id, outcome="in_doubt", code=outcome.why, message_id=outcome.message_id, at=at
        )
    if isinstance(outcome, NotSent):
        if outcome.why == "unsendable":
            return Answered(attempt_id=attempt_id, outcome="refused", code=outcome.why, at=at)
        return Answered(attempt_id=attempt_id, outcome="returned", code=outcome.why, at=at, again_at=at)
    raise TypeError(f"an answer to a submit was {outcome!r}")


def _verdict(attempt_id: int, answer: SubmitAnswer, at: int, tries: int, reroute: Reroute) -> Answered:
    route = reroute() if answer.verdict == "unserved" else ""
    if route:
        return _returned(attempt_id, answer.code, at, at, route)
    if answer.verdict in _PAUSES:
        return _returned(attempt_id, answer.code, at, at + _PAUSES[answer.verdict](tries) * US)
    # Whether the peer took what it calls repeated nobody knows.
    return Answered(
        attempt_id=attempt_id,
        outcome=_OUTCOMES.get(answer.verdict, "refused"),
        code=answer.code,
        message_id=answer.message_id,
        at=at,
    )


_PAUSES: Final[dict[Verdict, Callable[[int], int]]] = {
    "throttled": lambda _tries: THROTTLE_S,
    "retry": lambda tries: min(RETRY_MAX_S, RETRY_S * 2 ** min(tries, 10)),
    "misconfigured": lambda _tries: STOPPED_S,
}
_OUTCOMES: Final[dict[Verdict, Literal["accepted", "in_doubt", "refused"]]] = {
    "accepted": "accepted",
    "repeated": "in_doubt",
}


def _returned(attempt_id: int, code: str, at: int, again_at: int, reroute: str = "") -> Answered:
    return Answered(
        attempt_id=attempt_id, outcome="returned", code=code, at=at, again_at=again_at, reroute=reroute
    )
