"""What the accounts of several carriers' protocols check alike, each fault naming its field."""

from __future__ import annotations

import re
from typing import Final, Literal

from push.sms.carrier import Verdict, Welcome

CheckServer = Literal["off", "warn", "strict"]
"""What a wrong proof of the gateway does: nothing, a note, or the log-in counts as refused.

Peers disagree about the bytes it is made over (CMPP §12.1, SMGP §10.1), so a note is the sound default.
"""

_FEN: Final = re.compile(r"[0-9]{1,6}")


def member(field: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raises ValueError naming ``field`` where ``value`` is none of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{field}: {value!r} is none of {', '.join(map(repr, allowed))}")


def fen(field: str, value: str) -> None:
    """Raises ValueError naming ``field`` where ``value`` is no sum in fen of 1 to 6 digits."""
    if not _FEN.fullmatch(value):
        raise ValueError(f"{field}: {value!r} is not a sum in fen of 1 to 6 digits")


def check_verdicts(verdicts: dict[int, Verdict]) -> None:
    """Raises ValueError naming ``verdicts`` where a code is to mean acceptance: only 0 is billable."""
    for code, verdict in verdicts.items():
        if code < 1 or verdict == "accepted":
            raise ValueError(f"verdicts: {code} cannot mean {verdict}; only 0 is accepted")


def weighed(sequence: int, check: CheckServer, note: str, *, proven: bool) -> Welcome:
    """The Welcome of a gateway that let us in, and did or did not show that it knows the secret too."""
    if proven or check == "off":
        return Welcome(sequence=sequence, ok=True, code=0, note=note)
    note = "；".join(filter(None, (note, "网关的认证码与密钥不符")))
    strict = check == "strict"
    return Welcome(sequence=sequence, ok=not strict, code=0, alarm=strict, note=note)
