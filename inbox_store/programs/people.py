"""The people of a unit as its clerks and administrators see them; numbers are masked unless somebody shows a reason."""

from __future__ import annotations

import json
from collections.abc import Iterable

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.keys import PhoneVault, mask
from inbox_store.nouns import AccountState, ClerkRank, Noun, Role, RoleScope
from inbox_store.programs.access import ahead
from inbox_store.programs.sessions import effective_state


class Post(Noun, frozen=True, kw_only=True):
    """A post held in the unit, running or announced; ``to_at`` None: until further notice (UTC microseconds)."""

    role: Role
    clerk_rank: ClerkRank | None
    post: str
    scope: RoleScope
    from_at: int
    to_at: int | None


class PersonLine(Noun, frozen=True, kw_only=True):
    """One person of the unit with the account; ``phone`` is masked, or whole where it was asked for by right."""

    id: int
    code: str
    name: str
    phone: str
    account_id: int
    login: str
    state: AccountState
    frozen_from: int | None
    closed_from: int | None
    locked_until: int | None
    last_login_at: int | None
    posts: tuple[Post, ...] = ()


class Wanted(Noun, frozen=True, kw_only=True):
    """Which page: of ``unit_id``, above the person id ``after``, as of ``now`` (UTC microseconds).

    ``limit`` lines are shown; one more is read, which tells that there is a next page.
    """

    unit_id: int
    after: int
    limit: int
    now: int


def people(wanted: Wanted, vault: PhoneVault, *, whole: bool = False) -> Program[tuple[PersonLine, ...]]:
    """A page of the unit's people by id. ``whole`` shows numbers in full: only inside ``people_shown``."""
    rows = yield Sql("people_page", _params(wanted))
    if not rows:
        return ()
    window = _params(wanted) | {"through": rows[-1][0]}
    window.pop("limit")
    posts: dict[int, list[Post]] = {}
    for row in (yield Sql("people_posts", window)):
        told = Post(role=row[1], clerk_rank=row[2], post=row[3], scope=row[4], from_at=row[5], to_at=row[6])
        posts.setdefault(row[0], []).append(told)
    return tuple(
        _line(row, _number(row, vault, whole=whole), tuple(posts.get(row[0], ())), wanted.now) for row in rows
    )


def _params(wanted: Wanted) -> dict[str, int]:
    return {
        "unit_id": wanted.unit_id,
        "after": wanted.after,
        "limit": wanted.limit + 1,
        "now": wanted.now,
    }


def _number(row: Row, vault: PhoneVault, *, whole: bool) -> str:
    if row[3] is None:
        return ""
    number = vault.open(row[3], row[4])
    return number if whole else mask(number)


def _line(row: Row, phone: str, posts: tuple[Post, ...], now: int) -> PersonLine:
    return PersonLine(
        id=row[0],
        code=row[1],
        name=row[2],
        phone=phone,
        account_id=row[5],
        login=row[6],
        state=effective_state(row[7], row[8], row[9], now),
        frozen_from=row[8],
        closed_from=row[9],
        locked_until=ahead(row[10], now),
        last_login_at=row[11],
        posts=posts,
    )


def people_shown(
    wanted: Wanted, vault: PhoneVault, actor: int, origin: str
) -> Program[tuple[PersonLine, ...]]:
    """The same page with whole numbers; that they were shown, to whom and whose, is part of the trace (security 17)."""
    told = yield from people(wanted, vault, whole=True)
    detail = {"persons": [line.id for line in told[: wanted.limit] if line.phone]}
    yield Audit(
        action="person.phones_shown",
        actor=actor,
        subject=f"unit:{wanted.unit_id}",
        detail=detail,
        origin=origin,
    )
    return told


def places_of_people(codes: Iterable[str], now: int) -> Program[dict[str, frozenset[int]]]:
    """The units in which each person known by one of ``codes`` holds or will hold a post; unknown codes are left out."""
    found: dict[str, set[int]] = {}
    for code, unit_id in (yield Sql("people_places", {"codes": json.dumps(sorted(codes)), "now": now})):
        told = found.setdefault(code, set())
        if unit_id is not None:
            told.add(unit_id)
    return {code: frozenset(units) for code, units in found.items()}
