"""argon2id in a bounded pool of threads: hashing never stops the loop and never queues without end.

One hash takes about 0.1 s of a core and 64 MiB; two run at a time, a stated number waits, the rest is told to come
back (429). The same work is done for an unknown login as for a wrong password (ASVS 6.3.8).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.rules.passwords import normal
from inbox_store.errors import Refused
from inbox_store.nouns import Noun

T = TypeVar("T")

WORKERS: Final = 2
QUEUE_MAX: Final = 64
RETRY_AFTER_S: Final = 5


class Match(Noun, frozen=True, kw_only=True):
    """Whether a password fitted; ``rehash``: it did, under parameters that are no longer ours."""

    ok: bool
    rehash: bool = False


class Passwords:
    """Hashes and verifies under one set of parameters (default: RFC 9106's second choice). ``close`` it at the end."""

    def __init__(
        self, hasher: PasswordHasher | None = None, *, workers: int = WORKERS, queue_max: int = QUEUE_MAX
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._places = workers + queue_max
        self._taken = 0
        self._dummy: str | None = None

    @property
    def waiting(self) -> int:
        """Hashes that run or wait now."""
        return self._taken

    def close(self) -> None:
        """Drop what has not begun and wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The argon2id hash of ``password``. Raises Refused("busy") when too many wait."""
        return await self._run(lambda: self._hasher.hash(normal(password)))

    async def verify(self, stored: str | None, password: str) -> Match:
        """Whether ``password`` is behind ``stored``; None (no such account, no password yet) costs the same and fails."""
        return await self._run(lambda: self._verify(stored, password))

    async def among(self, stored: Iterable[str], password: str) -> bool:
        """Whether ``password`` is behind one of ``stored``: one place in the queue, one hash each."""
        hashes = list(stored)
        return await self._run(lambda: any(self._verify(each, password).ok for each in hashes))

    def _verify(self, stored: str | None, password: str) -> Match:
        told = self._dummy_hash() if stored is None else stored
        try:
            self._hasher.verify(told, normal(password))
        except (VerificationError, InvalidHashError):
            return Match(ok=False)
        return Match(ok=stored is not None, rehash=self._hasher.check_needs_rehash(told))

    def _dummy_hash(self) -> str:
        """A hash that nothing is behind, made under the current parameters so that it costs what a real one does."""
        if self._dummy is None:
            self._dummy = self._hasher.hash(secrets.token_bytes(32))
        return self._dummy

    async def _run(self, work: Callable[[], T]) -> T:
        if self._taken >= self._places:
            raise Refused("busy", retry_after_s=RETRY_AFTER_S)
        loop = asyncio.get_running_loop()
        self._taken += 1
        future = self._pool.submit(work)
        # The place is given back when the thread is done, not when the caller leaves: a cancelled request's hash
        # still takes its core.
        future.add_done_callback(lambda done: self._give_back(loop, done))
        return await asyncio.wrap_future(future)

    def _give_back(self, loop: asyncio.AbstractEventLoop, done: Future[T]) -> None:
        del done
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._free)

    def _free(self) -> None:
        self._taken -= 1
