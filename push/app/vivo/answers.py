"""vivo's answers (sheet, vivo). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from push.app.calls import Answer, http_fault, midnight_s, parsed, table, unread, word
from push.app.marks import receipt_for
from push.app.sender import Accepted, Deferred, Outcome, Push, Refused
from push.app.tokens import Grant
from push.app.vivo.account import VivoAccount

TOKEN_LIFE_S: Final = 86_400
GONE: Final = frozenset({"10302"})
DAY_DONE: Final = frozenset({"10070", "10073", "10252", "10254"})
"""After one of these the day is over: who calls on may have the volume lowered."""
BUSY: Final = frozenset({"10040"})
LATER: Final = frozenset({"10071"})
"""Outside the allowed hours, or a user who is inactive: sources disagree, so that it closes nothing but this device."""
LATER_S: Final = 3 * 3600
NOT_AUTHORISED: Final = "10000"
"""Not on the sheet; read as "authentication failed", so that a new token is tried once."""
ALARM: Final = frozenset({"10094", NOT_AUTHORISED})


def granted(answer: Answer) -> Grant | Refused | Deferred:
    """The token, for 24 hours."""
    told = parsed(answer.body) or {}
    value, code = word(told.get("authToken")), word(told.get("result"))
    if code == "0" and value:
        return Grant(value=value, lifetime_s=TOKEN_LIFE_S)
    if code in BUSY or (not code and (answer.status >= 500 or answer.status == 429)):
        return Deferred(code=f"server:{code or f'http_{answer.status}'}")
    return Refused(code=code or f"http_{answer.status}", alarm=True)


def stale(answer: Answer) -> bool:
    """Whether a new token may help."""
    return answer.status == 401 or word((parsed(answer.body) or {}).get("result")) == NOT_AUTHORISED


def outcome(account: VivoAccount, answer: Answer, push: Push, now: int) -> Outcome:
    """What became of the one."""
    told = parsed(answer.body)
    code = word(told.get("result")) if told is not None else ""
    if told is None or not code:
        return http_fault(answer) or unread(answer)
    if push.token in set(_invalid(told)):
        return Refused(code=code if code != "0" else "invalid_user", gone=True)
    if code == "0":
        secret = account.callback_secret if account.callback_url and not account.test else ""
        return Accepted(receipt=receipt_for(secret, push.id))
    return _refusal(code, now)


def _refusal(code: str, now: int) -> Outcome:
    if code in DAY_DONE:
        return Deferred(code=f"quota:{code}", after_s=midnight_s(now))
    if code in BUSY:
        return Deferred(code=f"flow:{code}")
    if code in LATER:
        return Deferred(code=f"device:{code}", after_s=LATER_S)
    return Refused(code=code, gone=code in GONE, alarm=code in ALARM)


def _invalid(told: dict[str, object]) -> Iterator[str]:
    """Users with status 1; what others mean is not known."""
    listed = told.get("invalidUsers")
    one = told.get("invalidUser")
    entries = [*(listed if isinstance(listed, list) else []), *([one] if isinstance(one, dict) else [])]
    for entry in map(table, entries):
        if word(entry.get("status")) == "1":
            yield word(entry.get("userid"))
