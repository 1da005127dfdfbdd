"""Facts of keeping accounts: one-time codes per unit, freeze and close by date, unlock, revoke, lists (F18, P57, J10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from inbox_store.engine import Audit, Many, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import AccountState, Noun
from inbox_store.programs.access import Account, account_by_id, ahead
from inbox_store.programs.copies import Actor
from inbox_store.programs.organisation import rebuild_addressees
from inbox_store.programs.sessions import effective_state, named


class Recipient(Noun, frozen=True, kw_only=True):
    """An account of a unit that waits for its first log-in; ``coded``: a code that still holds was handed out before."""

    account_id: int
    login: str
    person_code: str
    name: str
    coded: bool


class CodeTerms(Noun, frozen=True, kw_only=True):
    """Until when new codes hold (UTC microseconds), and whether codes that still hold are replaced."""

    expires_at: int
    anew: bool = False


def issue_codes(
    unit_id: int, hash_of: Callable[[Recipient], bytes], terms: CodeTerms, now: int, actor: Actor
) -> Program[list[Recipient]]:
    """Give every pending account of the unit a code whose keyed hash ``hash_of`` tells; return all pending ones.

    Codes handed out before are left as they are unless ``terms.anew``: a person of two units must not lose the code of the
    first list to the second.
    """
    rows = yield Sql("access_pending_of_unit", {"unit_id": unit_id, "now": now})
    waiting = [
        Recipient(
            account_id=r[0], login=r[1], person_code=r[2], name=r[3], coded=bool(r[4]) and not terms.anew
        )
        for r in rows
    ]
    fresh = [one for one in waiting if not one.coded]
    yield Many("access_code_set", [_code(one.account_id, hash_of(one), terms.expires_at) for one in fresh])
    detail = {"issued": [one.account_id for one in fresh], "expires_at": terms.expires_at, **named(actor)}
    yield Audit(
        action="account.codes",
        actor=actor.person_id,
        subject=f"unit:{unit_id}",
        detail=detail,
        origin=actor.origin,
    )
    return waiting


def _code(account_id: int, activation_hash: bytes, expires_at: int) -> dict[str, object]:
    return {"account_id": account_id, "activation_hash": activation_hash, "expires_at": expires_at}


def issue_code(
    account_id: int, activation_hash: bytes, expires_at: int, now: int, actor: Actor
) -> Program[None]:
    """One code for one account, pending or with a forgotten password. Raises Refused account_frozen, account_closed."""
    account = yield from account_by_id(account_id, now)
    if account.state in ("frozen", "closed"):
        raise Refused(f"account_{account.state}")
    yield Sql("access_code_set", _code(account_id, activation_hash, expires_at))
    yield _audit("account.code", account_id, actor, {"expires_at": expires_at})


# Life-cycle ---------------------------------------------------------------------------------------------------------


def _audit(action: str, account_id: int, actor: Actor, detail: dict[str, object]) -> Audit:
    subject = f"account:{account_id}"
    told = {**detail, **named(actor)}
    return Audit(action=action, actor=actor.person_id, subject=subject, detail=told, origin=actor.origin)


def places_of(person_id: int, now: int) -> Program[list[tuple[int, int]]]:
    """The (unit, county) of every post the person holds now or will hold: whoever manages the account must reach all."""
    rows = yield Sql("access_places", {"person_id": person_id, "now": now})
    return [(row[0], row[1]) for row in rows]


def _readdress(person_id: int, now: int) -> Program[None]:
    """A frozen account gets nothing from this commit on, a thawed one is addressed again (F18)."""
    for row in (yield Sql("org_units_of_person", {"person_id": person_id})):
        yield from rebuild_addressees(row[0], row[0], now)


def _cut_off(account: Account, reason: str, now: int) -> Program[None]:
    """End every session and every token of the account at once."""
    yield Sql("access_epoch_raise", {"account_id": account.id})
    yield Sql("access_sessions_end", {"account_id": account.id, "now": now, "reason": reason})


def freeze(account_id: int, from_at: int, now: int, actor: Actor) -> Program[Account]:
    """Freeze from the instant ``from_at``: no log-in, nothing received, history stays. Raises Refused account_closed."""
    account = yield from account_by_id(account_id, now)
    if account.state == "closed":
        raise Refused("account_closed")
    yield Sql("access_freeze", {"account_id": account_id, "from_at": from_at, "now": now})
    yield _audit("account.freeze", account_id, actor, {"from_at": from_at})
    yield from _take_effect(account, from_at, "frozen", now)
    return (yield from account_by_id(account_id, now))


def close(account_id: int, from_at: int, now: int, actor: Actor) -> Program[Account]:
    """Close from the instant ``from_at``, for ever; nothing is deleted. Raises Refused account_closed."""
    account = yield from account_by_id(account_id, now)
    if account.state == "closed":
        raise Refused("account_closed")
    yield Sql("access_close", {"account_id": account_id, "from_at": from_at, "now": now})
    yield _audit("account.close", account_id, actor, {"from_at": from_at})
    yield from _take_effect(account, from_at, "closed", now)
    return (yield from account_by_id(account_id, now))


def _take_effect(account: Account, from_at: int, reason: str, now: int) -> Program[None]:
    """At once when the date is here; a later date is honoured by every reader and swept into the addressees then."""
    if from_at <= now:
        yield from _cut_off(account, reason, now)
        yield from _readdress(account.person_id, now)


def unfreeze(account_id: int, now: int, actor: Actor) -> Program[Account]:
    """Lift a freeze, in force or announced. Raises Refused: account_closed, account_not_frozen."""
    account = yield from account_by_id(account_id, now)
    if account.state == "closed":
        raise Refused("account_closed")
    if account.state != "frozen" and account.frozen_from is None:
        raise Refused("account_not_frozen", account=account.login)
    yield Sql("access_unfreeze", {"account_id": account_id})
    yield _audit("account.unfreeze", account_id, actor, {})
    yield from _readdress(account.person_id, now)
    return (yield from account_by_id(account_id, now))


def unlock(account_id: int, now: int, actor: Actor) -> Program[None]:
    """Lift the lock that failed log-ins set."""
    account = yield from account_by_id(account_id, now)
    yield Sql("access_failures_set", {"account_id": account.id, "failures": 0, "locked_until": None})
    yield _audit("account.unlock", account_id, actor, {})


def revoke(account_id: int, now: int, actor: Actor) -> Program[None]:
    """End every session and token of the account; the person may log in again."""
    account = yield from account_by_id(account_id, now)
    yield from _cut_off(account, "revoked", now)
    yield _audit("account.revoke", account_id, actor, {})


def token_minted(account_id: int, jti: str, expires_at: int, now: int, actor: Actor) -> Program[None]:
    """An operator gave out an access token for a trial: recorded, not counted as an interactive log-in."""
    params = {"account_id": account_id, "at": now, "origin": actor.origin, "interactive": 0}
    yield Sql("access_login_add", params)
    yield _audit("account.token_minted", account_id, actor, {"jti": jti, "expires_at": expires_at})


class AccountLine(Noun, frozen=True, kw_only=True):
    """One account in a unit's list; times are UTC microseconds."""

    id: int
    login: str
    person_code: str
    name: str
    state: AccountState
    frozen_from: int | None
    closed_from: int | None
    locked_until: int | None
    last_login_at: int | None


def accounts_of_unit(unit_id: int, after: int, limit: int, now: int) -> Program[Sequence[AccountLine]]:
    """A page of the unit's accounts by id, above ``after``."""
    rows = yield Sql(
        "access_accounts_of_unit", {"unit_id": unit_id, "after": after, "limit": limit, "now": now}
    )
    return [
        AccountLine(
            id=r[0],
            login=r[1],
            person_code=r[2],
            name=r[3],
            state=effective_state(r[4], r[5], r[6], now),
            frozen_from=r[5],
            closed_from=r[6],
            locked_until=ahead(r[7], now),
            last_login_at=r[8],
        )
        for r in rows
    ]


class Place(Noun, frozen=True, kw_only=True):
    """A unit with the county it lies in."""

    unit_id: int
    name: str
    county_id: int | None


def unit_place(*, code: str | None = None, unit_id: int | None = None) -> Program[Place]:
    """The unit by the office's own code or by id. Raises Refused("not_found")."""
    if code is not None:
        rows = yield Sql("access_unit_by_code", {"code": code})
    else:
        rows = yield Sql("access_unit_by_id", {"unit_id": unit_id})
    if not rows:
        raise Refused("not_found", unit=code or unit_id)
    return Place(unit_id=rows[0][0], name=rows[0][1], county_id=rows[0][2])
