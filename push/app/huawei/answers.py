"""Huawei's answers (huawei §1, §4). HTTP 200 comes even with most failures: the code in the body decides. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from push.app.calls import Answer, all_of, http_fault, parsed, receipt_of, table, unread, word, words
from push.app.huawei.asking import bare
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.tokens import Grant

DONE: Final = "80000000"
PARTLY: Final = "80100000"
ALL_INVALID: Final = "80300007"
STALE: Final = frozenset({"80200001", "80200003", "80200005"})
FORMAT_REASON: Final = "tokenFormatError"
"""The only reason of v3 that condemns a token; the others are faults of our set-up."""

OUTCOMES: Final[dict[str, Outcome]] = {
    "80100017": Deferred(code="flow:80100017"),
    "80200001": Refused(code="80200001", alarm=True),
    "80200003": Deferred(code="auth:80200003"),
    "80200005": Deferred(code="auth:80200005"),
    "80300002": Refused(code="80300002", alarm=True),
    "80300011": Refused(code="80300011", alarm=True),
    "80300013": Refused(code="80300013", alarm=True),
    "80600003": Deferred(code="auth:80600003"),
    "81000001": Deferred(code="server:81000001"),
}
"""What is said of the whole request; a code that is not here (80100001 our bug, 80100016 sensitive words) is refused."""


def granted(answer: Answer) -> Grant | Refused | Deferred:
    """The token of OAuth2. A slash may come escaped: JSON is decoded as such."""
    told = parsed(answer.body) or {}
    value, lifetime = told.get("access_token"), told.get("expires_in")
    if answer.status == 200 and isinstance(value, str) and value and isinstance(lifetime, int | float):
        return Grant(value=value, lifetime_s=lifetime)
    if answer.status == 429 or answer.status >= 500:
        fault = http_fault(answer)
        return fault if isinstance(fault, Deferred) else Deferred(code=f"server:http_{answer.status}")
    return Refused(code=word(told.get("error")) or f"http_{answer.status}", alarm=True)


def stale(answer: Answer) -> bool:
    """Whether a new token may help."""
    return answer.status == 401 or word((parsed(answer.body) or {}).get("code")) in STALE


def outcomes(answer: Answer, pushes: Sequence[Push]) -> list[Outcome]:
    """One for each, in their order."""
    told = parsed(answer.body)
    code = word(told.get("code")) if told is not None else ""
    if told is None or not code or answer.status == 503:
        return all_of(http_fault(answer) or unread(answer), pushes)
    given = word(told.get("requestId"))
    if code == DONE:
        return [Accepted(receipt=receipt_of(given, push.token)) for push in pushes]
    if code in (PARTLY, ALL_INVALID):
        return _partly(code, _illegal(told), given, pushes)
    return all_of(OUTCOMES.get(code) or http_fault(answer) or Refused(code=code), pushes)


def _partly(
    code: str, illegal: Mapping[str, Refused] | None, given: str, pushes: Sequence[Push]
) -> list[Outcome]:
    if code == ALL_INVALID:
        # Without a reason it may as well be a wrong app id: push.app.suspects waits for proof.
        reasons = illegal or {}
        return [reasons.get(bare(push.token), Refused(code=ALL_INVALID)) for push in pushes]
    if illegal is None:
        return all_of(InDoubt(why="some tokens refused, the list cannot be read"), pushes)
    return [
        illegal.get(bare(push.token)) or Accepted(receipt=receipt_of(given, push.token)) for push in pushes
    ]


def _illegal(told: Mapping[str, object]) -> dict[str, Refused] | None:
    """The refused tokens, each with what it means; None where no list can be found."""
    message = told.get("msg")
    if isinstance(message, str):
        try:
            message = msgspec.json.decode(message)
        except msgspec.DecodeError:
            message = None
    inner = table(message)
    if isinstance(inner.get("illegal_tokens"), list):
        return {token: Refused(code=PARTLY, gone=True) for token in words(inner["illegal_tokens"])}
    reasons = inner.get("illegalTokens", told.get("illegalTokens"))
    if not isinstance(reasons, dict):
        return None
    return {
        token: Refused(code=f"{PARTLY}:{why}", gone=why == FORMAT_REASON, alarm=why != FORMAT_REASON)
        for why, tokens in reasons.items()
        for token in words(tokens)
    }
