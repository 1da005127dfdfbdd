"""The signature of the sample scheme, over what is sent either way. Pure: time and nonce are passed in.

Four headers: ``X-Account``; ``X-Timestamp``, whole seconds of the epoch; ``X-Nonce``, 16 to 64 letters, digits, ``-`` and
``_``, never the same twice; ``X-Signature``, the lower-case hexadecimal HMAC-SHA256, under the account's secret, over

    purpose LF timestamp LF nonce LF body

with the bytes of the body as they are sent. ``purpose`` is ``submit`` from us, ``callback`` to us: what one side signed
cannot be sent back to it as the other's. Every try is signed anew, a repetition too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal

from inbox_store.times import US

Purpose = Literal["submit", "callback"]

ACCOUNT: Final = "X-Account"
TIMESTAMP: Final = "X-Timestamp"
NONCE: Final = "X-Nonce"
SIGNATURE: Final = "X-Signature"

SKEW_S: Final = 300
"""How far the clocks of the two ends may be apart, and how old what is signed may be."""

NONCES_MAX: Final = 200_000
"""Nonces remembered; each is forgotten when its timestamp is too old to be taken anyway."""

_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNED: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class NotSigned(ValueError):
    """The headers do not show that the other end sent this; the text says why, for the log."""


def sign(secret: str, purpose: Purpose, timestamp: str, nonce: str, body: bytes) -> str:
    """The signature as it stands in its header."""
    told = f"{purpose}\n{timestamp}\n{nonce}\n".encode() + body
    return hmac.digest(secret.encode(), told, hashlib.sha256).hex()


def signed_headers(
    account: str, secret: str, purpose: Purpose, body: bytes, *, now: int, nonce: str
) -> dict[str, str]:
    """The four headers; ``now`` in UTC microseconds."""
    timestamp = str(now // US)
    return {
        ACCOUNT: account,
        TIMESTAMP: timestamp,
        NONCE: nonce,
        SIGNATURE: sign(secret, purpose, timestamp, nonce, body),
    }


class Nonces:
    """What was heard already. What was signed before ``since`` (UTC microseconds) is refused: its nonces were forgotten."""

    def __init__(self, since: int, size_max: int = NONCES_MAX) -> None:
        # The clocks may be apart by less than a second of rounding: the second we began in is taken.
        self._since_s = since // US
        self._size_max = size_max
        self._seen: set[str] = set()
        self._order: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._seen)

    def first(self, nonce: str, timestamp_s: int, now: int) -> None:
        """Remember the nonce of something that is signed and in time. Raises NotSigned where it is not the first."""
        while self._order and self._order[0][0] < now // US - 2 * SKEW_S:
            self._seen.discard(self._order.popleft()[1])
        if timestamp_s < self._since_s:
            raise NotSigned("signed before this side began to listen")
        if nonce in self._seen:
            raise NotSigned("the nonce was used before")
        if len(self._seen) >= self._size_max:
            # Forgetting one early would let it be used twice.
            raise NotSigned("too many in five minutes")
        self._seen.add(nonce)
        self._order.append((now // US, nonce))


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    account: str,
    secret: str,
    purpose: Purpose,
    now: int,
    nonces: Nonces,
) -> None:
    """Raises NotSigned unless ``headers`` sign ``body`` for this account, in time and for the first time.

    The signature is looked at before everything that an outsider could learn from, and compared in constant time.
    """
    timestamp, nonce, given = (headers.get(name, "") for name in (TIMESTAMP, NONCE, SIGNATURE))
    if not (_TIME.fullmatch(timestamp) and _NONCE.fullmatch(nonce) and _SIGNED.fullmatch(given)):
        raise NotSigned("a header of the signature is missing or malformed")
    known = hmac.compare_digest(headers.get(ACCOUNT, "").encode("utf-8", "replace"), account.encode())
    right = hmac.compare_digest(given, sign(secret, purpose, timestamp, nonce, body))
    if not (known and right):
        raise NotSigned("the signature does not fit")
    if abs(now // US - int(timestamp)) > SKEW_S:
        raise NotSigned("the timestamp is more than five minutes away")
    nonces.first(nonce, int(timestamp), now)
