"""Stores for the tests of this room: one fixture, run over every variant of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inbox_store.store import Store
from tests.inbox_store.world import VARIANTS, Clock, World


@pytest.fixture
def clock() -> Clock:
    """A clock that only the test moves."""
    return Clock()


@pytest.fixture(params=sorted(VARIANTS))
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """An empty store of each variant."""
    async with VARIANTS[request.param](tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def world(store: Store, clock: Clock) -> World:
    """The small city, imported."""
    return await World.of(store, clock)
