"""Asking what is refused."""

from __future__ import annotations

from collections.abc import Callable

from inbox_store.errors import Refused


def refusal_of(act: Callable[[], object]) -> str | None:
    """The code with which ``act`` is refused, None when it is not; any other exception comes through."""
    try:
        act()
    except Refused as refused:
        return refused.code
    return None
