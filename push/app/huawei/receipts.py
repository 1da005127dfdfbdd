"""Huawei's delivery receipts: signature and both bodies (huawei §5). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Final

from inbox_store.times import US
from push.app.calls import Delivered, Failed, NotTheirs, Receipt, from_millis, parsed, receipt_of, table, word
from push.app.huawei.account import HuaweiCallback
from push.app.marks import header

HEADER: Final = "X-HUAWEI-CALLBACK-ID"
SKEW_S: Final = 300
GONE: Final = frozenset({"2", "5"})
"""App not installed; token unknown on this device or user. 201 says one of several things, so that it condemns nobody."""


def sign(callback: HuaweiCallback, timestamp: str, nonce: str) -> str:
    """The value in the header."""
    told = f"{timestamp}{nonce}{callback.user}".encode("utf-8", "replace")
    return base64.b64encode(hmac.digest(callback.key.encode(), told, hashlib.sha256)).decode()


def receipts(
    headers: Mapping[str, str], body: bytes, secret: HuaweiCallback, now: int
) -> list[Delivered | Failed]:
    """What became of devices; ``now`` in UTC microseconds. Raises NotTheirs."""
    _check(header(headers, HEADER), secret, now)
    told = parsed(body)
    statuses = told.get("statuses") if told is not None else None
    if not isinstance(statuses, list):
        raise NotTheirs("no statuses")
    return list(read_statuses(statuses))


def read_statuses(statuses: list[object]) -> Iterator[Receipt]:
    """Entries of V1 and V2; one that names neither token nor status is passed over."""
    for one in map(table, statuses):
        inner = table(one.get("deliveryStatus"))
        code = word(inner.get("result")) or word(one.get("status"))
        token, given = word(one.get("token")), word(one.get("requestId"))
        if not token or not code:
            continue
        told_at = from_millis(inner.get("timestamp", one.get("timestamp")))
        receipt = receipt_of(given, token)
        if code == "0":
            yield Delivered(receipt=receipt, token=token, at=told_at)
        else:
            yield Failed(receipt=receipt, token=token, code=code, gone=code in GONE, at=told_at)


def _check(told: str, secret: HuaweiCallback, now: int) -> None:
    parts = {name.strip(): value for name, _, value in (part.partition("=") for part in told.split(";"))}
    timestamp, nonce, value = (parts.get(name, "").strip() for name in ("timestamp", "nonce", "value"))
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 16 and nonce and secret.key):
        raise NotTheirs("the header of the signature is missing or malformed")
    if not hmac.compare_digest(value.encode("utf-8", "replace"), sign(secret, timestamp, nonce).encode()):
        raise NotTheirs("the signature does not fit")
    if abs(now // US - int(timestamp) // 1000) > SKEW_S:
        raise NotTheirs("the timestamp is more than five minutes away")
