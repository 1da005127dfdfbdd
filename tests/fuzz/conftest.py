"""The whole server, once for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway import assembly
from tests.fuzz import front as fronts
from tests.fuzz.front import Front


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The small city, running; it waits for unfinished requests a moment only."""
    patch = pytest.MonkeyPatch()
    ordinary = assembly.limits_of
    patch.setattr(assembly, "limits_of", lambda settings: fronts._short(ordinary(settings)))
    try:
        with fronts.serving(tmp_path_factory.mktemp("front")) as told:
            yield told
    finally:
        patch.undo()
