"""What a push service's answer means for the push (webpush §2). Pure: ``now_s`` is in seconds of the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from push.app.sender import Accepted, Deferred, Outcome, Refused

TAKEN: Final = frozenset({200, 201, 202, 204})
GONE: Final = frozenset({404, 410})
ALARMS: Final = frozenset({401, 403})
TOO_LARGE: Final = 413
TOO_MANY: Final = 429
AFTER_MAX_S: Final = 86_400.0
"""The longest Retry-After that is heeded."""


def verdict(status: int, headers: Mapping[str, str], now_s: float) -> Outcome:
    """The outcome of one request; header names are in lower case.

    Only 404 and 410 say that the subscription is dead. 401 and 403 are our key's fault or that of a page which
    subscribed with another one: an operator has to look, the subscription stays. What is never followed (3xx) and what
    only a fault of ours brings about (400) is refused, and stays too.
    """
    if status in TAKEN:
        return Accepted(receipt=headers.get("location", ""))
    if status in GONE:
        return Refused(code=f"http_{status}", gone=True)
    if status in ALARMS:
        return Refused(code=f"http_{status}", alarm=True)
    if status == TOO_MANY:
        return Deferred(code=f"flow:http_{status}", after_s=_after_s(headers, now_s))
    if status >= 500 or status in {408, 425}:
        return Deferred(code=f"server:http_{status}", after_s=_after_s(headers, now_s))
    return Refused(code=f"http_{status}")


def _after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    return retry_after_s(headers.get("retry-after", ""), now_s)


def retry_after_s(text: str, now_s: float) -> float | None:
    """Seconds of a Retry-After, a number or a date (RFC 9110 §10.2.3), at most a day; None for anything else.

    A date is read by our own clock: where it lies in the past, the backoff decides.
    """
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), AFTER_MAX_S)
    try:
        at_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(at_s - now_s, AFTER_MAX_S) if at_s > now_s else None
