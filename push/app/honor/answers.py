"""Honor's answers: sources disagree on ``code``, so that ``data.sendResult`` decides (sheet, Honor). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, all_of, http_fault, parsed, receipt_of, table, unread, word, words
from push.app.sender import Accepted, Deferred, Outcome, Push, Refused
from push.app.tokens import Grant

DONE: Final = frozenset({"200", "80000000"})
PARTLY: Final = "80100000"
STALE: Final = frozenset({"80200001", "80200003"})
ALL_INVALID: Final = "80300007"
OUTCOMES: Final[dict[str, Outcome]] = {
    "80200001": Refused(code="80200001", alarm=True),
    "80200003": Deferred(code="auth:80200003"),
    # Huawei's word for "no right to send"; Honor has been seen to use its neighbours.
    "80300002": Refused(code="80300002", alarm=True),
}


def granted(answer: Answer) -> Grant | Refused | Deferred:
    """The token of OAuth2."""
    told = parsed(answer.body) or {}
    value, lifetime = told.get("access_token"), told.get("expires_in")
    if answer.status == 200 and isinstance(value, str) and value and isinstance(lifetime, int | float):
        return Grant(value=value, lifetime_s=lifetime)
    if answer.status == 429 or answer.status >= 500:
        return Deferred(code=f"server:http_{answer.status}")
    return Refused(code=word(told.get("error")) or f"http_{answer.status}", alarm=True)


def stale(answer: Answer) -> bool:
    """Whether a new token may help."""
    return answer.status == 401 or word((parsed(answer.body) or {}).get("code")) in STALE


def outcomes(answer: Answer, pushes: Sequence[Push], *, receipts: bool) -> list[Outcome]:
    """One for each, in their order; ``receipts``: whether any were asked for."""
    told = parsed(answer.body)
    code = word(told.get("code")) if told is not None else ""
    if told is None or not code or answer.status in (429, 503):
        return all_of(http_fault(answer) or unread(answer), pushes)
    data = table(told.get("data"))
    result = data.get("sendResult")
    expired, failed = frozenset(words(data.get("expireTokens"))), frozenset(words(data.get("failTokens")))
    is_sent = result is True or (result is None and code in DONE)
    given = word(data.get("requestId")) if receipts else ""
    rest = (
        None if is_sent or code == PARTLY else OUTCOMES.get(code) or http_fault(answer) or Refused(code=code)
    )
    return [_one(push, expired, failed, rest, given) for push in pushes]


def _one(
    push: Push, expired: frozenset[str], failed: frozenset[str], rest: Outcome | None, given: str
) -> Outcome:
    if push.token in expired:
        return Refused(code="expireTokens", gone=True)
    if push.token in failed:
        return Deferred(code="device:failTokens")
    return rest or Accepted(receipt=receipt_of(given, push.token))
