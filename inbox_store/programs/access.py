"""Facts of logging in: attempts and their locks, log-ins, activation and new passwords.

Passwords and codes never enter here: they are compared by the caller, beside the argon2 pool, and what was found to
fit is checked once more inside the transaction of the fact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import AccountState, Noun
from inbox_store.programs.sessions import NewSession, effective_state, open_session

HISTORY_KEPT: Final = 5
"""Earlier password hashes that are kept for an account."""


class Account(Noun, frozen=True, kw_only=True):
    """One account as it stands at the moment of reading: ``state`` has its dated freeze and closing applied."""

    id: int
    person_id: int
    login: str
    name: str
    state: AccountState
    frozen_from: int | None
    closed_from: int | None
    password_hash: str | None
    activation_hash: bytes | None
    activation_expires_at: int | None
    failures: int
    locked_until: int | None
    epoch: int


class Limit(Noun, frozen=True, kw_only=True):
    """How many attempts one address may make within a window (microseconds); more wait for the next window."""

    attempts_max: int
    window_us: int


class Lock(Noun, frozen=True, kw_only=True):
    """How many failures in a row lock a login, and for how long (microseconds)."""

    failures_max: int
    lock_us: int


def _account(row: Row, now: int) -> Account:
    return Account(
        id=row[0],
        person_id=row[1],
        login=row[2],
        name=row[3],
        state=effective_state(row[4], row[5], row[6], now),
        frozen_from=row[5],
        closed_from=row[6],
        password_hash=row[7],
        activation_hash=row[8],
        activation_expires_at=row[9],
        failures=row[10],
        locked_until=row[11],
        epoch=row[12],
    )


def account_by_login(login: str, now: int) -> Program[Account]:
    """The account with this login. Raises Refused("not_found")."""
    rows = yield Sql("access_account_by_login", {"login": login})
    if not rows:
        raise Refused("not_found", account=login)
    return _account(rows[0], now)


def account_by_id(account_id: int, now: int) -> Program[Account]:
    """The account with this id. Raises Refused("not_found")."""
    rows = yield Sql("access_account_by_id", {"account_id": account_id})
    if not rows:
        raise Refused("not_found", account=account_id)
    return _account(rows[0], now)


# Log-in -------------------------------------------------------------------------------------------------------------


class Attempt(Noun, frozen=True, kw_only=True):
    """Who tries to log in, and when: the login as typed, a digest of it for one that does not exist, the address group."""

    login: str
    login_key: str
    address_key: str
    origin: str
    at: int


class Candidate(Noun, frozen=True, kw_only=True):
    """What an attempt meets: an account or none, and until when it is turned away (UTC microseconds)."""

    account: Account | None
    address_until: int | None = None
    locked_until: int | None = None


def counted(attempts: int, since_at: int, now: int, limit: Limit) -> tuple[int, int, int | None]:
    """One more attempt: (attempts, window began, turned away until or None). The one that is too many is turned away."""
    if since_at + limit.window_us <= now:
        attempts, since_at = 0, now
    attempts += 1
    return attempts, since_at, since_at + limit.window_us if attempts > limit.attempts_max else None


def failed(failures: int, now: int, lock: Lock) -> tuple[int, int | None]:
    """One more failure: (failures, locked until or None). A lock sets the count back; time alone does not."""
    if failures + 1 >= lock.failures_max:
        return 0, now + lock.lock_us
    return failures + 1, None


def _throttle(key: str) -> Program[tuple[int, int, int | None]]:
    rows = yield Sql("access_throttle", {"key": key})
    attempts, since_at, until_at = rows[0] if rows else (0, 0, None)
    return attempts, since_at, until_at


def _set_throttle(key: str, attempts: int, since_at: int, until_at: int | None) -> Program[None]:
    params = {"key": key, "attempts": attempts, "since_at": since_at, "until_at": until_at}
    yield Sql("access_throttle_set", params)


def begin_attempt(attempt: Attempt, address_limit: Limit) -> Program[Candidate]:
    """Count the attempt against its address and find the account, with every lock that stands in its way."""
    now = attempt.at
    attempts, since_at, _ = yield from _throttle(attempt.address_key)
    attempts, since_at, until = counted(attempts, since_at, now, address_limit)
    yield from _set_throttle(attempt.address_key, attempts, since_at, until)
    if until is not None:
        return Candidate(account=None, address_until=until)
    rows = yield Sql("access_account_by_login", {"login": attempt.login})
    if rows:
        account = _account(rows[0], now)
        return Candidate(account=account, locked_until=ahead(account.locked_until, now))
    _, _, locked = yield from _throttle(attempt.login_key)
    return Candidate(account=None, locked_until=ahead(locked, now))


def ahead(until: int | None, now: int) -> int | None:
    """``until`` when it still lies ahead, else None."""
    return until if until is not None and until > now else None


def attempt_failed(
    attempt: Attempt, account_id: int | None, act: str, now: int, lock: Lock
) -> Program[int | None]:
    """Count a failure; return until when the login is locked now, None when it is not.

    A login that does not exist is counted and locked in the same way, under a digest of what was typed, so that the
    answers are the same (ASVS 6.3.8). ``act`` is what failed: "login" or "activate".
    """
    person_id = 0
    if account_id is None:
        failures, _, standing = yield from _throttle(attempt.login_key)
    else:
        account = yield from account_by_id(account_id, now)
        person_id, failures, standing = account.person_id, account.failures, account.locked_until
    # An attempt that was under way when another one locked the login must not lift that lock again.
    until = ahead(standing, now)
    if until is None:
        failures, until = failed(failures, now, lock)
        yield from _set_failures(attempt, account_id, failures, until)
    trace = Audit(
        action=f"account.{act}_failed",
        actor=person_id,
        subject=f"account:{account_id or 0}",
        detail={"locked_until": until} if until else {},
        origin=attempt.origin,
    )
    yield trace
    return until


def _set_failures(
    attempt: Attempt, account_id: int | None, failures: int, until: int | None
) -> Program[None]:
    if account_id is None:
        yield from _set_throttle(attempt.login_key, failures, attempt.at, until)
    else:
        params = {"account_id": account_id, "failures": failures, "locked_until": until}
        yield Sql("access_failures_set", params)


def _still(account_id: int, password_hash: str | None, now: int) -> Program[Account]:
    """The account, if nothing changed while argon2 ran beside the transaction. Raises Refused("login_failed")."""
    account = yield from account_by_id(account_id, now)
    if account.password_hash != password_hash or ahead(account.locked_until, now):
        raise Refused("login_failed")
    if account.state in ("frozen", "closed"):
        raise Refused(f"account_{account.state}")
    return account


def logged_in(
    account_id: int, verified: str, rehashed: str | None, session: NewSession, now: int
) -> Program[Account]:
    """An interactive log-in: count set back, log-in recorded, session opened. ``verified`` is the hash that fitted.

    Raises Refused: login_failed (password or lock changed meanwhile), account_frozen, account_closed.
    """
    account = yield from _still(account_id, verified, now)
    if account.state != "active":
        raise Refused("login_failed")
    yield Sql("access_logged_in", {"account_id": account_id, "password_hash": rehashed})
    yield from _record(account, session, now, "account.login")
    return account


def _record(account: Account, session: NewSession, now: int, action: str) -> Program[None]:
    params = {"account_id": account.id, "at": now, "origin": session.origin, "interactive": 1}
    yield Sql("access_login_add", params)
    yield from open_session(account.id, session, now)
    yield Audit(
        action=action, actor=account.person_id, subject=f"account:{account.id}", origin=session.origin
    )


# Activation and passwords -------------------------------------------------------------------------------------------


def earlier_hashes(account_id: int, keep: int) -> Program[list[str]]:
    """The last ``keep`` replaced passwords' hashes, newest first."""
    return [row[0] for row in (yield Sql("access_history", {"account_id": account_id, "keep": keep}))]


class NewPassword(Noun, frozen=True, kw_only=True):
    """A password's hash to be set for an account; ``action`` is the trace's word for how it came to it."""

    account_id: int
    password_hash: str
    action: str


def password_set(
    new: NewPassword, session: NewSession, now: int, held: Callable[[Account], bool]
) -> Program[Account]:
    """A new password: earlier sessions end, the account is active, the person is logged in anew.

    ``held`` says whether what the person proved (the code, the old password) is still what the account holds.
    Raises Refused: login_failed, account_frozen, account_closed.
    """
    account = yield from account_by_id(new.account_id, now)
    if not held(account):
        raise Refused("login_failed")
    if account.state in ("frozen", "closed"):
        raise Refused(f"account_{account.state}")
    if account.password_hash is not None:
        params = {"account_id": account.id, "password_hash": account.password_hash, "at": now}
        yield Sql("access_history_add", params)
        yield Sql("access_history_trim", {"account_id": account.id, "keep": HISTORY_KEPT})
    yield Sql("access_password_set", {"account_id": account.id, "password_hash": new.password_hash})
    yield Sql("access_sessions_end", {"account_id": account.id, "now": now, "reason": "password"})
    yield from _record(account, session, now, new.action)
    return (yield from account_by_id(account.id, now))
