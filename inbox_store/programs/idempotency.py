"""Any fact made idempotent on the sender's key: same key and body, same answer; another body is refused.

The seen key is kept in the fact's own transaction, so that no crash can part the two (faults.md 1, 2).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from inbox_store.engine import Each, Many, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.times import DAY_US

T = TypeVar("T")
Order = TypeVar("Order")


class Idempotency(Noun, frozen=True, kw_only=True):
    """Who asks (account id, or the negative id of an API key), with which key, for which route, with which body."""

    owner: int
    key: str
    route: str
    body_hash: bytes

    @property
    def place(self) -> tuple[int, str]:
        """Where the key is kept."""
        return self.owner, self.key


class Answer(Noun, frozen=True, kw_only=True):
    """What the sender was told: the status and the body, byte for byte; ``replayed`` when told before."""

    status: int
    body: bytes
    replayed: bool = False


def seen(idempotency: Idempotency) -> Program[Answer | None]:
    """The earlier answer to this key, or None. Raises Refused("idempotency_mismatch") for another body or route."""
    (found,) = yield from _seen_each([idempotency])
    if isinstance(found, Refused):
        raise found
    return found


def once(
    idempotency: Idempotency, fact: Program[T], told: Callable[[T], Answer], now: int
) -> Program[Answer]:
    """Run ``fact`` unless its key was seen; keep and return what the sender is told."""
    earlier = yield from seen(idempotency)
    if earlier is not None:
        fact.close()
        return earlier
    answer = told((yield from fact))
    yield Sql("idempotency_keep", _kept(idempotency, answer, now))
    return answer


def _kept(idempotency: Idempotency, answer: Answer, now: int) -> dict[str, int | str | bytes]:
    return {
        "owner": idempotency.owner,
        "key": idempotency.key,
        "route": idempotency.route,
        "body_hash": idempotency.body_hash,
        "status": answer.status,
        "answer": answer.body,
        "at": now,
    }


class Keyed(Noun, Generic[Order], frozen=True, kw_only=True):
    """An order of a fact that takes many at once, under its sender's key; ``now`` in UTC microseconds."""

    idempotency: Idempotency
    order: Order
    now: int


def once_each(each: Each[Order, T], told: Callable[[T], Answer]) -> Each[Keyed[Order], Answer]:
    """``once`` for a fact that takes many orders: each is run unless its key was seen; a refusal is not kept."""

    def run(orders: Sequence[Keyed[Order]]) -> Program[list[Answer | Refused]]:
        earlier = yield from _seen_each([one.idempotency for one in orders])
        first: dict[tuple[int, str], Keyed[Order]] = {}
        for one, before in zip(orders, earlier, strict=True):
            if before is None:
                first.setdefault(one.idempotency.place, one)
        outcomes = (yield from each([one.order for one in first.values()])) if first else []
        answers: dict[tuple[int, str], Answer | Refused] = {
            place: outcome if isinstance(outcome, Refused) else told(outcome)
            for place, outcome in zip(first, outcomes, strict=True)
        }
        kept = [(first[place], one) for place, one in answers.items() if isinstance(one, Answer)]
        yield Many("idempotency_keep", [_kept(one.idempotency, answer, one.now) for one, answer in kept])
        return [
            _beside(one, first[one.idempotency.place], answers) if before is None else before
            for one, before in zip(orders, earlier, strict=True)
        ]

    return run


def _beside(
    one: Keyed[Order], first: Keyed[Order], answers: Mapping[tuple[int, str], Answer | Refused]
) -> Answer | Refused:
    """The answer to an order; one that came under the key of another beside it is told what that one was told."""
    asked, key = one.idempotency, first.idempotency
    if (asked.route, asked.body_hash) != (key.route, key.body_hash):
        return Refused("idempotency_mismatch", key=asked.key)
    answer = answers[key.place]
    if one is first or isinstance(answer, Refused):
        return answer
    return Answer(status=answer.status, body=answer.body, replayed=True)


def _seen_each(keys: Sequence[Idempotency]) -> Program[list[Answer | Refused | None]]:
    """``seen`` for many keys; a mismatch is an outcome."""
    rows = yield Sql("idempotency_seen", {"keys": json.dumps([(one.owner, one.key) for one in keys])})
    found: list[Answer | Refused | None] = [None] * len(keys)
    for at, route, body_hash, status, body in rows:
        same = (route, body_hash) == (keys[at].route, keys[at].body_hash)
        answer = Answer(status=status, body=body, replayed=True)
        found[at] = answer if same else Refused("idempotency_mismatch", key=keys[at].key)
    return found


def prune(now: int, days: int) -> Program[int]:
    """Forget keys older than ``days``; returns how many."""
    ((gone,),) = yield Sql("idempotency_prune", {"before": now - days * DAY_US})
    return int(gone)
