"""Keeping accounts: codes, freeze and close by date, locks, sessions, API keys. Each verb asks the policy first.

Whoever manages an account must reach every post its person holds: a county's administrator does not freeze somebody
who also serves elsewhere (F32). An operator at the machine holds the files and is therefore not asked, only recorded.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.flows.principals import Principals, key_holds
from gateway.rules.access import HOUSE, KEY_ACTIONS, SEPARATED, Principal, Target, explain, permit
from gateway.rules.accounts import CODE_BYTES, code_hash, code_of
from gateway.tokens import Holder, Minted, Randomness, new_api_key
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.nouns import Noun, Role, RoleScope
from inbox_store.programs import account_care as care
from inbox_store.programs.access import Account, account_by_id, account_by_login
from inbox_store.programs.api_keys import ApiKey, NewApiKey, all_keys, create_key, key_by_prefix, revoke_key
from inbox_store.programs.copies import Actor
from inbox_store.times import DAY_US

TRIAL_TOKEN_MAX_S: Final = 86_400
"""How long an operator's token may live: shorter than a replaced signing key still verifies."""


class Operator(Noun, frozen=True, kw_only=True):
    """Somebody at the machine itself, by the name of the operating system's user."""

    name: str


By = Principal | Operator


class CodeLine(Noun, frozen=True, kw_only=True):
    """One line of the printable list. ``code`` is "" where an earlier code still holds; it is never told again."""

    person_code: str
    name: str
    login: str
    code: str


class CodeList(Noun, frozen=True, kw_only=True):
    """The codes of one unit; ``expires_at`` in UTC microseconds."""

    unit: str
    lines: tuple[CodeLine, ...]
    expires_at: int


class KeyWish(Noun, frozen=True, kw_only=True):
    """What a new API key is to be: for which unit, answered for by whom, with which role and actions."""

    unit: str
    name: str
    login: str
    actions: frozenset[str]
    role: Role = "clerk"
    scope: RoleScope = "unit"
    days: int = 365


@dataclass(kw_only=True)
class AccountDesk(Principals):
    """The verbs of administrators, security administrators and operators. Accounts are told by id or by login."""

    code_key: bytes
    random: Randomness = secrets.token_bytes

    async def account(self, account: int | str) -> Account:
        """The account by id or login. Raises Refused("not_found")."""
        now = self.clock()
        found = account_by_login(account, now) if isinstance(account, str) else account_by_id(account, now)
        return await self.engine.read(found)

    async def _reached(self, by: By, action: str, account: int | str) -> Account:
        """The account, when ``by`` may do ``action`` to everything its person holds. Raises not_found, forbidden."""
        told = await self.account(account)
        places = await self.engine.read(care.places_of(told.person_id, self.clock()))
        targets = [Target(unit_id=unit, county_id=county or None) for unit, county in places] or [HOUSE]
        for target in targets:
            _authorise(by, action, target)
        return told

    async def _unit(self, by: By, action: str, unit: int | str) -> care.Place:
        found = care.unit_place(code=unit) if isinstance(unit, str) else care.unit_place(unit_id=unit)
        place = await self.engine.read(found)
        _authorise(by, action, Target(unit_id=place.unit_id, county_id=place.county_id))
        return place

    async def freeze(
        self, by: By, account: int | str, from_at: int | None = None, *, origin: str = ""
    ) -> Account:
        """Freeze from the instant ``from_at`` (default now). Raises Refused: not_found, forbidden, account_closed."""
        told, now = await self._reached(by, "account.freeze", account), self.clock()
        return await self._kept(
            care.freeze(told.id, now if from_at is None else from_at, now, actor_of(by, origin))
        )

    async def close(
        self, by: By, account: int | str, from_at: int | None = None, *, origin: str = ""
    ) -> Account:
        """Close for ever from the instant ``from_at`` (default now). Raises as freeze does."""
        told, now = await self._reached(by, "account.close", account), self.clock()
        return await self._kept(
            care.close(told.id, now if from_at is None else from_at, now, actor_of(by, origin))
        )

    async def unfreeze(self, by: By, account: int | str, *, origin: str = "") -> Account:
        """Lift a freeze, in force or announced. Raises Refused("account_not_frozen") besides."""
        told = await self._reached(by, "account.freeze", account)
        return await self._kept(care.unfreeze(told.id, self.clock(), actor_of(by, origin)))

    async def _kept(self, fact: Program[Account]) -> Account:
        account = await self.engine.write(fact)
        self.cut(account.id)
        return account

    async def unlock(self, by: By, account: int | str, *, origin: str = "") -> None:
        """Lift the lock that failed log-ins set."""
        told = await self._reached(by, "account.unlock", account)
        await self.engine.write(care.unlock(told.id, self.clock(), actor_of(by, origin)))

    async def revoke(self, by: By, account: int | str, *, origin: str = "") -> None:
        """End every session and token of the account; the person may log in again."""
        told = await self._reached(by, "account.revoke", account)
        await self.engine.write(care.revoke(told.id, self.clock(), actor_of(by, origin)))
        self.cut(told.id)

    async def accounts(
        self, by: By, unit: int | str, *, after: int = 0, limit: int = 100
    ) -> Sequence[care.AccountLine]:
        """A page of a unit's accounts, above the account id ``after``."""
        place = await self._unit(by, "account.list", unit)
        return await self.engine.read(care.accounts_of_unit(place.unit_id, after, limit, self.clock()))

    async def activation_codes(
        self, by: By, unit: int | str, *, anew: bool = False, origin: str = ""
    ) -> CodeList:
        """One-time codes for everybody of the unit who never logged in: the printable list, told this once (J10).

        Codes that still hold are left alone, their lines have none, unless ``anew`` replaces them all.
        """
        place, now = await self._unit(by, "account.activation_codes", unit), self.clock()
        codes: dict[int, str] = {}

        def hash_of(one: care.Recipient) -> bytes:
            codes[one.account_id] = code_of(self.random(CODE_BYTES))
            return code_hash(self.code_key, one.account_id, codes[one.account_id])

        terms = care.CodeTerms(expires_at=self._code_until(now), anew=anew)
        waiting = await self.engine.write(
            care.issue_codes(place.unit_id, hash_of, terms, now, actor_of(by, origin))
        )
        lines = tuple(
            CodeLine(
                person_code=one.person_code,
                name=one.name,
                login=one.login,
                code=codes.get(one.account_id, ""),
            )
            for one in waiting
        )
        return CodeList(unit=place.name, lines=lines, expires_at=terms.expires_at)

    def _code_until(self, now: int) -> int:
        return now + self.rules.activation_days * DAY_US

    async def activation_code(self, by: By, account: int | str, *, origin: str = "") -> str:
        """A code for one account: also how somebody who forgot the password gets a new one."""
        told, now = await self._reached(by, "account.activation_codes", account), self.clock()
        code = code_of(self.random(CODE_BYTES))
        hashed = code_hash(self.code_key, told.id, code)
        await self.engine.write(
            care.issue_code(told.id, hashed, self._code_until(now), now, actor_of(by, origin))
        )
        return code

    async def trial_token(self, by: Operator, account: int | str, *, life_s: int = 28_800) -> Minted:
        """An access token for trials, minted at the machine; recorded. Raises ValueError beyond TRIAL_TOKEN_MAX_S."""
        if not 0 < life_s <= TRIAL_TOKEN_MAX_S:
            raise ValueError(f"life_s: 1..{TRIAL_TOKEN_MAX_S} seconds, not {life_s}")
        told, now = await self.account(account), self.clock()
        if told.state in ("frozen", "closed"):
            raise Refused(f"account_{told.state}")
        minted = self.tokens.access(Holder(account_id=told.id, epoch=told.epoch), now, life_s=life_s)
        await self.engine.write(
            care.token_minted(told.id, minted.jti, minted.expires_at, now, actor_of(by, "console"))
        )
        return minted

    async def create_api_key(self, by: By, wish: KeyWish, *, origin: str = "") -> tuple[int, str]:
        """A new key: (id, the text, told this once).

        Nobody gives away more than they administer, and who answers for a key holds a post in its unit.
        Raises Refused: not_found, forbidden, key_role, key_actions (those that no key may hold), key_days, key_owner.
        """
        place, now = await self._unit(by, "account.api_key", wish.unit), self.clock()
        _authorise(by, "account.api_key", _farthest(wish.scope, place))
        _check_wish(wish, self.rules.api_key_days_max)
        owner = await self.account(wish.login)
        posts = await self.engine.read(care.places_of(owner.person_id, now))
        if place.unit_id not in {unit_id for unit_id, _ in posts}:
            raise Refused("key_owner", login=wish.login, unit=wish.unit)
        secret = new_api_key(random=self.random)
        key = NewApiKey(
            prefix=secret.prefix,
            digest=secret.digest,
            name=wish.name,
            person_id=owner.person_id,
            unit_id=place.unit_id,
            role=wish.role,
            scope=wish.scope,
            actions=wish.actions,
            expires_at=now + wish.days * DAY_US,
        )
        return await self.engine.write(create_key(key, now, actor_of(by, origin))), secret.text

    async def revoke_api_key(self, by: By, prefix: str, *, origin: str = "") -> None:
        """End a key at once. Raises Refused: not_found, forbidden."""
        key = await self.engine.read(key_by_prefix(prefix))
        _authorise(by, "account.api_key", Target(unit_id=key.unit_id, county_id=key.county_id or None))
        await self.engine.write(revoke_key(key.id, self.clock(), actor_of(by, origin)))
        self.cut(-key.id)

    async def api_keys(self, by: By) -> list[tuple[ApiKey, bool]]:
        """The keys within reach, each with whether it still holds."""
        now = self.clock()
        return [
            (key, key_holds(key, now))
            for key in await self.engine.read(all_keys())
            if _may(by, "account.api_key", Target(unit_id=key.unit_id, county_id=key.county_id or None))
        ]


def actor_of(by: By, origin: str) -> Actor:
    """Who acts, as the trace tells it: an operator is no person of the office and is told by name."""
    if isinstance(by, Operator):
        return Actor(person_id=0, name=f"operator:{by.name}", origin=origin or "console")
    return Actor(person_id=by.person_id, name=by.name, origin=origin)


def _may(by: By, action: str, target: Target) -> bool:
    return isinstance(by, Operator) or permit(by, action, target)


def _authorise(by: By, action: str, target: Target) -> None:
    if not _may(by, action, target):
        reason = explain(by, action, target).zh if isinstance(by, Principal) else ""
        raise Refused("forbidden", action=action, reason=reason)


def _farthest(scope: RoleScope, place: care.Place) -> Target:
    """The farthest place that a key of this scope reaches."""
    if scope == "city":
        return HOUSE
    if scope == "county":
        return Target(county_id=place.county_id)
    return Target(unit_id=place.unit_id, county_id=place.county_id)


def _check_wish(wish: KeyWish, days_max: int) -> None:
    strange = sorted(wish.actions - KEY_ACTIONS)
    if strange or not wish.actions:
        raise Refused("key_actions", actions=strange, allowed=sorted(KEY_ACTIONS))
    if wish.role in SEPARATED:
        raise Refused("key_role", role=wish.role)
    if not 0 < wish.days <= days_max:
        raise Refused("key_days", days=wish.days, days_max=days_max)
