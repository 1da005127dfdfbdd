"""What is watched: one row for each open duty of a copy, put with the fact that makes the duty.

Nobody takes a row away when its duty is done: it is looked at once more when it comes due, and is gone then. So signing
costs nothing here, and what waits costs nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from inbox_store.engine import Program, Sql


def begin(window: Mapping[str, int]) -> Program[None]:
    """The duties of the copies that a chunk of a fan-out has just sent; a copy that is sent again is watched anew."""
    yield Sql("watch_chunk", window)


def handling(document_id: int, unit_id: int, due_at: int) -> Program[None]:
    """The handling of a copy is due at ``due_at`` now."""
    yield Sql("watch_handling", {"document_id": document_id, "unit_id": unit_id, "due_at": due_at})


def due(now: int) -> Program[bool]:
    """Whether any row is to be looked at: one step down an index, however many wait."""
    return bool((yield Sql("watch_due", {"now": now}))[0][0])
