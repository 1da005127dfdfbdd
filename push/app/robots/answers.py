"""What robots answer: HTTP 200 with a code. No code condemns a robot by itself: an operator made it, one removes it. Pure.

Codes from the vendors' pages and open clients; none could be tried here. An unknown one is a plain refusal.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from push.app.calls import Answer, http_fault, parsed, unread, word
from push.app.robots.account import Kind
from push.app.sender import Accepted, Deferred, Outcome, Refused


class Codes(NamedTuple):
    """One vendor's own numbers, and how long a robot is silenced that was too fast."""

    too_fast: frozenset[str]
    alarm: frozenset[str]
    busy: frozenset[str]
    silenced_s: float


CODES: Final[dict[Kind, Codes]] = {
    "wecom": Codes(
        too_fast=frozenset({"45009", "45033"}),
        alarm=frozenset({"93000", "40001", "40014"}),  # webhook address, credentials
        busy=frozenset({"-1"}),
        silenced_s=60,
    ),
    "dingtalk": Codes(
        too_fast=frozenset({"130101", "90030", "410100"}),
        # word, signature, time or address; no such robot; switched off
        alarm=frozenset({"310000", "300001", "400101", "400102"}),
        busy=frozenset({"-1"}),
        silenced_s=600,
    ),
    "feishu": Codes(
        too_fast=frozenset({"11232", "11233"}),
        alarm=frozenset({"19001", "19021", "19022", "19024"}),  # no such robot, signature, address, word
        busy=frozenset({"-1"}),
        silenced_s=60,
    ),
}
FEISHU_EITHER: Final = "9499"
"""Feishu says 9499 for a bad request, and with "too many request" for too many."""


def outcome(kind: Kind, answer: Answer) -> Outcome:
    """What became of the one message. Robots report no delivery."""
    told = parsed(answer.body)
    codes = CODES[kind]
    code = word((told or {}).get("code" if kind == "feishu" else "errcode"))
    if told is None or not code:
        if answer.status == 429:
            return Deferred(code="device:http_429", after_s=codes.silenced_s)
        return http_fault(answer) or unread(answer)
    if code == "0":
        return Accepted()
    is_either = kind == "feishu" and code == FEISHU_EITHER and "too many" in word(told.get("msg")).lower()
    if code in codes.too_fast or is_either:
        # Of this robot only: each has a limit of its own.
        return Deferred(code=f"device:{code}", after_s=codes.silenced_s)
    if code in codes.busy:
        return Deferred(code=f"server:{code}")
    return Refused(code=code, alarm=code in codes.alarm)
