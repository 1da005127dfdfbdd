"""Xiaomi's answers (xiaomi §2, §4). A bad regid does not fail the call: it is reported later (type 16). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, all_of, http_fault, midnight_s, parsed, unread, word
from push.app.marks import receipt_for
from push.app.sender import Accepted, Deferred, Outcome, Push, Refused
from push.app.xiaomi.account import XiaomiAccount

BUSY: Final = frozenset({"-1", "1", "10001", "10002", "10003", "65029", "20301", "22102"})
TOO_FAST: Final = frozenset({"10027", "26004", "10039"})
DAY_DONE: Final = frozenset({"10034"})
UNKNOWN_DEVICE: Final = frozenset({"10029", "65003"})
"""Unknown or not online: kept, and dead only when it repeats."""
# fmt: off
ALARM: Final = frozenset({
    "10031", "10036", "22000",                     # blocked or illegal app
    "21301", "21302", "21303",                     # authentication
    "22006", "22007", "22022", "26006", "27001",   # app id, key, package, review, channel
    "65036", "65037", "65038",                     # the callback
})
# fmt: on


def outcomes(account: XiaomiAccount, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:
    """One for each, in their order: all the same, as a call has one code."""
    told = parsed(answer.body)
    code = word(told.get("code")) if told is not None else ""
    if told is None or not code:
        return all_of(http_fault(answer) or unread(answer), pushes)
    if code == "0" and told.get("result", "ok") == "ok":
        secret = account.callback_secret if account.callback_url else ""
        return [Accepted(receipt=receipt_for(secret, push.id)) for push in pushes]
    return all_of(_refusal(code, now), pushes)


def _refusal(code: str, now: int) -> Outcome:
    if code in BUSY:
        return Deferred(code=f"server:{code}")
    if code in TOO_FAST:
        return Deferred(code=f"flow:{code}")
    if code in DAY_DONE:
        return Deferred(code=f"quota:{code}", after_s=midnight_s(now))
    return Refused(code=code, alarm=code in ALARM)
