"""A backup or a restore in a process of its own, which kills itself when it comes to the nth report of progress.

python -m tests.faults.copier backup DATA TARGET NTH
python -m tests.faults.copier restore BACKUP DATA NTH
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from inbox_store.embedded import FILE, copying
from inbox_store.embedded.backup import back_up
from inbox_store.embedded.restore import KeySource, restore
from inbox_store.times import system_now


def killer(nth: int) -> copying.Tell:
    """Progress that ends the process at its nth report; 0 for never."""
    seen = 0

    def tell(_what: str, _done: int, _total: int) -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def main(verb: str, source: Path, target: Path, nth: int) -> None:
    """Copy until the kill, or to the end."""
    copying.PAGES_PER_STEP = 16
    if verb == "backup":
        back_up(source, FILE, target, clock=system_now, tell=killer(nth), keys=source / "keys")
    else:
        restore(source, target, FILE, clock=system_now, tell=killer(nth), keys=KeySource())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
