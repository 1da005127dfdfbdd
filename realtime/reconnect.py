"""When and whether a client comes back after its connection ended. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from realtime.rules import DENIED, REPLACED

LINE_LOST: Final = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)
"""What says that a connection ended, or was not made."""

Verdict = Literal["again", "denied", "replaced", "refused"]
"""again: come back after a pause; denied: the credential was not taken; replaced: the person opened too many others;
refused: the server does not serve this client at all."""

_VERDICTS: Final[dict[int, Verdict]] = {DENIED: "denied", REPLACED: "replaced"}


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Pauses between attempts: doubling from ``first_s`` to ``max_s`` seconds, half of each by chance."""

    first_s: float = 0.5
    max_s: float = 30

    def pause_s(self, attempt: int, chance: float) -> float:
        """The pause before attempt number ``attempt`` (0, 1, ...); ``chance`` in [0, 1) spreads the clients."""
        return min(self.max_s, self.first_s * 2.0 ** min(attempt, 32)) * (0.5 + chance / 2)


def verdict(why: Exception) -> Verdict:
    """What the end of a connection means for the next one."""
    if isinstance(why, ConnectionClosed) and why.rcvd is not None:
        return _VERDICTS.get(why.rcvd.code, "again")
    if isinstance(why, InvalidStatus) and 400 <= why.response.status_code < 500:
        return "refused"
    return "again"


def retry_after_s(why: Exception) -> float:
    """How long a server that is full asks to wait, in seconds; 0 when it does not say."""
    if not isinstance(why, InvalidStatus):
        return 0
    told = why.response.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else 0
