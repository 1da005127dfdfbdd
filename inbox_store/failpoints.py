"""Places where a test may kill this process, as a power cut would: off, and then almost free, unless asked for.

``SONGDA_FAILPOINT="after_commit:3"`` kills the process with SIGKILL when it comes to ``after_commit`` for the third
time. The names are listed in docs/testing.md.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

VARIABLE = "SONGDA_FAILPOINT"


def _armed(told: str) -> Callable[[str], None]:
    """What ``failpoint`` does under this setting. Raises ValueError for one that is no ``name:nth``."""
    if not told:
        return lambda _name: None
    wanted, _, nth = told.rpartition(":")
    left = int(nth)

    def kill(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return kill


failpoint = _armed(os.environ.get(VARIABLE, ""))
"""``failpoint(name)``: die here if this is the place and the time; otherwise nothing."""
