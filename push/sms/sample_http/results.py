"""The sample aggregator's codes: with which status each is answered, and what it means for us. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from push.sms.carrier import Verdict

TAKEN: Final = 0
NOT_SIGNED: Final = 1001
STALE: Final = 1002
MALFORMED: Final = 1003
BAD_NUMBER: Final = 2001
UNSERVED: Final = 2002
TEXT_REFUSED: Final = 2003
NO_BALANCE: Final = 2004
COUNTED_OTHERWISE: Final = 2005
TOO_FAST: Final = 3001
BUSY: Final = 3002
REFERENCE_USED: Final = 3003


class Result(NamedTuple):
    """A code's HTTP status and verdict."""

    status: int
    verdict: Verdict
    zh: str


RESULTS: Final[dict[int, Result]] = {
    TAKEN: Result(200, "accepted", "已受理"),
    NOT_SIGNED: Result(401, "misconfigured", "账号或签名不符"),
    STALE: Result(401, "misconfigured", "时间戳相差五分钟以上，或随机数已用过"),
    MALFORMED: Result(400, "failed", "请求内容不符合约定"),
    BAD_NUMBER: Result(422, "bad_number", "号码有误"),
    UNSERVED: Result(422, "unserved", "不服务该号段"),
    TEXT_REFUSED: Result(422, "failed", "内容或签名未报备"),
    NO_BALANCE: Result(402, "misconfigured", "余额不足"),
    COUNTED_OTHERWISE: Result(422, "failed", "条数与网关计算不一致"),
    TOO_FAST: Result(429, "throttled", "超出流量"),
    BUSY: Result(503, "retry", "系统繁忙"),
    REFERENCE_USED: Result(409, "repeated", "流水号已用于另一条短信"),
}

_BY_STATUS: Final[dict[int, Verdict]] = {
    401: "misconfigured",
    402: "misconfigured",
    403: "misconfigured",
    404: "misconfigured",
    405: "misconfigured",
    407: "misconfigured",
    408: "retry",
    415: "misconfigured",
    429: "throttled",
    503: "retry",
}
"""What a status means where the body names no code that we know."""


def verdict_of(status: int, code: int | None, *, waits: bool) -> Verdict | None:
    """What an answer other than 2xx means; None where nobody can tell whether the message was taken.

    ``waits``: the answer says when to come back (Retry-After, RFC 9110 §10.2.3), so that it was not taken. A proxy's 500,
    502 or 504 says nothing about what stands behind it.
    """
    if status in (429, 503) and waits:
        return "throttled"
    known = RESULTS.get(code) if code is not None else None
    if known is not None and code != TAKEN:
        return known.verdict
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return "misconfigured"  # we follow no redirection: it could lead a message anywhere
    return "failed" if 400 <= status < 500 else None
