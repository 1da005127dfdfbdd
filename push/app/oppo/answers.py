"""OPPO's answers: one code for the call, one for each message of a batch. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, all_of, http_fault, midnight_s, parsed, table, unread, word
from push.app.marks import receipt_for
from push.app.oppo.account import OppoAccount
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.tokens import Grant

TOKEN_LIFE_S: Final = 86_400
STALE: Final = "11"
BAD_REGISTRATION: Final = "10000"


def granted(answer: Answer) -> Grant | Refused | Deferred:
    """The token, for 24 hours."""
    told = parsed(answer.body) or {}
    value, code = word(table(told.get("data")).get("auth_token")), word(told.get("code"))
    if code == "0" and value:
        return Grant(value=value, lifetime_s=TOKEN_LIFE_S)
    if code in ("-1", "-2") or (not code and (answer.status >= 500 or answer.status == 429)):
        return Deferred(code=f"server:{code or f'http_{answer.status}'}")
    return Refused(code=code or f"http_{answer.status}", alarm=True)


def stale(answer: Answer) -> bool:
    """Whether a new token may help."""
    return answer.status == 401 or word((parsed(answer.body) or {}).get("code")) == STALE


def outcomes(account: OppoAccount, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:
    """One for each, in their order."""
    told = parsed(answer.body)
    code = word(told.get("code")) if told is not None else ""
    if told is None or not code:
        return all_of(http_fault(answer) or unread(answer), pushes)
    if code != "0":
        return all_of(_refusal(code, now), pushes)
    secret = account.callback_secret if account.callback_url else ""
    if len(pushes) == 1 and not isinstance(told.get("data"), list):
        return [Accepted(receipt=receipt_for(secret, pushes[0].id))]
    return _each(told.get("data"), pushes, now, secret)


def _each(data: object, pushes: Sequence[Push], now: int, secret: str) -> list[Outcome]:
    """By registration id, not by place; who is not named may have been sent to."""
    entries = [table(one) for one in data] if isinstance(data, list) else []
    found = {word(entry.get("registrationId")): entry for entry in entries}
    told: list[Outcome] = []
    for push in pushes:
        entry = found.get(push.token)
        code = word(entry.get("errorCode")) if entry is not None else ""
        if entry is None:
            told.append(InDoubt(why="not named in the answer"))
        elif code in ("", "0"):
            told.append(Accepted(receipt=receipt_for(secret, push.id)))
        else:
            told.append(_refusal(code, now, is_item=True))
    return told


def _refusal(code: str, now: int, *, is_item: bool = False) -> Outcome:
    """``is_item``: the code is one device's, so that it may condemn it."""
    if code == "-1":
        return Deferred(code="server:-1")
    if code == "-2":
        return Deferred(code="flow:-2")
    if code == "13":
        return Deferred(code="quota:13", after_s=midnight_s(now))
    return Refused(code=code, gone=is_item and code == BAD_REGISTRATION, alarm=code == STALE)
