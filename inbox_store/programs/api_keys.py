"""Facts of API keys: other systems act under a key of their own, with a role in one unit and an explicit list of actions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun, Role, RoleScope
from inbox_store.programs.copies import Actor
from inbox_store.programs.sessions import named


class NewApiKey(Noun, frozen=True, kw_only=True):
    """A key to be made: ``person_id`` answers for it; ``expires_at`` in UTC microseconds."""

    prefix: str
    digest: bytes
    name: str
    person_id: int
    unit_id: int
    role: Role
    scope: RoleScope
    actions: frozenset[str]
    expires_at: int


class ApiKey(NewApiKey, frozen=True, kw_only=True):
    """A key as stored."""

    id: int
    county_id: int
    created_at: int
    revoked_at: int | None


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row[0],
        prefix=row[1],
        digest=row[2],
        name=row[3],
        person_id=row[4],
        unit_id=row[5],
        county_id=row[6],
        role=row[7],
        scope=row[8],
        actions=frozenset(json.loads(row[9])),
        created_at=row[10],
        expires_at=row[11],
        revoked_at=row[12],
    )


def create_key(key: NewApiKey, now: int, actor: Actor) -> Program[int]:
    """Store the key; return its id."""
    actions = sorted(key.actions)
    params = {
        "prefix": key.prefix,
        "digest": key.digest,
        "name": key.name,
        "person_id": key.person_id,
        "unit_id": key.unit_id,
        "role": key.role,
        "scope": key.scope,
        "actions": json.dumps(actions),
        "created_by": actor.person_id,
        "created_at": now,
        "expires_at": key.expires_at,
    }
    ((key_id,),) = yield Sql("access_key_add", params)
    detail = {
        "prefix": key.prefix,
        "name": key.name,
        "unit": key.unit_id,
        "actions": actions,
        **named(actor),
    }
    yield Audit(
        action="api_key.create",
        actor=actor.person_id,
        subject=f"api_key:{key_id}",
        detail=detail,
        origin=actor.origin,
    )
    return int(key_id)


def key_by_prefix(prefix: str) -> Program[ApiKey]:
    """The key with this prefix, revoked and expired ones included. Raises Refused("not_found")."""
    rows = yield Sql("access_key_by_prefix", {"prefix": prefix})
    if not rows:
        raise Refused("not_found", api_key=prefix)
    return _key(rows[0])


def all_keys() -> Program[Sequence[ApiKey]]:
    """Every key, oldest first."""
    return [_key(row) for row in (yield Sql("access_keys"))]


def revoke_key(key_id: int, now: int, actor: Actor) -> Program[None]:
    """End a key for good; ending it again changes nothing."""
    yield Sql("access_key_revoke", {"id": key_id, "now": now})
    yield Audit(
        action="api_key.revoke",
        actor=actor.person_id,
        subject=f"api_key:{key_id}",
        detail=named(actor),
        origin=actor.origin,
    )
