"""Who plays which part: the people of a role, for trials at the machine that mint tokens directly."""

from __future__ import annotations

from inbox_store.engine import Program, Row, Sql
from inbox_store.nouns import Noun


class Player(Noun, frozen=True, kw_only=True):
    """A person with the account and the unit in which the part is held."""

    unit_id: int
    unit_code: str
    unit_name: str
    person_id: int
    name: str
    account_id: int
    token_epoch: int


def _player(row: Row) -> Player:
    return Player(**dict(zip(Player.__struct_fields__, row, strict=True)))


def clerks(clerk_rank: str, now: int) -> Program[tuple[Player, ...]]:
    """The clerk of this rank of every unit that has one."""
    rows = yield Sql("cast_clerks", {"clerk_rank": clerk_rank, "now": now})
    return tuple(_player(row) for row in rows)


def by_role(role: str, scope: str, now: int) -> Program[tuple[Player, ...]]:
    """Everybody who holds ``role`` with ``scope`` now."""
    rows = yield Sql("cast_by_role", {"role": role, "scope": scope, "now": now})
    return tuple(_player(row) for row in rows)
