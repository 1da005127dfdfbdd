"""From a token, a ticket or a key to the principal behind it, and whether it still stands.

A principal is remembered for a few seconds, so that a busy client costs one look into the store per moment; what is
taken back here is forgotten here at once, and other processes follow when their moment is over.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from gateway.rules.access import Grant, Principal
from gateway.rules.accounts import AccessRules, principal_from, standing_fault
from gateway.tokens import API, LIVE, Claims, Holder, Minted, Tokens, digest_of, key_prefix
from inbox_store.engine import Engine
from inbox_store.errors import Refused
from inbox_store.programs.api_keys import ApiKey, key_by_prefix
from inbox_store.programs.live import Asked, standings
from inbox_store.programs.sessions import Standing, redeem, standing
from inbox_store.times import US, Clock

log = structlog.get_logger("access")

LIVE_PREFIX: Final = "live:"
"""Marks the token id of a principal that came by a ticket: the ticket is spent, the principal is not."""


class PrincipalCache:
    """Principals by the digest of what they showed, each for a stated moment; bounded, oldest out first."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._entries: dict[bytes, tuple[Principal, int, int]] = {}
        self._of_account: dict[int, set[bytes]] = {}
        self.generation = 0

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._entries)

    def get(self, digest: bytes, now: int) -> Principal | None:
        """The principal, while its moment lasts; before it began is outside too: then the clock was set back."""
        principal, since, until = self._entries.get(digest, (None, 0, 0))
        if principal is None or since <= now < until:
            return principal
        self._drop(digest)
        return None

    def put(self, digest: bytes, principal: Principal, since: int, until: int, generation: int) -> None:
        """Remember for that moment, unless somebody was forgotten since ``generation``: what was read may be older than that."""
        if generation != self.generation:
            return
        self._drop(digest)
        while len(self._entries) >= self._size_max:
            self._drop(next(iter(self._entries)))
        self._entries[digest] = (principal, since, until)
        self._of_account.setdefault(principal.account_id, set()).add(digest)

    def forget(self, account_id: int) -> None:
        """Drop everything of one account (a key: its negative id)."""
        self.generation += 1
        for digest in tuple(self._of_account.get(account_id, ())):
            self._drop(digest)

    def _drop(self, digest: bytes) -> None:
        entry = self._entries.pop(digest, None)
        if entry is None:
            return
        account_id = entry[0].account_id
        left = self._of_account[account_id]
        left.discard(digest)
        if not left:
            del self._of_account[account_id]


@dataclass(kw_only=True)
class Principals:
    """Who stands behind a request or a live session. ``engine`` answers, ``clock`` tells the time in UTC microseconds."""

    engine: Engine
    tokens: Tokens
    rules: AccessRules
    clock: Clock
    _cut: list[Callable[[int], None]] = field(default_factory=list, init=False, repr=False)
    _verified: dict[bytes, Claims] = field(default_factory=dict, init=False, repr=False)
    """What tokens say whose signature was verified, by their SHA-256; bounded like the principals."""

    def __post_init__(self) -> None:
        self.cache = PrincipalCache(self.rules.principal_cache_max)

    def on_cut(self, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with the account id (a key: negative) when an account's rights were taken back here.

        The live hub then asks ``still_valid`` of that account's sessions and closes those that are not.
        """
        self._cut.append(listener)

    def cut(self, account_id: int) -> None:
        """Forget what is remembered of the account and tell those who hold its live sessions."""
        self.cache.forget(account_id)
        for listener in self._cut:
            listener(account_id)

    async def principal_of_bearer(self, token: str, *, now: int | None = None, origin: str = "") -> Principal:
        """The person behind an access token; ``now`` defaults to the clock, ``origin`` is for the log of refusals.

        Raises Refused: token_invalid, token_revoked, account_frozen, account_closed.
        """
        at, digest = self.clock() if now is None else now, digest_of(token)
        known = self.cache.get(digest, at)
        if known is not None:
            return known
        with _logged(origin):
            claims = self._claims(token, digest, at)
            generation = self.cache.generation
            told = await self.engine.read(standing(claims.account_id, claims.session, claims.jti, at))
            principal = self._principal(told, claims, claims.jti, at)
        until = min(at + self.rules.principal_cache_s * US, claims.expires_at)
        self.cache.put(digest, principal, at, until, generation)
        return principal

    def _claims(self, token: str, digest: bytes, now: int) -> Claims:
        """What the token says. A signature that held once holds for good under the same ring: only its end comes.

        Where the account and the session stand is another question, asked of the store each time.
        """
        known = self._verified.get(digest)
        if known is not None and now < known.expires_at:
            return known
        claims = self.tokens.read(token, API, now)
        if len(self._verified) >= self.rules.principal_cache_max:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = claims
        return claims

    def _principal(self, told: Standing | None, claims: Claims, token_id: str, now: int) -> Principal:
        fault = standing_fault(told, epoch=claims.epoch, session=claims.session, now=now)
        if fault is not None or told is None:
            raise Refused(fault or "token_revoked")
        return principal_from(told, token_id=token_id, session=claims.session)

    def live_ticket(self, principal: Principal) -> Minted:
        """A ticket that opens one live session for the person. Raises Refused("forbidden") for a key."""
        if principal.kind != "person":
            raise Refused("forbidden", action="live.connect", reason="接口密钥不能建立实时会话")
        holder = Holder(account_id=principal.account_id, epoch=principal.epoch, session=principal.session)
        return self.tokens.ticket(holder, self.clock())

    async def principal_of_ticket(self, ticket: str) -> Principal:
        """The person behind a ticket, which is spent by this. Raises what a bearer raises."""
        now = self.clock()
        claims = self.tokens.read(ticket, LIVE, now)
        first, told = await self.engine.write(
            redeem(claims.account_id, claims.session, claims.jti, claims.expires_at, now)
        )
        if not first:
            raise Refused("token_invalid", fault="ticket_used")
        return self._principal(told, claims, LIVE_PREFIX + claims.jti, now)

    async def principal_of_api_key(self, key: str, *, now: int | None = None, origin: str = "") -> Principal:
        """The other system behind an API key. Raises Refused: token_invalid (unknown, revoked, expired alike)."""
        at, digest = self.clock() if now is None else now, digest_of(key)
        known = self.cache.get(digest, at)
        if known is not None:
            return known
        generation = self.cache.generation
        stored = await self._key(key_prefix(key))
        if stored is None or not hmac.compare_digest(stored.digest, digest) or not key_holds(stored, at):
            with _logged(origin):
                raise Refused("token_invalid", fault="api_key")
        principal = principal_of_key(stored)
        until = min(at + self.rules.principal_cache_s * US, stored.expires_at)
        self.cache.put(digest, principal, at, until, generation)
        return principal

    async def _key(self, prefix: str | None) -> ApiKey | None:
        if prefix is None:
            return None
        try:
            return await self.engine.read(key_by_prefix(prefix))
        except Refused:
            return None

    async def still_valid(self, principal: Principal) -> bool:
        """Whether what the principal showed would still be taken, asked of the store itself.

        An access token's own end is not looked at: a live session outlives the token that opened it, not the log-in.
        """
        now = self.clock()
        if principal.kind == "api_key":
            key = await self._key(principal.token_id)
            return key is not None and key_holds(key, now)
        (valid,) = await self.all_valid([principal])
        return valid

    async def all_valid(self, people: Sequence[Principal]) -> list[bool]:
        """``still_valid`` of many persons at once: one read."""
        now = self.clock()
        asked = [Asked(one.account_id, one.session, one.token_id) for one in people]
        told = await self.engine.read(standings(asked, now))
        return [
            standing_fault(told.get(place), epoch=one.epoch, session=one.session, now=now) is None
            for place, one in enumerate(people)
        ]


@contextmanager
def _logged(origin: str) -> Iterator[None]:
    """Tell the log which check a refused credential failed (ASVS 16.3.1); the client is not told."""
    try:
        yield
    except Refused as refused:
        log.info("credential.refused", code=refused.code, fault=refused.params.get("fault"), origin=origin)
        raise


def key_holds(key: ApiKey, now: int) -> bool:
    """Whether the key is neither revoked nor run out."""
    return key.revoked_at is None and now < key.expires_at


def principal_of_key(key: ApiKey) -> Principal:
    """The principal a key is: one grant in its unit, narrowed to its actions; its account id is the key's, negative."""
    grant = Grant(role=key.role, scope=key.scope, unit_id=key.unit_id, county_id=key.county_id)
    return Principal(
        person_id=key.person_id,
        account_id=-key.id,
        name=key.name,
        grants=frozenset({grant}),
        kind="api_key",
        token_id=key.prefix,
        actions=key.actions,
    )
