"""The wall clock of a served process, set by a test while it runs (libfaketime); its monotonic clock stays true."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from inbox_store.times import US, parse_iso, system_now

LIBRARIES: Final = Path("/usr/lib")


class Wall:
    """A clock that runs beside the true one, some seconds ahead of it or behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ahead(0)

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to read this clock. Raises StopIteration where libfaketime is missing."""
        library = next(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"))
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            # Timers run on: a machine whose date is set does not sleep longer for it.
            "DONT_FAKE_MONOTONIC": "1",
            # Its mend for an old glibc lets every wait on a condition end at once: Python's threads would spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def ahead(self, seconds: int) -> None:
        """Set the clock so many seconds ahead of the true one; the next look of the process sees it."""
        part = self._path.with_suffix(".part")
        part.write_text(f"{seconds:+d}", "ascii")
        part.rename(self._path)

    def at(self, text: str) -> None:
        """Set the clock to a moment in ISO 8601, Shanghai's where no zone is named; it runs on from there."""
        self.ahead((parse_iso(text) - system_now()) // US)
