"""A reconciliation of many lines in a process of its own: `python -m tests.sms_billing.many_lines LINES FILE`.

Prints seconds, the most memory used in MiB, and the figures, as JSON. Every 1,000th line is missing on one side or differs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from inbox_store.times import US, moment
from sms_billing.detail import DetailFormat, decoded, read_detail
from sms_billing.doubts import Doubt, Doubts
from sms_billing.periods import month_span
from sms_billing.reconcile import Matching, Sent, reconcile

FROM_AT, TO_AT = month_span(201812)
HEAD = "消息编号,手机号码,接入号,接收时间,计费条数,状态\n"


def peak_mib() -> int:
    """The most memory this program took; getrusage would tell the peak of whoever started it too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def message_id(place: int) -> str:
    """An id as CMPP gives them, written in 18 digits."""
    return f"{850_000_000_000_000_000 + place * 7919}"


def written(path: Path, lines: int) -> None:
    """The carrier's file, in another order than ours."""
    with path.open("w", encoding="gb18030") as out:
        out.write(HEAD)
        for turn in range(lines):
            place = turn * 7 % lines
            if place % 3000 == 0:
                continue
            at = moment(FROM_AT + place * US)
            status = "UNDELIV" if place % 3000 == 1000 else "DELIVRD"
            number = 13_800_000_000 + place
            out.write(f"{message_id(place)},{number},106900001,{at:%Y-%m-%d %H:%M:%S},1,{status}\n")


def ours(lines: int) -> Iterator[Sent]:
    """What we sent, in the order of time; some ids were lost."""
    for place in range(lines):
        if place % 3000 != 2000:
            yield Sent(place, message_id(place), FROM_AT + place * US, "delivered")


def in_doubt(lines: int) -> Iterator[Doubt]:
    """The attempts whose ids were lost."""
    for place in range(2000, lines, 3000):
        yield Doubt(place, place, 1, str(13_800_000_000 + place).encode(), "106900001", FROM_AT + place * US)


def main(lines: int, path: Path) -> None:
    """Write the file, then measure."""
    written(path, lines)
    begun = time.perf_counter()
    matching = Matching(DetailFormat(), Doubts(in_doubt(lines), str.encode), from_at=FROM_AT, to_at=TO_AT)
    with path.open("rb") as file:
        found = sum(
            1 for _ in reconcile(matching, [(ours(lines), read_detail(decoded(file), DetailFormat()))])
        )
    told: dict[str, float] = {
        "seconds": round(time.perf_counter() - begun, 2),
        "mib": peak_mib(),
        "differences": found,
        "agreed": matching.figures.agreed,
    }
    told.update({str(kind): count for kind, count in matching.figures.kinds.items()})
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
