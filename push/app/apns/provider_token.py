"""The provider token: one for all connections, signed anew in time and never too often (apns §3). Pure.

``now`` is in UTC microseconds: Apple compares ``iat`` with its own clock.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from inbox_store.times import US
from push.app.jose import es256

RENEW_US: Final = 50 * 60 * US
"""Apple refuses a token older than 60 minutes."""
LEAST_US: Final = 20 * 60 * US
"""Signing more often gets TooManyProviderTokenUpdates."""


class ProviderTokens:
    """The token of one key. What is signed is kept for as long as Apple takes it."""

    __slots__ = ("_before", "_held_until", "_key", "_key_id", "_made_at", "_team_id", "_value")

    def __init__(self, key: ec.EllipticCurvePrivateKey, key_id: str, team_id: str) -> None:
        self._key = key
        self._key_id = key_id
        self._team_id = team_id
        self._value = self._before = ""
        self._made_at = 0
        self._held_until = 0

    def value(self, now: int) -> str:
        """The token to send with; a new one where the last is 50 minutes old, or the clock was set back behind it."""
        age = now - self._made_at
        # A clock set back by less than Apple minds changes nothing; by more, the token is from its future.
        if not self._value or (now >= self._held_until and not -LEAST_US < age < RENEW_US):
            self._sign(now)
        return self._value

    def expired(self, value: str, now: int) -> bool:
        """Apple says that ``value`` is too old; whether there is another one to try.

        Tidings of an older token change nothing: the others that were under way with it bring the same.
        """
        if value != self._value:
            return True
        if now < self._held_until or 0 <= now - self._made_at < LEAST_US:
            return False  # young by our clock, old by Apple's: the clock is wrong, signing again would not mend it
        self._sign(now)
        return True

    def too_many(self, value: str, now: int) -> bool:
        """Apple says that we sign too often: back to the last token; whether there is one to try."""
        self._held_until = now + LEAST_US
        if value != self._value:
            return True
        if not self._before:
            return False
        self._value, self._before = self._before, ""
        return True

    def _sign(self, now: int) -> None:
        self._before, self._made_at = self._value, now
        header = {"alg": "ES256", "kid": self._key_id}
        self._value = es256(self._key, header, {"iss": self._team_id, "iat": now // US})
