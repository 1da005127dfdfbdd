"""What the simulated vendors took: one JSON line per alert and device, in the kernel's hands before the answer leaves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from push.app.simulator.far import Taken
from push.app.simulator.player import Play


class Record:
    """The truth for tests. None as path keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._seen: set[tuple[str, str, str]] = set()

    def write(self, vendor: str, taken: Sequence[Taken], play: Play, given: str) -> int:
        """One line each; ``repeated`` where the vendor's key says that the device has had it. Returns the new ones.

        Raises OSError: then nothing may be answered.
        """
        lines, fresh = [], 0
        for one in taken:
            key = (vendor, one.token, one.key)
            is_repeated = bool(one.key) and key in self._seen
            if one.key:
                self._seen.add(key)
            fresh += not is_repeated
            told = {"vendor": vendor, "given": given, "deed": play.deed, "repeated": is_repeated}
            lines.append(msgspec.json.encode(told | msgspec.structs.asdict(one)) + b"\n")
        if self._file is not None and lines:
            data = b"".join(lines)
            while data:
                data = data[os.write(self._file, data) :]
        return fresh

    def close(self) -> None:
        """Nothing more is written."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
