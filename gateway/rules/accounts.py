"""The rules of accounts as values and plain functions: limits and lives, one-time codes, address groups, standing."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import Final

from gateway.rules.access import Grant, Principal
from gateway.rules.passwords import LENGTH_MIN, PasswordPolicy
from inbox_store.nouns import Noun
from inbox_store.programs.access import Limit, Lock
from inbox_store.programs.sessions import Standing
from inbox_store.times import DAY_US, US

MINUTE_US: Final = 60 * US

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": "", "\u3000": ""})
CODE_BYTES: Final = 10
"""Random bytes of a code: 80 bits are 16 characters in four groups."""


class AccessRules(Noun, frozen=True, kw_only=True):
    """Every limit and life of logging in, with its unit in its name."""

    refresh_days: int = 7
    """How long a session may lie idle."""
    session_days: int = 30
    """How long a session may last however busy it is; then the person logs in again."""
    refresh_grace_s: int = 10
    """How long the last refresh token is answered once more, for answers lost on the way."""
    password_policy: PasswordPolicy = "mlps3"  # noqa: S105 - the name of a rule
    password_min_length: int = LENGTH_MIN
    lock_failures: int = 5
    lock_minutes: int = 30
    login_per_minute_per_address: int = 60
    activation_days: int = 30
    api_key_days_max: int = 400
    principal_cache_s: int = 5
    principal_cache_max: int = 50_000

    @property
    def lock(self) -> Lock:
        """When failures lock a login, and for how long."""
        return Lock(failures_max=self.lock_failures, lock_us=self.lock_minutes * MINUTE_US)

    @property
    def address_limit(self) -> Limit:
        """How many attempts one address may make."""
        return Limit(attempts_max=self.login_per_minute_per_address, window_us=MINUTE_US)

    @property
    def session_us(self) -> int:
        """The absolute life of a session, in microseconds."""
        return self.session_days * DAY_US

    @property
    def refresh_us(self) -> int:
        """The idle life of a session, in microseconds."""
        return self.refresh_days * DAY_US


def code_of(random: bytes) -> str:
    """The one-time code made of CODE_BYTES random bytes: four groups of Crockford's base32, such as 7K2M-9QXT-40AB-ZR3E."""
    number = int.from_bytes(random, "big")
    digits = "".join(_CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


def normal_code(text: str) -> str | None:
    """The code as made, from what somebody read off paper: any case, O for 0, I or L for 1. None: it is no code."""
    digits = text.strip().upper().translate(_MISREAD)
    if len(digits) != 16 or not set(digits) <= set(_CROCKFORD):
        return None
    return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


def code_hash(key: bytes, account_id: int, code: str) -> bytes:
    """The keyed hash under which a code is stored; bound to its account, so that rows cannot be exchanged."""
    return hmac.digest(key, f"activation|{account_id}|{code}".encode(), hashlib.sha256)


def code_fits(key: bytes, account_id: int, code: str | None, stored: bytes | None) -> bool:
    """Whether ``code`` is the one behind ``stored``; costs the same when there is none."""
    told = code_hash(key, account_id, code or "")
    return hmac.compare_digest(told, stored or b"\x00" * 32) and stored is not None and code is not None


def address_key(origin: str) -> str:
    """The group of addresses that is counted together: one IPv4 address, or an IPv6 network of 64 bits."""
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return f"address:{origin[:64]}"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is not None:
        address = mapped
    prefix = 32 if address.version == 4 else 64
    return f"address:{ipaddress.ip_network((int(address), prefix), strict=False)}"


def login_key(login: str) -> str:
    """The digest under which failures of a login that does not exist are counted: people type passwords there too."""
    return f"login:{hashlib.sha256(login.encode(errors='surrogatepass')).hexdigest()[:32]}"


def standing_fault(standing: Standing | None, *, epoch: int, session: str, now: int) -> str | None:
    """Why a token of this epoch and session no longer holds, as a refusal's code; None when it does.

    An account that waits for its first log-in is not refused: only an operator can have minted a token for it.
    """
    if standing is None or standing.spent or standing.epoch != epoch:
        return "token_revoked"
    if standing.state in ("frozen", "closed"):
        return f"account_{standing.state}"
    if session and (standing.session_ends_at is None or standing.session_ends_at <= now):
        return "token_revoked"
    return None


def principal_from(standing: Standing, *, token_id: str, session: str) -> Principal:
    """The principal an account is at this moment: one grant for each post it holds."""
    return Principal(
        person_id=standing.person_id,
        account_id=standing.account_id,
        name=standing.name,
        grants=frozenset(
            Grant(
                role=post.role,
                scope=post.scope,
                unit_id=post.unit_id,
                county_id=post.county_id,
                for_person=post.for_person,
            )
            for post in standing.posts
        ),
        token_id=token_id,
        session=session,
        epoch=standing.epoch,
        alike=standing.agents | {post.for_person for post in standing.posts if post.for_person},
    )
