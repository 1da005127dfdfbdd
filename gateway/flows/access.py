"""Logging in and staying in: activation by a one-time code, log-in, refresh, log-out, a new password.

An unknown login, a wrong password and an account without a password meet the same answer after the same work, and are
counted and locked alike (ASVS 6.3.8). A second factor (TOTP, 国密 UKey) is not built yet: see docs.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.flows.account_desk import AccountDesk
from gateway.passwords import Passwords
from gateway.rules import passwords as policy
from gateway.rules.access import Principal
from gateway.rules.accounts import address_key, code_fits, login_key, normal_code, standing_fault
from gateway.tokens import Holder, Secret, digest_of, new_refresh, new_session, refresh_chain
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs.access import (
    Account,
    Attempt,
    Candidate,
    NewPassword,
    attempt_failed,
    begin_attempt,
    earlier_hashes,
    logged_in,
    password_set,
)
from inbox_store.programs.copies import Actor
from inbox_store.programs.sessions import NewSession, Presented, end_session, purge, refresh, spend
from inbox_store.times import DAY_US, US

SPENT_FOR_US = 2 * DAY_US
"""How long a token id stays out of use: longer than any access token lives."""

_FAILED = {"login": "login_failed", "activation": "code_invalid", "password": "login_failed"}
"""What a failed attempt is refused with, by what was attempted."""

KEEP_US = 30 * DAY_US
"""How long ended sessions and old counts are kept before they are purged."""


class LoggedIn(Noun, frozen=True, kw_only=True):
    """What a log-in or refresh gives the client; times are UTC microseconds."""

    account_id: int
    person_id: int
    name: str
    access_token: str
    access_expires_at: int
    refresh_token: str
    refresh_expires_at: int


@dataclass(kw_only=True)
class Access(AccountDesk):
    """Accounts and sessions of one installation, over one engine. ``passwords`` is closed by whoever made it."""

    passwords: Passwords

    async def login(self, login: str, password: str, origin: str = "") -> LoggedIn:
        """Log in with a password.

        Raises Refused: login_failed, locked and throttled (both with retry_after_s), account_frozen, account_closed,
        busy.
        """
        attempt = self._attempt(login, origin)
        account = await self._begin(attempt)
        match = await self.passwords.verify(account.password_hash if account else None, password)
        if account is None or account.password_hash is None or not match.ok:
            raise await self._failed(attempt, account, "login")
        if account.state in ("frozen", "closed"):
            # Only who knows the password learns this.
            raise Refused(f"account_{account.state}")
        rehashed = await self.passwords.hash(password) if match.rehash else None
        now = self.clock()
        first, session = self._session(origin, now)
        told = await self.engine.write(logged_in(account.id, account.password_hash, rehashed, session, now))
        return self._given(told, session, first, now)

    async def activate(self, login: str, code: str, password: str, origin: str = "") -> LoggedIn:
        """Set the first password (or a forgotten one anew) with the one-time code of the unit's list, and log in.

        Raises Refused: password_weak (with all faults), code_invalid (wrong, used or expired), and what login raises.
        """
        self._check(password, login)
        attempt = self._attempt(login, origin)
        account = await self._begin(attempt)
        stored = account.activation_hash if account else None
        fits = code_fits(self.code_key, account.id if account else 0, normal_code(code), stored)
        if account is None or not fits:
            raise await self._failed(attempt, account, "activation")
        if account.state in ("frozen", "closed"):
            raise Refused(f"account_{account.state}")
        if (account.activation_expires_at or 0) <= self.clock():
            raise Refused("code_invalid", fault="expired")
        return await self._set_password(account, password, "account.activate", origin)

    async def change_password(self, principal: Principal, old: str, new: str, origin: str = "") -> LoggedIn:
        """Replace one's own password; every earlier session and token ends, a new session begins.

        Raises Refused: password_weak, login_failed, locked, throttled, busy.
        """
        account = await self.account(principal.account_id)
        self._check(new, account.login)
        attempt = self._attempt(account.login, origin)
        await self._begin(attempt)
        if not (await self.passwords.verify(account.password_hash, old)).ok:
            raise await self._failed(attempt, account, "password")
        return await self._set_password(account, new, "account.password", origin)

    async def refresh(self, refresh_token: str, origin: str = "") -> LoggedIn:
        """The next pair of tokens. A token used before ends its session.

        Raises Refused: token_revoked (unknown, used, run out alike), account_frozen, account_closed.
        """
        chain, now = refresh_chain(refresh_token), self.clock()
        if chain is None:
            raise Refused("token_revoked", fault="session")
        following = new_refresh(chain, random=self.random)
        presented = Presented(
            chain=chain, digest=digest_of(refresh_token), next_digest=following.digest, origin=origin
        )
        grace_us = self.rules.refresh_grace_s * US
        told = await self.engine.write(
            refresh(presented, now, refresh_us=self.rules.refresh_us, grace_us=grace_us)
        )
        if told.verdict == "reused":
            self.cut(told.account_id)
        if told.standing is None:
            raise Refused("token_revoked", fault="session")
        fault = standing_fault(told.standing, epoch=told.standing.epoch, session=told.session, now=now)
        if fault is not None:
            raise Refused(fault)
        holder = Holder(account_id=told.account_id, epoch=told.standing.epoch, session=told.session)
        access = self.tokens.access(holder, now)
        return LoggedIn(
            account_id=told.account_id,
            person_id=told.standing.person_id,
            name=told.standing.name,
            access_token=access.text,
            access_expires_at=access.expires_at,
            refresh_token=following.text,
            refresh_expires_at=told.refresh_until,
        )

    async def logout(self, principal: Principal, origin: str = "") -> None:
        """End the session behind the principal; a token without one is taken out of use by itself."""
        now = self.clock()
        if principal.session:
            told = Actor(person_id=principal.person_id, name=principal.name, origin=origin)
            await self.engine.write(end_session(principal.session, principal.account_id, "logout", now, told))
        else:
            await self.engine.write(spend(principal.token_id, now + SPENT_FOR_US))
        self.cut(principal.account_id)

    async def purge(self) -> None:
        """Forget what no longer matters; upkeep calls it once a day."""
        await self.engine.write(purge(self.clock(), keep_us=KEEP_US))

    def _attempt(self, login: str, origin: str) -> Attempt:
        told = login.strip().encode(errors="replace").decode()
        return Attempt(
            login=told,
            login_key=login_key(told),
            address_key=address_key(origin),
            origin=origin,
            at=self.clock(),
        )

    async def _begin(self, attempt: Attempt) -> Account | None:
        candidate = await self.engine.write(begin_attempt(attempt, self.rules.address_limit))
        turned_away = _turned_away(candidate, attempt.at)
        if turned_away is not None:
            raise turned_away
        return candidate.account

    async def _failed(self, attempt: Attempt, account: Account | None, act: str) -> Refused:
        """Count the failure; the refusal to raise. A lock begins with the failure that was one too many."""
        now = self.clock()
        until = await self.engine.write(
            attempt_failed(attempt, account.id if account else None, act, now, self.rules.lock)
        )
        if until is not None:
            return _wait("locked", until, now)
        return Refused(_FAILED[act])

    def _check(self, password: str, login: str) -> None:
        rules = self.rules
        found = policy.faults(
            password, login=login.strip(), policy=rules.password_policy, length_min=rules.password_min_length
        )
        if found:
            raise _weak(found)

    async def _set_password(self, account: Account, password: str, action: str, origin: str) -> LoggedIn:
        await self._check_history(account, password)
        hashed = await self.passwords.hash(password)
        now = self.clock()
        first, session = self._session(origin, now)
        proved = (account.password_hash, account.activation_hash)
        told = await self.engine.write(
            password_set(
                NewPassword(account_id=account.id, password_hash=hashed, action=action),
                session,
                now,
                lambda held: (held.password_hash, held.activation_hash) == proved,
            )
        )
        self.cut(account.id)
        return self._given(told, session, first, now)

    async def _check_history(self, account: Account, password: str) -> None:
        """Raise password_weak when the policy remembers this password: the one in use or one of those before it."""
        keep = policy.HISTORY[self.rules.password_policy]
        if not keep or account.password_hash is None:
            return
        earlier = await self.engine.read(earlier_hashes(account.id, keep - 1))
        if await self.passwords.among([account.password_hash, *earlier], password):
            raise _weak([policy.USED_BEFORE])

    def _session(self, origin: str, now: int) -> tuple[Secret, NewSession]:
        first = new_refresh(random=self.random)
        ends_at = now + self.rules.session_us
        session = NewSession(
            id=new_session(random=self.random),
            chain=first.prefix,
            digest=first.digest,
            refresh_until=min(now + self.rules.refresh_us, ends_at),
            ends_at=ends_at,
            origin=origin,
        )
        return first, session

    def _given(self, account: Account, session: NewSession, first: Secret, now: int) -> LoggedIn:
        holder = Holder(account_id=account.id, epoch=account.epoch, session=session.id)
        access = self.tokens.access(holder, now)
        return LoggedIn(
            account_id=account.id,
            person_id=account.person_id,
            name=account.name,
            access_token=access.text,
            access_expires_at=access.expires_at,
            refresh_token=first.text,
            refresh_expires_at=session.refresh_until,
        )


def _weak(found: list[str]) -> Refused:
    return Refused("password_weak", reason="；".join(found), faults=found)


def _wait(code: str, until: int, now: int) -> Refused:
    return Refused(code, retry_after_s=max(1, -(-(until - now) // US)))


def _turned_away(candidate: Candidate, now: int) -> Refused | None:
    if candidate.address_until is not None:
        return _wait("throttled", candidate.address_until, now)
    if candidate.locked_until is not None:
        return _wait("locked", candidate.locked_until, now)
    return None
