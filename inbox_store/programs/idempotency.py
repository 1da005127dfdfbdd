"""Any fact made idempotent on the sender's key: same key and body, same answer; another body is refused.

The seen key is kept in the fact's own transaction, so that no crash can part the two (faults.md 1, 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.times import DAY_US

T = TypeVar("T")


class Idempotency(Noun, frozen=True, kw_only=True):
    """Who asks (account id, or the negative id of an API key), with which key, for which route, with which body."""

    owner: int
    key: str
    route: str
    body_hash: bytes


class Answer(Noun, frozen=True, kw_only=True):
    """What the sender was told: the status and the body, byte for byte; ``replayed`` when told before."""

    status: int
    body: bytes
    replayed: bool = False


def seen(idempotency: Idempotency) -> Program[Answer | None]:
    """The earlier answer to this key, or None. Raises Refused("idempotency_mismatch") for another body or route."""
    rows = yield Sql("idempotency_seen", {"owner": idempotency.owner, "key": idempotency.key})
    if not rows:
        return None
    route, body_hash, status, body = rows[0]
    if (route, body_hash) != (idempotency.route, idempotency.body_hash):
        raise Refused("idempotency_mismatch", key=idempotency.key)
    return Answer(status=status, body=body, replayed=True)


def once(
    idempotency: Idempotency, fact: Program[T], told: Callable[[T], Answer], now: int
) -> Program[Answer]:
    """Run ``fact`` unless its key was seen; keep and return what the sender is told."""
    earlier = yield from seen(idempotency)
    if earlier is not None:
        fact.close()
        return earlier
    answer = told((yield from fact))
    row = {
        "owner": idempotency.owner,
        "key": idempotency.key,
        "route": idempotency.route,
        "body_hash": idempotency.body_hash,
        "status": answer.status,
        "answer": answer.body,
        "at": now,
    }
    yield Sql("idempotency_keep", row)
    return answer


def prune(now: int, days: int) -> Program[int]:
    """Forget keys older than ``days``; returns how many."""
    ((gone,),) = yield Sql("idempotency_prune", {"before": now - days * DAY_US})
    return int(gone)
