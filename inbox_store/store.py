"""What an open store is, whichever variant runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inbox_store.engine import StoreEngine
from inbox_store.keys import Keys

ATTACHMENTS = "attachments"
"""The folder of attachments under a data folder."""


def attachment_place(file_id: str) -> Path:
    """Where an attachment lies under the folder of attachments: two levels, so that no folder grows long."""
    return Path(file_id[:2], file_id[2:4], file_id)


@dataclass(frozen=True, slots=True)
class Store:
    """An open store, whichever variant: the engine, the keys that seal and sign, the folder of what is no row."""

    engine: StoreEngine
    keys: Keys
    folder: Path

    @property
    def attachments(self) -> Path:
        """Where attachments lie, under generated ids."""
        return self.folder / ATTACHMENTS
