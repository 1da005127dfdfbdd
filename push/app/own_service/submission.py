"""What an application server may post to an endpoint, and what it is answered (RFC 8030 §5, RFC 8292 §4). Pure.

``now`` is in UTC microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, cast, get_args

from inbox_store.programs.push_service import Subscribed, Urgency
from inbox_store.times import US
from push.app.webpush.subscription import base64url
from push.app.webpush.vapid import VapidFault, check_authorization

BODY_MAX: Final = 4096
TTL_MAX_S: Final = 2_592_000
"""30 days; a longer wish is granted so far, and the answer says so (RFC 8030 §5.2)."""

_TTL: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_URGENCIES: Final[frozenset[str]] = frozenset(get_args(Urgency))


class Submission(NamedTuple):
    """A message that may be kept."""

    ttl_s: int
    topic: str
    urgency: Urgency
    body: bytes


class Refusal(NamedTuple):
    """The answer to what may not: its status, and one word why."""

    status: int
    code: str


def read_submission(headers: Mapping[str, str], body: bytes) -> Submission | Refusal:
    """Headers and body of a POST; header names are looked up as RFC 8030 writes them."""
    ttl, topic = headers.get("TTL", "").strip(), headers.get("Topic", "").strip()
    urgency = headers.get("Urgency", "normal").strip()
    if not _TTL.fullmatch(ttl):
        return Refusal(400, "ttl")
    if topic and not _TOPIC.fullmatch(topic):
        return Refusal(400, "topic")
    if urgency not in _URGENCIES:
        return Refusal(400, "urgency")
    if len(body) > BODY_MAX:
        return Refusal(413, "length")
    if body and headers.get("Content-Encoding", "").strip().lower() != "aes128gcm":
        return Refusal(415, "encoding")
    return Submission(min(int(ttl), TTL_MAX_S), topic, cast("Urgency", urgency), body)


def check_sender(subscribed: Subscribed, header: str, origin: str, now: int) -> Refusal | None:
    """Whether the sender shows the key of the subscription, where it was made with one; None: it may send."""
    if not subscribed.key:
        return None
    if not header:
        return Refusal(401, "vapid_missing")
    try:
        shown = check_authorization(header, origin, now / US)
    except VapidFault as why:
        return Refusal(403, f"vapid_{why.code}")
    return None if base64url(shown.key) == subscribed.key else Refusal(403, "vapid_other_key")
