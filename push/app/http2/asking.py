"""Many pushes through one pool: in their order, a bounded number ahead, in slices that leave the loop to others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeVar

from push.app.calls import Answer as Told
from push.app.http2.happenings import Answer, Request
from push.app.http2.pool import Pool
from push.app.http2.ports import Said, Unsent
from push.app.sender import Deferred, Outcome, Push, Refused

T = TypeVar("T")

AHEAD: Final = 1_000
"""Requests that one call has waiting or open at a time."""
SLICE: Final = 32
"""Requests made in one turn of the loop: about three milliseconds."""


class Try:
    """A push on its way to its outcome. ``steps`` were taken already, each at most once; ``bearer`` is what it was sent with."""

    __slots__ = ("bearer", "most", "outcome", "push", "steps")

    def __init__(self, push: Push, most: int) -> None:
        self.push = push
        self.most = most
        self.bearer = ""
        self.steps: set[str] = set()
        self.outcome: Outcome = Deferred(code="server:unasked")


async def ask_all(
    pool: Pool,
    tries: Iterable[T],
    request: Callable[[T], Request | None],
    settle: Callable[[T, Said], bool],
) -> list[T]:
    """Ask for each; those for which ``settle`` says that another try is worth it, in their order.

    ``request`` gives None for what has its outcome without being asked. What has left is settled even where the caller
    is cancelled: a breaker that lets one through waits for what comes of it.
    """
    again: list[T] = []
    open_: deque[tuple[T, asyncio.Future[Said]]] = deque()

    async def oldest() -> None:
        one, said = open_[0]
        if not said.done():
            await asyncio.wait((said,))
        open_.popleft()
        if settle(one, said.result()):
            again.append(one)

    try:
        for count, one in enumerate(tries, 1):
            asked = request(one)
            if asked is not None:
                open_.append((one, pool.begin(asked)))
            if len(open_) >= AHEAD:
                await oldest()
            if count % SLICE == 0:
                await asyncio.sleep(0)
        while open_:
            await oldest()
    finally:
        for one, said in open_:
            said.add_done_callback(partial(_settled, settle, one))
    return again


def _settled(settle: Callable[[T, Said], bool], one: T, said: asyncio.Future[Said]) -> None:
    settle(one, said.result())


def told_of(answer: Answer) -> Told:
    """An answer as the vendors' pure parts read it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers.items()}
    return Told(status=answer.status, headers=headers, body=answer.body)


def unsent_outcome(unsent: Unsent) -> Outcome:
    """What a request that was never processed means for its push."""
    if unsent.why == "unsendable":
        return Refused(code="unsendable")
    if unsent.why == "stopping":
        return Deferred(code="stopping")
    if unsent.why == "waiting_full":
        return Deferred(code="flow:waiting_full")
    return Deferred(code=f"network:{unsent.why}")
