"""Access tokens and live tickets as EdDSA JWTs, and the opaque secrets of refresh tokens and API keys.

Every check is explicit (ASVS 9.1, 9.2): one algorithm, the key by a look-up of ``kid`` in the ring, one audience per
use, issuer, required claims, and their types. Expiry is judged by the ``now`` passed in, not by the library's clock,
so that one clock rules tokens, sessions and lock-outs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable
from typing import Any, Final, Literal

import jwt

from gateway.token_keys import KeyRing
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.times import US

Audience = Literal["songda:api", "songda:live"]
API: Final[Audience] = "songda:api"
LIVE: Final[Audience] = "songda:live"

Randomness = Callable[[int], bytes]
"""A source of that many random bytes; passed in, so that tests own it."""

TOKEN_SIZE_MAX: Final = 2_048
"""Characters of a token that are looked at; ours have about 420."""

TICKET_MAX_S: Final = 30
SKEW_S: Final = 5
"""How far in the future ``iat`` may lie: clocks of two nodes differ by less, or one of them is wrong."""

_ALGORITHM = "EdDSA"
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_KEY = re.compile(r"sdk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
_REFRESH = re.compile(r"sdr_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{43}", re.ASCII)


class Holder(Noun, frozen=True, kw_only=True):
    """Whose token it is: the account, its ``epoch`` (raised to end all its tokens at once) and the log-in behind it.

    ``session`` is "" for a token that no log-in stands behind.
    """

    account_id: int
    epoch: int
    session: str = ""


class Claims(Holder, frozen=True, kw_only=True):
    """What a valid token says; times are UTC microseconds."""

    jti: str
    issued_at: int
    expires_at: int


class Minted(Noun, frozen=True, kw_only=True):
    """A new token: its text, its id and when it runs out (UTC microseconds)."""

    text: str
    jti: str
    expires_at: int


def _invalid(fault: str) -> Refused:
    """The refusal of a token: which check failed is for the log, the client learns only that it does not hold."""
    return Refused("token_invalid", fault=fault)


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if type(value) is not str or len(value) > 64:
        raise _invalid(name)
    return value


def _number(claims: dict[str, Any], name: str) -> int:
    """A whole number, not a float, not a boolean, not a text that looks like one."""
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise _invalid(name)
    return value


class Tokens:
    """Mints and reads tokens under one key ring. ``access_s`` is how long an access token lives, in seconds."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        issuer: str = "songda",
        access_s: int = 900,
        ticket_s: int = TICKET_MAX_S,
        random: Randomness = secrets.token_bytes,
    ) -> None:
        if not 0 < ticket_s <= TICKET_MAX_S:
            raise ValueError(f"ticket_s: 1..{TICKET_MAX_S} seconds, not {ticket_s}")
        self.ring = ring
        self._issuer = issuer
        self._access_s = access_s
        self._ticket_s = ticket_s
        self._random = random

    def access(self, holder: Holder, now: int, *, life_s: int | None = None) -> Minted:
        """A new access token for the API; ``life_s`` seconds instead of the usual life for trials."""
        return self._mint(API, holder, now, self._access_s if life_s is None else life_s)

    def ticket(self, holder: Holder, now: int) -> Minted:
        """A new one-use ticket that opens one live session (ASVS 4.4.4)."""
        return self._mint(LIVE, holder, now, self._ticket_s)

    def _mint(self, audience: Audience, holder: Holder, now: int, life_s: int) -> Minted:
        jti = _code(self._random(16))
        issued = now // US
        claims = {
            "iss": self._issuer,
            "aud": audience,
            "sub": str(holder.account_id),
            "jti": jti,
            "iat": issued,
            "exp": issued + life_s,
            "sid": holder.session,
            "epoch": holder.epoch,
        }
        key = self.ring.current
        text = jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"kid": key.kid})
        return Minted(text=text, jti=jti, expires_at=(issued + life_s) * US)

    def read(self, text: str, audience: Audience, now: int) -> Claims:
        """What the token says when it holds for ``audience`` at ``now``. Raises Refused("token_invalid")."""
        told = self._decoded(text, audience)
        issued, expires = _number(told, "iat"), _number(told, "exp")
        subject = _text(told, "sub")
        if not _ID.fullmatch(subject):
            raise _invalid("sub")
        if issued > now // US + SKEW_S or (audience == LIVE and expires - issued > TICKET_MAX_S):
            raise _invalid("iat")
        if expires * US <= now:
            raise _invalid("expired")
        return Claims(
            account_id=int(subject),
            session=_text(told, "sid"),
            epoch=_number(told, "epoch"),
            jti=_text(told, "jti"),
            issued_at=issued * US,
            expires_at=expires * US,
        )

    def _decoded(self, text: str, audience: Audience) -> dict[str, Any]:
        """The claims under a valid signature, audience and issuer; their times are judged by the caller."""
        if len(text) > TOKEN_SIZE_MAX:
            raise _invalid("size")
        try:
            kid = _kid(text)
            key = self.ring.keys.get(kid) if type(kid) is str else None
            if key is None:
                raise _invalid("kid")
            told: dict[str, Any] = jwt.decode(
                text,
                key.public,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iat", "jti", "sub", "aud", "iss"],
                    "strict_aud": True,
                    # The three below read the library's own clock; `read` judges the times by ours.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as fault:
            # Hostile bytes also break the parsers below the library: nothing but a refusal may leave this door.
            raise _invalid(type(fault).__name__) from fault
        return told


def _kid(text: str) -> object:
    """The name of the key that the header asks for: to choose the key, which then verifies the whole.

    Only the header is looked at here; reading it through the library would take the whole token apart twice.
    """
    head = text.partition(".")[0]
    told = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return told.get("kid") if isinstance(told, dict) else None


def _code(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


class Secret(Noun, frozen=True, kw_only=True):
    """An opaque secret: the text goes to its owner once, the SHA-256 is all that is stored (256 random bits need no more).

    ``prefix`` finds it: the key's name in lists and logs, the chain to which a refresh token belongs.
    """

    text: str
    digest: bytes
    prefix: str


def digest_of(text: str) -> bytes:
    """SHA-256 of an opaque secret, by which it is looked up."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def new_refresh(chain: str | None = None, *, random: Randomness = secrets.token_bytes) -> Secret:
    """A new refresh token of 256 random bits, the next of ``chain`` or the first of a new one."""
    prefix = _code(random(16)) if chain is None else chain
    text = f"sdr_{prefix}_{_code(random(32))}"
    return Secret(text=text, digest=digest_of(text), prefix=prefix)


def new_api_key(*, random: Randomness = secrets.token_bytes) -> Secret:
    """A new API key of 256 random bits; its prefix may be shown in lists and logs."""
    prefix = random(4).hex()
    text = f"sdk_{prefix}_{_code(random(32))}"
    return Secret(text=text, digest=digest_of(text), prefix=prefix)


def new_session(*, random: Randomness = secrets.token_bytes) -> str:
    """The name of a new session, one log-in on one device; it stands in its access tokens."""
    return _code(random(16))


def refresh_chain(text: str) -> str | None:
    """The chain to which a refresh token belongs, None where ``text`` has not its form."""
    match = _REFRESH.fullmatch(text)
    return match.group(1) if match else None


def key_prefix(text: str) -> str | None:
    """The prefix of an API key, None where ``text`` has not its form."""
    match = _KEY.fullmatch(text)
    return match.group(1) if match else None
